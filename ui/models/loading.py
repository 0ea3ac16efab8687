"""Brings up the models that visitors choose, and takes their workers away when nobody asks them any more."""

import logging
import threading
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress

from client.errors import ChangeRefused, LoadFailed, NotLoaded, Unreachable
from client.management import Management, ModelStatus, path_of
from client.readiness import given_up_when_all_fail, wait_until_ready
from db.model_uses import ModelUses
from ui.models.in_use import LOOK_EVERY, InUse
from ui.models.listing import Model

logger = logging.getLogger(__name__)

# TorchServe itself gives a worker 120 s to start (startupTimeout in model-config.yaml).
READY_TIMEOUT_S = 150.0
POLL_S = 0.2


class Loader:
    """Loads models on demand; may be used by many threads.

    It takes workers only from models to which it gave some, never from the page's own model, nor from one
    that an operator loaded or made the page's own.

    Args:
        management: TorchServe's management API.
        own: The name of the page's own model.
        idle_s: A model that nobody asked for so long loses its workers.
        uses: Where several pages tell each other of that; None where there is one.
    """

    def __init__(
        self, management: Management, own: str, idle_s: float, uses: ModelUses | None = None
    ) -> None:
        self._management = management
        self._own = own
        self._idle_s = idle_s
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._in_use = InUse(idle_s, uses)
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
            status = self._management.find(model.path)
        except Unreachable:
            return False
        return status is None or not status.workers

    def load(self, model: Model) -> None:
        """Return once the model has a READY worker; of several callers the first one does the work.

        Raises:
            LoadFailed: It cannot be loaded, or its workers do not start; what was started here is taken back
                then, now or when it has been idle. Or the page stops.
        """
        # TorchServe may take minutes. The end of the page does not wait for a daemon thread.
        done: Future[None] = Future()
        threading.Thread(target=self._load, args=(model, done), name="load-model", daemon=True).start()
        while not self._stopping.is_set():
            with suppress(TimeoutError):
                return done.result(POLL_S)
        raise LoadFailed("the page is being stopped")

    def _load(self, model: Model, done: Future[None]) -> None:
        """Bring the model up; what is raised is raised where it is waited for."""
        try:
            self._bring_up(model)
        except NotLoaded:
            done.set_exception(LoadFailed("it was unregistered in the meantime"))
        except Unreachable as error:
            done.set_exception(LoadFailed(str(error).rstrip(".")))
        except Exception as error:
            done.set_exception(error)
        else:
            done.set_result(None)
        self._in_use.share()  # at once: this page may end before it looks

    def _bring_up(self, model: Model) -> None:
        with self._locks[model.path]:
            status = self._management.find(model.path)
            if status is None or not status.ready_workers:
                undo = self._start(model, status)
                check = given_up_when_all_fail({*status.starting.values()} if status else set())
                try:
                    status = wait_until_ready(self._management, model.path, READY_TIMEOUT_S, check)
                except (LoadFailed, Unreachable):
                    if undo is not None:
                        self._take_back(model, undo)
                    raise
                # As many as its archive's model-config.yaml says, whatever was asked for at its registration.
                self._in_use.has(model.path, status.workers)
            self.used(model)

    def used(self, model: Model) -> None:
        """Note that a visitor asks the model now."""
        if not model.is_own:
            self._in_use.used(model.path)

    def leave(self, path: str) -> None:
        """Take no workers from the model any more: an operator decides on it."""
        self._in_use.leave(path)

    def scale_down_idle(self) -> None:
        """Take the workers from every model that got some here and that nobody asked for the idle time."""
        if not self._in_use.share():
            return
        for path in self._in_use.all():
            # What is being loaded now is looked at next time.
            if self._locks[path].acquire(blocking=False):
                try:
                    if self._in_use.claim(path):
                        self._take_down(path)
                finally:
                    self._locks[path].release()

    def _take_down(self, path: str) -> None:
        try:
            status = self._management.find(path)
            if status is None:
                logger.info("%s is not registered any more", path)
            elif self._is_own(status.model, status.version):
                logger.info("%s keeps its workers: it is the page's own model now", path)
            else:
                self._management.scale(path, 0)
                logger.info("%s was idle for %g s and has no workers now", path, self._idle_s)
        except (Unreachable, LoadFailed) as error:
            logger.warning("%s is idle but keeps its workers for now: %s", path, error)
            self._in_use.started(path)

    def _is_own(self, name: str, version: str) -> bool:
        return name == self._own and self._management.describe(path_of(self._own)).version == version

    def _watch(self) -> None:
        while not self._stopping.wait(LOOK_EVERY * self._idle_s):
            self.scale_down_idle()

    def _take_back(self, model: Model, undo: Callable[[], None]) -> None:
        # TorchServe keeps a model whose workers do not start, and goes on to start them for five minutes.
        with suppress(LoadFailed, Unreachable):
            if not self._is_own(model.name, model.version):
                undo()
            self.leave(model.path)

    def _start(self, model: Model, status: ModelStatus | None) -> Callable[[], None] | None:
        """Have workers started where nobody has done so yet; return what takes that back, if it was done."""
        if status is None:
            return self._register(model)
        if not status.workers:
            return self._scale_up(model)
        return None

    def _register(self, model: Model) -> Callable[[], None] | None:
        if not model.file:
            raise LoadFailed("TorchServe no longer has it, and the model store has no archive of it")
        try:
            is_ours = self._management.register(model.file)
        except ChangeRefused:
            raise
        except LoadFailed:
            # It may be registered all the same.
            with suppress(LoadFailed):
                self._management.unregister(model.path)
            raise
        if not is_ours:
            return None
        self._in_use.started(model.path)
        return lambda: self._management.unregister(model.path)

    def _scale_up(self, model: Model) -> Callable[[], None]:
        # Before it is known whether they start: what starts late would never be taken down.
        self._in_use.started(model.path)
        try:
            self._management.scale(model.path, self._in_use.workers(model.path))
        except ChangeRefused:
            self.leave(model.path)
            raise
        return lambda: self._management.scale(model.path, 0)
