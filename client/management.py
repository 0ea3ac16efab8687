"""TorchServe's management API: which models are served, and loading and unloading them."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import requests

from client.errors import ChangeRefused, LoadFailed, NotLoaded, Unreachable
from client.management_answers import body, reason, unknown_form
from client.serving import Serving, read_serving
from client.session import ask_authorized, local_session

ANSWER_TIMEOUT_S = 2.0
# What starts workers is answered once the archive has been unpacked.
CHANGE_TIMEOUT_S = 60.0
# Else TorchServe waits for the workers and holds the thread that serves all clients: they would wait as well.
AT_ONCE = {"synchronous": "false"}
# TorchServe lists so many models at once, and a token for the next page.
PAGE_SIZE = 100


def path_of(name: str, version: str = "") -> str:
    """Return the path by which TorchServe is asked for a model: name/version, each quoted as in a URL.

    Without a version it is the name alone, which stands for the model's default version.
    """
    return "/".join(quote(part, safe="") for part in (name, version) if part)


def can_be_asked(part: str) -> bool:
    """Return whether a model's name, or its version, can stand in the path of an address.

    TorchServe decodes a path before it splits it, so that a model whose name has a slash can be registered,
    and then neither described nor taken away; HTTP clients resolve dots; and what is not printable is in no
    name that anybody has given on purpose.
    """
    return part.isprintable() and "/" not in part and part not in ("", ".", "..")


@dataclass(frozen=True)
class ModelStatus:
    """One version of a served model.

    Attributes:
        model: Its name.
        version: Its version.
        file: The archive that it was registered from, as TorchServe was told.
        ready_workers: How many of its workers can answer now.
        workers: How many it has, those that still start among them.
        starting: The name of each that cannot answer yet, and the id of its process; -1 before it has one.
        serving: How it is run; None where TorchServe does not say.
    """

    model: str
    version: str
    file: str
    ready_workers: int
    workers: int
    starting: dict[str, int] = field(default_factory=dict)
    serving: Serving | None = None


class Management:
    """TorchServe's management API; one instance may be used by many threads.

    Args:
        url: Such as http://127.0.0.1:8081.
        token_file: Holds the header with the token that it asks for; read each time, since it may be renewed.
        timeout_s: How long it may take to say what is served.
    """

    def __init__(
        self, url: str, token_file: Path | None = None, *, timeout_s: float = ANSWER_TIMEOUT_S
    ) -> None:
        self._url = url
        self._token_file = token_file
        self._timeout_s = timeout_s
        self._session = local_session()

    def describe(self, path: str) -> ModelStatus:
        """Return the status of a model's version.

        Args:
            path: As `path_of` gives it.

        Raises:
            NotLoaded: The model is not registered.
            Denied: The management API may not be asked.
            Unreachable: It does not answer, or not as it should.
        """
        return _versions(self._get(f"/models/{path}"))[0]

    def find(self, path: str) -> ModelStatus | None:
        """Return the status of a model's version as `describe` does, None where it is not registered."""
        try:
            return self.describe(path)
        except NotLoaded:
            return None

    def versions(self, name: str) -> list[ModelStatus]:
        """Return every version of a model; raise as `describe` does."""
        return _versions(self._get(f"/models/{path_of(name)}/all"))

    def served(self) -> tuple[list[ModelStatus], dict[str, str]]:
        """Return every version of every registered model, those without workers too.

        Returns:
            The versions; and of each model that TorchServe lists and does not describe, by name, why.

        Raises:
            Unreachable: The management API does not answer, or does not list the models as it should.
        """
        names: list[str] = []
        next_page = "0"
        while next_page:
            page = self._get(f"/models?limit={PAGE_SIZE}&next_page_token={quote(next_page, safe='')}")
            try:
                names += [str(model["modelName"]) for model in page["models"]]
                following = str(page.get("nextPageToken", ""))
            except (LookupError, TypeError, AttributeError) as error:
                raise unknown_form() from error
            # A token that comes again would be asked for without end.
            next_page = following if following != next_page else ""
        found: list[ModelStatus] = []
        undescribed: dict[str, str] = {}
        for name in names:
            if not can_be_asked(name):
                undescribed[name] = "TorchServe serves it, but has no address for such a name"
                continue
            path = f"/models/{path_of(name)}/all"
            response = self._ask(path)
            try:
                versions = _versions(body(response, path))
            except NotLoaded:
                continue  # it was unregistered meanwhile
            except Unreachable as error:
                undescribed[name] = str(error).rstrip(".")
                continue
            found += [status for status in versions if can_be_asked(status.version)]
            if not all(can_be_asked(status.version) for status in versions):
                undescribed[name] = "TorchServe serves such a version, but has no address for it"
        return found, undescribed

    def register(self, file: str) -> bool:
        """Have an archive of the model store loaded, and return before its workers run.

        Returns:
            Whether it was this call that registered it; somebody else may have been first.

        Raises:
            ChangeRefused: It cannot be loaded.
            LoadFailed: TorchServe does not answer.
        """
        query = {"url": file, "initial_workers": "1", **AT_ONCE}
        return self._change("POST", "/models", query, unless=requests.codes.conflict)

    def scale(self, path: str, workers: int) -> None:
        """Have a model's version get so many workers, and return before they run.

        Args:
            path: As `path_of` gives it, with the version.
            workers: 0 leaves it registered, without a process.

        Raises:
            ChangeRefused: It has no such version, or takes no such number.
            LoadFailed: TorchServe does not answer.
        """
        query = {"min_worker": str(workers), "max_worker": str(workers), **AT_ONCE}
        self._change("PUT", f"/models/{path}", query)

    def unregister(self, path: str) -> None:
        """Take a model's version away, if it is there.

        Raises:
            ChangeRefused: It is the default one of several.
            LoadFailed: TorchServe does not answer.
        """
        self._change("DELETE", f"/models/{path}", {}, unless=requests.codes.not_found)

    def set_default(self, path: str) -> None:
        """Let a version answer those who name none.

        Args:
            path: As `path_of` gives it, with the version.

        Raises:
            ChangeRefused: TorchServe has no such version.
            LoadFailed: TorchServe does not answer.
        """
        self._change("PUT", f"/models/{path}/set-default", {})

    def _send(self, method: str, path: str, **options: Any) -> requests.Response:
        return ask_authorized(self._session, self._token_file, method, f"{self._url}{path}", **options)

    def _get(self, path: str) -> Any:
        return body(self._ask(path), path)

    def _ask(self, path: str) -> requests.Response:
        try:
            return self._send("GET", path, timeout=self._timeout_s)
        except requests.RequestException as error:
            raise Unreachable("TorchServe's management API cannot be reached.") from error

    def _change(self, method: str, path: str, query: dict[str, str], unless: int = 0) -> bool:
        """Return whether it was changed, False for the status `unless`; raise what fits for any other."""
        try:
            response = self._send(method, path, params=query, timeout=(self._timeout_s, CHANGE_TIMEOUT_S))
        except requests.Timeout as error:
            raise LoadFailed(f"TorchServe did not finish within {CHANGE_TIMEOUT_S:g} seconds") from error
        except requests.RequestException as error:
            raise LoadFailed("TorchServe's management API cannot be reached") from error
        if not response.ok and response.status_code != unless:
            raise ChangeRefused(reason(response))
        return response.ok


def _versions(described: Any) -> list[ModelStatus]:
    try:
        found = [_status(one) for one in described]
    except (LookupError, TypeError) as error:
        raise unknown_form() from error
    if not found:
        raise unknown_form()
    return found


def _status(described: dict[str, Any]) -> ModelStatus:
    workers = described["workers"]
    return ModelStatus(
        model=str(described["modelName"]),
        version=str(described["modelVersion"]),
        file=str(described.get("modelUrl", "")),
        ready_workers=sum(worker["status"] == "READY" for worker in workers),
        workers=len(workers),
        starting={worker["id"]: worker["pid"] for worker in workers if worker["status"] != "READY"},
        serving=read_serving(described),
    )
