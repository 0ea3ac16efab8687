"""Which version of the page's own model a session is answered by, while another one is tried.

A version that is tried shows no failure to anybody: the default one is asked at once.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from client.errors import PredictionError
from client.inference import Inference
from client.management import path_of
from rollout.routes import DEFAULT
from ui.backend import Backend
from ui.models.model import Model

Result = TypeVar("Result")


@dataclass(frozen=True)
class Choice:
    """What was chosen.

    Attributes:
        model: What answers, unless it is the page's own and another version of that is tried.
        session_id: By whom.
        has_version: Whether the version was named, so that no other may answer.
    """

    model: Model
    session_id: str | None
    has_version: bool = False


def answered(
    backend: Backend, choice: Choice, ask: Callable[[str, Inference], Result]
) -> tuple[Result, Model]:
    """Return an answer, and the model that gave it.

    Args:
        backend: What stands behind the page.
        choice: Who wants it, and what was chosen.
        ask: Asks the model of a path, by the API that it is given.

    Raises:
        PredictionError: There is no answer; of several versions' reasons the last one's.
    """
    models = _models(backend, choice)
    (version, first), *others = models
    if not others:
        return ask(first.path, backend.inference), first
    inference = backend.inference.hurried()  # the other one has to have time
    _, other = others[0]
    try:
        found = ask(first.path, inference)
    except PredictionError as error:
        answer = ask(other.path, inference)
        # Where nobody answers, or all refuse the picture, it is not the version's fault.
        backend.routes.asked(first.name, version, error)
        return answer, other
    backend.routes.asked(first.name, version)
    return found, first


def _models(backend: Backend, choice: Choice) -> list[tuple[str, Model]]:
    """Return the versions to ask, one or two, as `Routes` calls them and as they are asked."""
    model = choice.model
    if choice.has_version and model.is_own and model.version:
        return [(DEFAULT, replace(model, path=path_of(model.name, model.version)))]
    if not model.is_own:
        return [(DEFAULT, model)]
    found: list[tuple[str, Model]] = []
    for version in backend.routes.versions(model.name, choice.session_id):
        one = backend.models.known(path_of(model.name, version)) if version else model
        if one is not None:
            found.append((version, one))
    return found
