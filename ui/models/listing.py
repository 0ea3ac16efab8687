"""Which models a visitor may choose: those that TorchServe serves, and the archives of the model store."""

import logging
import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from client.errors import Unreachable
from client.management import Management, ModelStatus, path_of
from system import known_archives
from ui.models.archives import UNKNOWN, read_store
from ui.models.model import PHOTO, Listing, Model, merged

__all__ = ["Listing", "Model", "Models"]

logger = logging.getLogger(__name__)

# For what is not known the models are listed again while a visitor waits: no more often than this, since a
# browser may name anything, and seldom where the management API may take seconds not to answer.
LIST_AGAIN_S = 1.0
LIST_AGAIN_WHILE_AWAY_S = 30.0


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
        self._answered_photos: set[str] = set()
        self._skipped: dict[str, str] = {}
        self._leaving: set[str] = set()
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
        models = merged((self._own, own_version), served, archives, can_load)
        models = tuple(
            self._as_seen(model) for model in models if model.is_own or model.path not in self._leaving
        )
        # Who chose the page's own by its version, before that became the default one, is still right.
        known = {path_of(self._own, models[0].version): models[0], **{model.path: model for model in models}}
        with self._lock:
            self._known = known
            self._list_again_at = time.monotonic() + (LIST_AGAIN_S if can_load else LIST_AGAIN_WHILE_AWAY_S)
        return Listing(models, damaged, complaint, tuple(served), is_away=not can_load)

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
        if path in self._leaving:
            return None
        if path not in self._known:
            self._list_again()
        return self._known.get(path)

    def known(self, path: str) -> Model | None:
        """Return the model of this path as it was listed last, None where it was not; it waits for nobody."""
        return self._known.get(path)

    def named(self, name: str) -> Model | None:
        """Return the model that a program names as name/version, the page's own for its name alone or for "".

        None where there is no such one now.
        """
        model = self.find(name)
        is_meant = model is not None and name in ("", model.path, f"{model.name}/{model.version}")
        return model if is_meant else None

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

    @contextmanager
    def leaving(self, path: str) -> Iterator[None]:
        """Let nobody choose or ask a version until the end of the block."""
        self._leaving.add(path)
        try:
            yield
        finally:
            self._leaving.discard(path)

    def labels(self, model: Model) -> tuple[str, ...]:
        """Return the model's labels: its archive's, or else those of its last answer, or ()."""
        return model.labels or self._answered_labels.get(model.path, ())

    def answered(self, model: Model, labels: tuple[str, ...], *, is_in_colour: bool = False) -> None:
        """Remember what an answer says of a model whose archive the page cannot see.

        Args:
            model: Which one it is.
            labels: Those of the answer.
            is_in_colour: Whether the frame that its network saw was, as those of photographs are.
        """
        self._answered_labels[model.path] = labels
        if is_in_colour:
            self._answered_photos.add(model.path)

    def _as_seen(self, model: Model) -> Model:
        """Return a model with what its answers have told, where no archive does."""
        is_photo = not model.framing and model.path in self._answered_photos
        return replace(model, framing=PHOTO) if is_photo else model

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
