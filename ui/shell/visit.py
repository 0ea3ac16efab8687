"""Who asks for a view, and what they may see and do."""

from dataclasses import dataclass
from urllib.parse import parse_qs

from starlette.requests import Request

from system.ports import foreign_host, is_loopback
from ui.draw.drawing import read_session_id
from ui.sign_in.who import USER

# The browser's id, which visitor.js puts there: a link cannot carry what local storage has.
VISITOR = "sketchserve-visitor"
# By these proxies can be told.
PASSED_ON = frozenset({"x-forwarded-for", "x-forwarded-host", "forwarded", "via"})


class NotAllowed(Exception):  # noqa: N818 - an answer, not a fault
    """Only operators may do this."""


@dataclass(frozen=True)
class Visit:
    """One request for a view.

    Attributes:
        request: What was asked.
        form: What a form sent, each field once; empty for what is only looked at.
        is_for_this_machine: Whether only programs of this machine can ask.
    """

    request: Request
    form: dict[str, str]
    is_for_this_machine: bool = False

    @property
    def session_id(self) -> str | None:
        """Whose history it is: the user's own, or without sign-in the browser's."""
        scope = self.request.scope
        if USER not in scope:
            return read_session_id(self.request.cookies.get(VISITOR))
        return None if scope[USER] is None else f"user:{scope[USER].id}"

    @property
    def is_operator(self) -> bool:
        """Whether who asks may see what all have drawn and change what is served.

        Without sign-in that is everybody on this machine, and nobody elsewhere. Where others can ask as well,
        a name of theirs may lead here (DNS rebinding), and somebody's proxy may pass them on.
        """
        scope = self.request.scope
        if USER in scope:
            return scope[USER] is not None and scope[USER].role == "operator"
        if self.is_for_this_machine:
            return True
        client, headers = self.request.client, self.request.headers
        is_passed_on = not PASSED_ON.isdisjoint(headers.keys())
        is_asked_here = foreign_host(headers.get("host", ""), ("localhost",)) is None
        return client is not None and is_loopback(client.host) and is_asked_here and not is_passed_on

    @property
    def user_name(self) -> str:
        """Who is signed in, "" where nobody has to be."""
        user = self.request.scope.get(USER)
        return "" if user is None else user.name

    def require_operator(self) -> None:
        """Raise NotAllowed unless who asks is an operator."""
        if not self.is_operator:
            raise NotAllowed


def read_form(body: bytes) -> dict[str, str]:
    """Return the fields of a form (application/x-www-form-urlencoded); of several of a name the last one."""
    fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
    return {name: values[-1] for name, values in fields.items()}
