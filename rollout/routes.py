"""Which versions a session is answered by: the default one, or one that is tried, and who is asked next."""

import hashlib
import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from client.errors import Busy, NotLoaded, PredictionError
from db.serving import Serving

# A default version that answers without being named.
DEFAULT = ""
KINDS = ("asked", "failed", "busy")


def is_tried_on(session_id: str, model: str, version: str, share: int) -> bool:
    """Return whether a session is among the `share` percent on which a version is tried.

    Each session has a place from 0 to 99, another one for each version: who is among 5 % is among 25 %, too.
    """
    digest = hashlib.sha256(f"{session_id} {model} {version}".encode()).digest()
    return int.from_bytes(digest[:8]) % 100 < share


def on_trial(serving: Serving) -> str | None:
    """Return the version that is watched: the candidate, or a default that came after another one."""
    if serving.share:
        return serving.candidate
    return serving.version if serving.previous else None


def _trial(serving: Serving | None) -> tuple[str | None, datetime] | None:
    """Return what is watched, and since when."""
    return (on_trial(serving), serving.changed_at) if serving else None


@dataclass(frozen=True)
class Tally:
    """What came of the questions to a version on trial, since it was asked last.

    Attributes:
        asked: How many were put to it.
        failed: For how many of them another version had to answer.
        busy: How many more of them it had no time for, or no worker.
        why: The last failure, in words.
    """

    asked: int = 0
    failed: int = 0
    busy: int = 0
    why: str = ""


class Routes:
    """What is to be served, as it was known last; may be used by many threads, and waits for nobody."""

    def __init__(self) -> None:
        self._servings: dict[str, Serving] = {}
        self._ready: frozenset[tuple[str, str]] = frozenset()
        self._counts: Counter[tuple[str, str, str]] = Counter()
        self._why: dict[tuple[str, str], str] = {}
        self._lock = threading.Lock()

    def update(self, servings: Iterable[Serving], ready: Iterable[tuple[str, str]]) -> None:
        """Take what is to be served, and the name and version of each that can answer now.

        What came of questions counts for the trial in which they were put, and not for a later one of the
        same version.
        """
        before, self._servings = self._servings, {serving.model: serving for serving in servings}
        self._ready = frozenset(ready)
        for model in before:
            if _trial(before[model]) != _trial(self._servings.get(model)):
                self._drop(model)

    def _drop(self, model: str) -> None:
        with self._lock:
            self._counts = Counter({key: count for key, count in self._counts.items() if key[0] != model})
            self._why = {key: why for key, why in self._why.items() if key[0] != model}

    def versions(self, model: str, session_id: str | None) -> list[str]:
        """Return which versions of a model to ask for a session, one after the other until one answers."""
        serving = self._servings.get(model)
        if serving is None:
            return [DEFAULT]
        if serving.share and serving.candidate:
            is_wanted = session_id is not None and is_tried_on(
                session_id, model, serving.candidate, serving.share
            )
            is_there = (model, serving.candidate) in self._ready
            return [serving.candidate, DEFAULT] if is_wanted and is_there else [DEFAULT]
        if serving.previous and (model, serving.previous) in self._ready:
            return [DEFAULT, serving.previous]
        return [DEFAULT]

    def asked(self, model: str, version: str, error: PredictionError | None = None) -> None:
        """Note that a version was asked; `error` is why another one had to answer."""
        serving = self._servings.get(model)
        if serving is None:
            return
        key = (model, serving.version if version == DEFAULT else version)
        if key[1] != on_trial(serving):
            return
        with self._lock:
            if isinstance(error, NotLoaded):
                # TorchServe has been started again, and gets it back: that is no fault of the version's.
                self._ready -= {key}
                return
            self._counts[*key, "asked"] += 1
            if error is not None:
                self._counts[*key, "busy" if type(error) is Busy else "failed"] += 1
                self._why[key] = str(error)

    def taken(self, model: str, version: str) -> Tally:
        """Return what came of the questions to a version since this was called last."""
        key = (model, version)
        with self._lock:
            asked, failed, busy = (self._counts.pop((*key, kind), 0) for kind in KINDS)
            return Tally(asked, failed, busy, self._why.pop(key, ""))
