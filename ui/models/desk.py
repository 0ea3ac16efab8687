"""Where operators' changes are made: one at a time for each version, logged, and said to those who wait."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from client.errors import LoadFailed, Unreachable
from client.management import Management
from ui.models.board import Boards, Version
from ui.models.changes import Change, refusal
from ui.models.default import make_default
from ui.models.listing import Models
from ui.models.loading import Loader
from ui.models.rollouts import Rollouts

logger = logging.getLogger(__name__)

# Who asks for a change waits so long for its end, and sees it on the page otherwise.
WAIT_S = 3.0
# TorchServe drops what waits for a version, and what its last worker reads, when it is unregistered: nobody
# would answer it. A batch takes milliseconds, so when nothing waits for so long, nothing is in flight.
QUIET_S = 0.5
QUIET_WITHIN_S = 10.0
POLL_S = 0.1
LATELY = 6


class ChangeNotMade(Exception):  # noqa: N818 - an answer, not a fault
    """The change was not begun; the message says why, in words for the operator."""


@dataclass
class Entry:
    """A change that was begun.

    Attributes:
        who: Who asked for it.
        title: What it is.
        at: When.
        outcome: "done", or what TorchServe said; "" while it is under way.
        failed: Whether it was not made.
    """

    who: str
    title: str
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    outcome: str = ""
    failed: bool = False


class Desk:
    """Makes changes; may be used by many threads.

    Args:
        boards: Says how things are.
        rollouts: Says how they are to be.
        models: What visitors may choose.
        loader: Loads models.
        management: TorchServe's management API.
        free_bytes: Says how much memory is free where TorchServe runs; None where nobody can say.
    """

    def __init__(
        self,
        boards: Boards,
        rollouts: Rollouts,
        models: Models,
        loader: Loader,
        management: Management,
        free_bytes: Callable[[], int | None],
    ) -> None:
        self._boards = boards
        self._rollouts = rollouts
        self._models = models
        self._loader = loader
        self._management = management
        self.free_bytes = free_bytes
        self.lately: deque[Entry] = deque(maxlen=LATELY)
        self._under_way: dict[str, Entry] = {}
        self._lock = threading.Lock()

    @property
    def is_at_work(self) -> bool:
        """Whether a change is under way."""
        return bool(self._under_way)

    def make(self, change: Change, seen: str, who: str) -> None:
        """Begin a change, and wait a moment for its end, which `lately` says.

        Args:
            change: What to do.
            seen: How things were when it was decided, as `Version.seen` has it.
            who: For the log.

        Raises:
            ChangeNotMade: It cannot be made, or things have changed since.
        """
        entry = Entry(who, change.verb)
        with self._lock:
            if before := self._under_way.get(change.path):
                raise ChangeNotMade(f"{before.who} is already changing it: {before.title}.")
            self._under_way[change.path] = entry
        try:
            version = self._checked(change, seen)
        except ChangeNotMade:
            self._over(change)
            raise
        entry.title = change.title(version)
        self.lately.appendleft(entry)
        done: Future[None] = Future()
        threading.Thread(
            target=self._run, args=(change, version, entry, done), name="change-model", daemon=True
        ).start()
        with suppress(TimeoutError):
            done.result(WAIT_S)

    def _checked(self, change: Change, seen: str) -> Version:
        """Return the version as it is now, if the change can be made."""
        try:
            board = self._boards.renewed(WAIT_S)
        except Unreachable as error:
            raise ChangeNotMade(f"{error}: nothing was changed. Try again in a moment.") from error
        version = board.find(change.path)
        if version is None:
            raise ChangeNotMade("That version is no longer there.")
        if version.seen != seen:
            raise ChangeNotMade(f"{version.model.title} has changed meanwhile: it is now {version.seen}.")
        why = refusal(change, version, board, self.free_bytes)
        if why := why or self._rollouts.unconfirmed(change, version, board):
            raise ChangeNotMade(why)
        return version

    def _over(self, change: Change) -> None:
        with self._lock:
            del self._under_way[change.path]

    def _run(self, change: Change, version: Version, entry: Entry, done: Future[None]) -> None:
        try:
            with self._rollouts.alone(version.path):
                hindered = self._make(change, version, entry.who)
            outcome, failed = f"done, {hindered}" if hindered else "done", False
        except (LoadFailed, Unreachable) as error:
            outcome, failed = str(error).rstrip("."), True
        except Exception:
            logger.exception("%s: %s", entry.who, entry.title)
            outcome, failed = "it failed; the page's log says why", True
        logger.log(logging.WARNING if failed else logging.INFO, "%s: %s: %s", entry.who, entry.title, outcome)
        with suppress(Unreachable):
            self._boards.renewed(WAIT_S)
        entry.failed, entry.outcome = failed, outcome
        self._over(change)
        done.set_result(None)

    def _make(self, change: Change, version: Version, who: str) -> str:
        """Make it; return why it will not last, "" where it will."""
        hindered = ""
        match change.verb:
            case "load":
                self._loader.load(version.model)
            case "scale":
                self._management.scale(version.path, change.workers)
            case "unload":
                with self._models.leaving(version.model.path):
                    self._wait_until_quiet(version)
                    self._rollouts.unloaded(version, who)
                    self._management.unregister(version.path)
            case "default":
                before = make_default(self._management, version)
                board, _ = self._boards.board()
                hindered = self._rollouts.made_default(change, version, before, board, who)
            case "rollback":
                self._rollouts.take_back(version, who)
        # Nor is what an operator has loaded, scaled or chosen as the default taken down when it is idle.
        self._loader.leave(version.model.path)
        return hindered

    def _wait_until_quiet(self, version: Version) -> None:
        """Return once nothing has waited for the version for a while.

        Raises:
            LoadFailed: Somebody goes on asking it.
        """
        quiet_since, end = time.monotonic(), time.monotonic() + QUIET_WITHIN_S
        while time.monotonic() - quiet_since < QUIET_S:
            status = self._management.find(version.path)
            if status is None or not status.ready_workers:
                return  # what waits for it would not be answered either
            if status.serving and status.serving.waiting:
                quiet_since = time.monotonic()
            if time.monotonic() > end:
                raise LoadFailed(
                    "other programs keep sending it requests, which TorchServe would drop: stop them first"
                )
            time.sleep(POLL_S)
