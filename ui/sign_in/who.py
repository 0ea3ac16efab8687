"""Who asks for something on the page, and what that is allowed."""

import gradio as gr
from starlette.types import Scope

from db.user_rows import User
from ui.draw.drawing import read_session_id

# Under this name the admission leaves the user, or None, in the scope; without sign-in it is not there.
USER = "sketchserve.user"
# And under this one the hash of the token by which that is known.
TOKEN_HASH = "sketchserve.token_hash"  # noqa: S105 - a name


def user_of(request: gr.Request) -> User | None:
    """Return who is signed in, None where nobody has to be."""
    return _scope(request).get(USER)


def whose(visitor_id: object, request: gr.Request) -> str | None:
    """Return whose history is meant: the user's own, or without sign-in the browser's.

    What a browser says counts only where nobody signs in, and no browser's id looks like a user's.
    """
    return session_of(visitor_id, _scope(request))


def session_of(visitor_id: object, scope: Scope) -> str | None:
    """Return the same of a request that did not come through Gradio."""
    if USER not in scope:
        return read_session_id(visitor_id)
    user = scope[USER]
    return None if user is None else f"user:{user.id}"


def may_load_models(request: gr.Request) -> bool:
    """Return whether who asks may have models loaded, which starts workers."""
    user = user_of(request)
    return user.role == "operator" if user is not None else USER not in _scope(request)


def _scope(request: gr.Request) -> Scope:
    assert request.request is not None, "Gradio passes on the request of every event"
    return request.request.scope
