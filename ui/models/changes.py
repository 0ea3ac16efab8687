"""What an operator can change about a version: what it means, and when it may be done."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

from ui.models.archives import UNKNOWN
from ui.models.board import Board, Version
from ui.models.default import more_workers

Verb = Literal["load", "scale", "unload", "default", "rollback"]
VERBS: tuple[Verb, ...] = get_args(Verb)
# Each is a process that waits for a core; more than this is a slip of the finger.
MOST_WORKERS = 64
MB = 1_000_000
STAYS = (
    "The previous version stays ready for a day, and takes over again if the new one turns out to be worse."
)


@dataclass(frozen=True)
class Change:
    """One change that an operator wants.

    Attributes:
        verb: What is to be done.
        path: To which version: name/version, quoted as in a URL.
        workers: How many it is to have, to scale it.
        despite: What the operator has read that speaks against making it the default, and overrides.
    """

    verb: Verb
    path: str
    workers: int = 0
    despite: str = ""

    def title(self, version: Version) -> str:
        """Return what is done, in words."""
        name = version.model.title
        match self.verb:
            case "load":
                return f"Load {name}"
            case "scale":
                return f"Give {name} {_workers(self.workers)}"
            case "unload":
                return f"Unload {name}"
            case "default":
                return f"Make {name} the default"
            case "rollback":
                return f"Roll back {name}"


def read_change(verb: str, path: str, workers: str, despite: str = "") -> Change | str:
    """Return the change that a form names, or why it names none."""
    if verb not in VERBS:
        return f"{verb!r:.30} is not a change of a model: use one of {', '.join(VERBS)}."
    if verb != "scale":
        return Change(verb, path, despite=despite)
    if not (workers.isascii() and workers.isdigit() and 1 <= int(workers[:9]) <= MOST_WORKERS):
        return f"{workers!r:.30} is not a number of workers: choose 1 to {MOST_WORKERS}."
    return Change(verb, path, int(workers))


def consequences(change: Change, version: Version, board: Board, free_bytes: int | None) -> list[str]:
    """Return what the change means, a sentence each."""
    name = version.model.title
    match change.verb:
        case "load":
            return [
                f"TorchServe registers {version.model.file} and starts as many workers as its archive says. "
                "It keeps them until you unload it.",
                _memory(board.worker_bytes(version), free_bytes),
            ]
        case "scale":
            more = change.workers - version.workers
            about = f"It has {_workers(version.workers)} now. " if version.status else ""
            if more < 0:
                return [f"{about}{_workers(-more)} will stop after answering what is being read."]
            return [
                f"{about}{_workers(more)} more will start.",
                _memory(board.worker_bytes(version), free_bytes),
            ]
        case "unload":
            return [
                f"{'Its worker stops' if version.workers == 1 else f'Its {version.workers} workers stop'}; "
                "drawings being read are answered first. Visitors who chose it here go back to the page's "
                "own model; for those who may load models, the next drawing loads it again.",
                "Requests that other programs send it at that moment may get no answer; later ones get 404.",
            ]
        case "rollback":
            return [
                "If it is being tried on some sessions, the default version answers those again within "
                "seconds. If it is the default itself, the previous version becomes the default again. "
                f"{name} is unloaded a minute later.",
            ]
        case "default":
            more = more_workers(version, board)
            workers = (
                [f"It gets {_workers(more)} more, to have as many as the present default."] if more else []
            )
            if version.model.name == board.versions[0].model.name:
                return [
                    f"From then on this page reads with {name} for everybody who has not chosen another "
                    f"model, and programs that ask for {version.model.name} get it.",
                    *workers,
                    STAYS,
                ]
            return [
                f"Programs that ask for {version.model.name} without naming a version get {name} from then "
                "on. This page keeps reading with "
                f"{board.versions[0].model.title}, its own model.",
                *workers,
                STAYS,
            ]


def refusal(change: Change, version: Version, board: Board, free_bytes: Callable[[], int | None]) -> str:
    """Return why the change cannot be made now; "" where it can."""
    name = version.model.title
    match change.verb:
        case "load":
            if version.workers:
                return f"{name} is already loaded."
            if version.sha256 and not version.is_known:
                return f"{name} cannot be loaded: {UNKNOWN}."
            return _lacks_memory(1, board.worker_bytes(version), free_bytes())
        case "scale":
            if version.status is None:
                return f"{name} is not loaded: load it first."
            if version.workers == change.workers:
                return f"{name} already has {_workers(change.workers)}."
            return _lacks_memory(change.workers - version.workers, board.worker_bytes(version), free_bytes())
        case "unload":
            return why_it_stays(version)
        case "default":
            if not version.is_ready:
                return f"{name} has no worker that can answer: load it first."
            if version.is_default:
                return f"{name} is already the default."
            return _lacks_memory(more_workers(version, board), board.worker_bytes(version), free_bytes())
        case "rollback":
            return ""


def why_it_stays(version: Version) -> str:
    """Return why a version cannot be unloaded; "" where it can."""
    name = version.model.title
    if version.status is None:
        return f"{name} is not loaded."
    if version.is_pages:
        return (
            f"{name} cannot be unloaded: this page reads with it, the default version of its MODEL. First "
            f"make another version of {version.model.name} the default, or start with another MODEL."
        )
    return ""


def _workers(count: int) -> str:
    return "1 worker" if count == 1 else f"{count} workers"


def _memory(worker_bytes: int, free_bytes: int | None) -> str:
    needs = f"A worker takes about {worker_bytes / MB:,.0f} MB. " if worker_bytes else ""
    if free_bytes is None:
        return f"{needs}TorchServe runs elsewhere: the page cannot see how much memory is free there."
    return f"{needs}{free_bytes / MB:,.0f} MB are free."


def _lacks_memory(workers: int, worker_bytes: int, free_bytes: int | None) -> str:
    if free_bytes is None or workers <= 0 or workers * worker_bytes <= free_bytes:
        return ""
    return (
        f"{_workers(workers)} more would take about {workers * worker_bytes / MB:,.0f} MB, and "
        f"{free_bytes / MB:,.0f} MB are free."
    )
