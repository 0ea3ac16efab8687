"""Brings up the models that visitors choose, and takes their workers away when nobody asks them any more."""

import logging
import threading
import time
from collections import defaultdict
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass

from ui.management import LoadFailed, Management
from ui.models import Model
from ui.torchserve import Unreachable

logger = logging.getLogger(__name__)

# Somebody else's request may have started the workers: then this is how long they are waited for.
READY_TIMEOUT_S = 120.0
POLL_S = 0.2
# A model loses its workers after the idle time and at most so much of it again.
LOOK_EVERY = 0.25


@dataclass(frozen=True)
class _Workers:
    """A model's workers, those that still start among them; and whether TorchServe knows the model at all."""

    is_registered: bool
    count: int
    ready: int


class Loader:
    """Loads models on demand; may be used by many threads.

    It takes workers only from models to which it gave some, never from the page's own model, nor from one
    that an operator loaded.

    Args:
        management: TorchServe's management API.
        idle_s: A model that nobody asked for so long, through this page, loses its workers.
    """

    def __init__(self, management: Management, idle_s: float) -> None:
        self._management = management
        self._idle_s = idle_s
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._used_at: dict[str, float] = {}
        # Workers that a model gets, of those that got some here.
        self._given: dict[str, int] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="idle-models", daemon=True)

    def start(self) -> None:
        """Begin to look for idle models."""
        self._thread.start()

    def stop(self) -> None:
        """Stop looking; models stay as they are."""
        self._stopping.set()

    def has_no_worker(self, model: Model) -> bool:
        """Return whether the model has to be loaded before it can answer; False where nobody can say."""
        try:
            return not self._workers_of(model).count
        except LoadFailed:
            return False

    def load(self, model: Model) -> None:
        """Return once the model has a READY worker; of several callers the first one does the work.

        Raises:
            LoadFailed: It cannot be loaded, or its workers do not start; then it is left without any.
                Or the page stops.
        """
        # TorchServe may take minutes. The end of the page does not wait for a daemon thread.
        done: Future[None] = Future()
        threading.Thread(target=self._load, args=(model, done), name="load-model", daemon=True).start()
        while not self._stopping.is_set():
            with suppress(TimeoutError):
                return done.result(POLL_S)
        raise LoadFailed("the page is being stopped")

    def _load(self, model: Model, done: Future[None]) -> None:
        try:
            self._bring_up(model)
        except Exception as error:
            done.set_exception(error)  # raised where it is waited for
        else:
            done.set_result(None)

    def _bring_up(self, model: Model) -> None:
        with self._locks[model.path]:
            found = self._workers_of(model)
            if found.ready:
                return
            if not found.is_registered:
                self._register(model)
            elif not found.count:
                self._scale_up(model)
            self._wait_until_ready(model)
            self.used(model)

    def used(self, model: Model) -> None:
        """Note that a visitor asks the model now."""
        if model.path in self._given:
            self._used_at[model.path] = time.monotonic()

    def scale_down_idle(self) -> None:
        """Take the workers from every model that got some here and that nobody asked for the idle time."""
        for path in [*self._used_at]:
            with self._locks[path]:
                if time.monotonic() - self._used_at[path] < self._idle_s:
                    continue
                try:
                    self._management.scale(path, 0)
                except LoadFailed as error:
                    logger.warning("%s is idle but keeps its workers for now: %s", path, error)
                    self._used_at[path] = time.monotonic()
                    continue
                del self._used_at[path]
                logger.info("%s was idle for %g s and has no workers now", path, self._idle_s)

    def _watch(self) -> None:
        while not self._stopping.wait(LOOK_EVERY * self._idle_s):
            self.scale_down_idle()

    def _workers_of(self, model: Model) -> _Workers:
        try:
            served = self._management.served()
        except Unreachable as error:
            raise LoadFailed(str(error).rstrip(".")) from error
        for status in served:
            if (status.model, status.version) == (model.name, model.version):
                return _Workers(True, status.workers, status.ready_workers)
        return _Workers(False, 0, 0)

    def _register(self, model: Model) -> None:
        if not model.file:
            raise LoadFailed("TorchServe does not have it any more, and the model store has no archive of it")
        try:
            is_ours = self._management.register(model.file)
        except LoadFailed:
            # TorchServe keeps a model whose workers do not start, and starts them again for five minutes.
            with suppress(LoadFailed):
                self._management.unregister(model.path)
            raise
        if is_ours:
            # As many as the archive's model-config.yaml says, whatever was asked for.
            self._given[model.path] = max(1, self._workers_of(model).count)

    def _scale_up(self, model: Model) -> None:
        workers = self._given.setdefault(model.path, 1)
        try:
            self._management.scale(model.path, workers)
        except LoadFailed:
            with suppress(LoadFailed):
                self._management.scale(model.path, 0)
            raise

    def _wait_until_ready(self, model: Model) -> None:
        deadline = time.monotonic() + READY_TIMEOUT_S
        while not self._workers_of(model).ready:
            if time.monotonic() > deadline:
                raise LoadFailed(f"none of its workers was ready within {READY_TIMEOUT_S:g} seconds")
            time.sleep(POLL_S)
