"""Which models a visitor may choose: those that TorchServe serves, and the archives of the model store."""

import logging
import math
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path

from client.errors import Unreachable
from client.management import Management, ModelStatus, path_of
from system import known_archives
from ui.models.archives import UNKNOWN, Archive, read_store

logger = logging.getLogger(__name__)

# For what is not known the models are listed again while a visitor waits: no more often than this, since a
# browser may name anything, and seldom where the management API may take seconds not to answer.
LIST_AGAIN_S = 1.0
LIST_AGAIN_WHILE_AWAY_S = 30.0


@dataclass(frozen=True)
class Model:
    """One version of a model.

    Attributes:
        path: By which it is asked, and known to the browser: what `path_of` gives. The page's own model has
            the name alone, so that it follows what TorchServe has as the default version.
        name: Its name.
        version: Its version; "" where nobody could say.
        file: The archive that it is registered from; "" where the model store has none.
        labels: In the model's order; () where no archive says.
        coverage: The share of drawings whose label is in the answer's set, where the archive says so.
        ready_workers: How many workers could answer when TorchServe was asked last.
    """

    path: str
    name: str
    version: str
    file: str = ""
    labels: tuple[str, ...] = ()
    coverage: float | None = None
    ready_workers: int = 0

    @property
    def title(self) -> str:
        """Name and version as a person reads them."""
        return f"{self.name} {self.version}".rstrip()

    @property
    def is_own(self) -> bool:
        """Whether it is the page's own, which is never loaded nor taken down from here."""
        return "/" not in self.path


@dataclass(frozen=True)
class Listing:
    """What may be chosen at one moment.

    Attributes:
        models: The page's own first, then by name and version.
        damaged: Archives that cannot be served, and models that TorchServe does not describe: name -> why.
        complaint: Why there may be more that cannot be chosen now; "" when all is well.
    """

    models: tuple[Model, ...]
    damaged: dict[str, str]
    complaint: str


class Models:
    """The models behind the page; may be used by many threads.

    Args:
        own: The name of the model that the page starts with.
        management: TorchServe's management API.
        store: The folder of archives that TorchServe registers from; None where the page cannot see it.
        known: The list of those that may be registered (`system/known_archives.py`); None for any.
    """

    def __init__(
        self, own: str, management: Management, store: Path | None, known: Path | None = None
    ) -> None:
        self._own = own
        self._management = management
        self._store = store
        self._known_archives = known
        self._served: list[ModelStatus] = []
        self._own_version = ""
        self._known: dict[str, Model] = {}
        self._list_again_at = -math.inf
        self._answered_labels: dict[str, tuple[str, ...]] = {}
        self._skipped: dict[str, str] = {}
        self._lock = threading.Lock()

    def listing(self) -> Listing:
        """Return what may be chosen, from the model store and from TorchServe as they are now.

        While the management API is away these are the models that had workers when it answered last.
        """
        archives, damaged = read_store(self._store, self._known_archives)
        skipped = {name: self._how_to_accept(name) for name, why in damaged.items() if why == UNKNOWN}
        complaint = ""
        try:
            served, undescribed = self._management.served()
            own_version = self._management.describe(path_of(self._own)).version
        except Unreachable as error:
            served = [status for status in self._served if status.ready_workers > 0]
            own_version = self._own_version
            if archives or damaged:
                complaint = f"Other models cannot be loaded now. {error}"
            can_load = False
        else:
            self._served, self._own_version = served, own_version
            damaged |= undescribed
            skipped |= undescribed
            can_load = True
        self._say(skipped)
        models = _models((self._own, own_version), served, archives, can_load)
        # Who chose the page's own by its version, before that became the default one, is still right.
        known = {path_of(self._own, models[0].version): models[0], **{model.path: model for model in models}}
        with self._lock:
            self._known = known
            self._list_again_at = time.monotonic() + (LIST_AGAIN_S if can_load else LIST_AGAIN_WHILE_AWAY_S)
        return Listing(models, damaged, complaint)

    def own(self) -> Model:
        """Return the page's own model."""
        if not self._known:
            self.listing()
        return self._known[path_of(self._own)]

    def find(self, path: object) -> Model | None:
        """Return the model that a browser asks for, or None where there is none now.

        A path without a version is the page's own, whatever it was called before the page was started again.
        """
        if not isinstance(path, str) or "/" not in path:
            return self.own()
        if path not in self._known:
            self._list_again()
        return self._known.get(path)

    def answered_by(self, model: Model, version: str) -> Model:
        """Return the model as it is after an answer of this version: the default one may be another now.

        Labels and coverage are that version's, or not known.
        """
        if version == model.version:
            return model
        self._list_again()
        known = self._known.get(model.path, model)
        if version == known.version:
            return known
        return replace(model, version=version, labels=(), coverage=None)

    def labels(self, model: Model) -> tuple[str, ...]:
        """Return the model's labels: its archive's, or else those of its last answer, or ()."""
        return model.labels or self._answered_labels.get(model.path, ())

    def answered(self, model: Model, labels: tuple[str, ...]) -> None:
        """Remember the labels of an answer, for a model whose archive the page cannot see."""
        self._answered_labels[model.path] = labels

    def _how_to_accept(self, file: str) -> str:
        assert self._store is not None
        assert self._known_archives is not None
        return f"{UNKNOWN}: {known_archives.how_to_accept(self._store / file, self._known_archives)}"

    def _say(self, skipped: dict[str, str]) -> None:
        """Log what is skipped, once, as long as it stays so."""
        for name in skipped.keys() - self._skipped.keys():
            logger.warning("%r cannot be chosen: %s", name, skipped[name])
        self._skipped = skipped

    def _list_again(self) -> None:
        with self._lock:
            if time.monotonic() < self._list_again_at:
                return
            self._list_again_at = time.monotonic() + LIST_AGAIN_S
        self.listing()


def _models(
    own: tuple[str, str], served: list[ModelStatus], archives: list[Archive], can_load: bool
) -> tuple[Model, ...]:
    """Return the page's own model, then all others by name and version.

    Args:
        own: Name and version of the page's own; the version is "" where TorchServe did not say.
        served: What TorchServe has.
        archives: What the model store has.
        can_load: Whether archives that are not served can be chosen too.
    """
    # Of two files with the same model, the first by name.
    known = {(archive.name, archive.version): archive for archive in reversed(archives)}
    statuses = {(status.model, status.version): status for status in served}
    if not own[1]:
        own = next((key for key in known if key[0] == own[0]), own)
    others = sorted({*statuses, *(known if can_load else ())} - {own})
    paths = {own: path_of(own[0])}
    paths |= {key: path_of(*key) for key in others}
    return tuple(_model(path, *key, known.get(key), statuses.get(key)) for key, path in paths.items())


def _model(path: str, name: str, version: str, archive: Archive | None, status: ModelStatus | None) -> Model:
    return Model(
        path=path,
        name=name,
        version=version,
        file=archive.file if archive else (status.file if status else ""),
        labels=archive.labels if archive else (),
        coverage=archive.coverage if archive else None,
        ready_workers=status.ready_workers if status else 0,
    )
