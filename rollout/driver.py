"""Make TorchServe serve what it should, watch versions on trial, and tell the page which one to ask.

It is a thread of each page, since a page has all that it takes: the database, the management API, and what
failed. All of them read; what changes anything is done by the one that holds a lock of the database. If that
page ends, however it does, its connection and so the lock end with it, and another page goes on: all state is
in the database and in TorchServe.
"""

import logging
import math
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from sqlalchemy import Engine

from client.errors import LoadFailed, Unreachable
from client.inference import Inference
from db.drawings import Drawings
from db.errors import DatabaseUnavailable
from db.serving import Look, Serving, ServingRows
from db.versions import Version, Versions
from rollout import reconcile
from rollout.looks import beside, look, take_back
from rollout.reconcile import NotHere, Places
from rollout.replicas import Replica, Replicas, ready_in
from rollout.routes import Routes, on_trial
from rollout.rule import Rule
from rollout.second_answers import SecondAnswers

logger = logging.getLogger(__name__)

EVERY_S = 2.0
# A look reads some thousands of rows.
LOOK_EVERY_S = 10.0


class Driver:
    """Does all that for one page.

    Args:
        engine: The database.
        replicas: The TorchServes.
        places: Where archives are.
        routes: What the page asks.
        inference: Answers what a version that is watched, or the other one, was judged to be wrong in.
        rule: What a step takes.
        on_ready: Called when other versions can answer, or another one is the default.
    """

    def __init__(
        self,
        engine: Engine,
        replicas: Replicas,
        places: Places,
        routes: Routes,
        inference: Inference,
        rule: Rule | None = None,
        on_ready: Callable[[], object] = lambda: None,
    ) -> None:
        self.rows = ServingRows(engine)
        self.versions = Versions(engine)
        self.rule = rule or Rule()
        self._replicas = replicas
        self._places = places
        self._routes = routes
        self._second = SecondAnswers(inference, Drawings(engine))
        # Since when what is on trial, and since when it is so, has had no ready worker.
        self._unready_since: dict[tuple[str, str, datetime], float] = {}
        self._problems: dict[tuple[str, str], str] = {}
        self._on_ready = on_ready
        self._news: tuple[set[tuple[str, str]], dict[str, list[str]]] = (set(), {})
        # Whose archives were noted, or found not to be here.
        self._looked_for: set[tuple[str, str]] = set()
        self._looked_at = -math.inf
        # What was wrong in the last turn, and what is in this one.
        self._said: set[str] = set()
        self._saying: set[str] = set()
        self._stopping = threading.Event()

    def start(self) -> None:
        """Begin, in a thread of its own."""
        threading.Thread(target=self._run, name="rollout", daemon=True).start()

    def stop(self) -> None:
        """Stop after what is being done now."""
        self._stopping.set()

    def turn(self) -> None:
        """Do all of it once.

        Raises:
            DatabaseUnavailable: What was known last goes on counting.
        """
        self.rows.set_times_right()
        servings = self.rows.all()
        asked = {serving.model: self._replicas.of_all(serving.model) for serving in servings}
        found = {model: there for model, (there, _) in asked.items()}
        ready = {(model, version) for model, there in found.items() for version in ready_in(there)}
        news = (ready, {model: [one.default for one in there] for model, there in found.items()})
        if news != self._news:
            self._news = news
            self._on_ready()
        self._routes.update(servings, ready)
        self._note_unready(servings, found)
        for serving in servings:
            self._count_failures(serving, found[serving.model])
        if not servings:
            return
        with self.rows.alone() as is_alone:
            if is_alone:
                is_time = time.monotonic() - self._looked_at >= LOOK_EVERY_S
                for serving in self.rows.all():
                    there, is_all = asked.get(serving.model, ([], False))
                    self._drive(serving, there, is_all=is_all, is_time=is_time)
                if is_time:
                    self._looked_at = time.monotonic()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self.turn()
            except DatabaseUnavailable as error:
                self._say(f"serving what was last known, as the database cannot be read: {error}")
                # Nobody knows what was ready meanwhile.
                self._unready_since.clear()
            except Exception:  # what one turn cannot do, the next one may
                logger.exception("the serving state could not be updated")
            self._said, self._saying = self._saying, set()
            self._stopping.wait(EVERY_S)

    def _count_failures(self, serving: Serving, there: list[Replica]) -> None:
        version = on_trial(serving)
        if version is None:
            return
        tally = self._routes.taken(serving.model, version)
        # Whoever has a ready worker and no time may have it later; without one, that is the failure.
        failed = tally.failed + (0 if version in ready_in(there) else tally.busy)
        if failed <= self.rule.tolerated * tally.asked:
            return
        # As long as it is not the default everywhere, it may be the version before that failed.
        if not serving.share and any(one.default != version for one in _sound(serving, there)):
            return
        reason = f"{failed} of {tally.asked} questions failed, and others answered ({tally.why})"
        numbers = {"asked": tally.asked, "failed": failed}
        seen = Look(version, serving.share, "failed", reason, numbers)
        count = self.rows.failed(serving, seen, self.rule.apart_s)
        if not count:
            return
        logger.warning("%s %s: %s; failed looks: %d", serving.model, version, reason, count)
        if count >= self.rule.failed_looks:
            self._take_back(serving, f"{count} looks failed; the last one: {reason}", numbers)

    def _drive(self, serving: Serving, there: list[Replica], *, is_all: bool, is_time: bool) -> None:
        now = datetime.now(UTC)
        known = {one.version: one for one in self.versions.all(serving.model)}
        self._note(serving.model, known, there)
        tried = on_trial(serving)
        for replica in there:
            for step in reconcile.steps(serving, replica.served, replica.default, now, self.rule):
                try:
                    reconcile.do(
                        step, serving.model, known.get(step.version), replica.management, self._places
                    )
                except (LoadFailed, Unreachable) as error:
                    self._say(f"{serving.model} {step.version} ({step.verb}): {error}")
                    self._problems[serving.model, step.version] = f"{step.verb}: {error}"
                    if step.version == tried and isinstance(error, NotHere):
                        self._take_back(serving, f"it cannot be loaded: {error}")
                        return
                else:
                    logger.info("%s %s: %s", serving.model, step.version, step.verb)
        # One that does not answer now may have a version still that nobody names any more.
        if is_all:
            self._forget(serving, there, now)
        if tried is not None and self._is_late(serving, tried):
            why = self._problems.get((serving.model, tried), "TorchServe's model.log says why")
            self._take_back(serving, f"none of its workers was ready within {self.rule.ready_s:g} s ({why})")
            return
        # To one that is not ready nobody could go back, nor ask it who was right.
        if is_time and {tried, beside(serving)} <= ready_in(there):
            seen = look(self.rows, self.versions, self.rule, serving, now, self._second)
            if seen is not None:
                logger.info("%s %s: %s: %s", serving.model, seen.version, seen.outcome, seen.reason)

    def _note(self, model: str, known: Mapping[str, Version], there: list[Replica]) -> None:
        """Remember the archives of what TorchServe was started with: it may have to be registered again."""
        for version, status in {key: one for replica in there for key, one in replica.served.items()}.items():
            if (model, version) in self._looked_for:
                continue
            # A release may bring the same version anew, with another handler.
            if version in known and self._places.is_unchanged(known[version]):
                continue
            self._looked_for.add((model, version))
            made = self._places.found(model, version, status.file)
            if made is not None:
                self.versions.note(made)

    def _forget(self, serving: Serving, there: list[Replica], now: datetime) -> None:
        """Name a version no longer that was taken away everywhere."""
        for version, column in reconcile.unwanted(serving, now, self.rule).items():
            if not any(version in replica.served for replica in there):
                if column == "leaving":
                    self.rows.left(serving.model, version)
                else:
                    self.rows.forget(serving, column)

    def _note_unready(self, servings: list[Serving], found: Mapping[str, list[Replica]]) -> None:
        """Note since when versions on trial have had no ready worker; each page does, whoever drives."""
        now = time.monotonic()
        unready = [
            (serving.model, tried, serving.changed_at)
            for serving in servings
            if (there := _sound(serving, found[serving.model]))
            and (tried := on_trial(serving)) is not None
            and tried not in ready_in(there)
        ]
        self._unready_since = {key: self._unready_since.get(key, now) for key in unready}

    def _is_late(self, serving: Serving, version: str) -> bool:
        """Return whether a version has had no ready worker for longer than workers take to start."""
        since = self._unready_since.get((serving.model, version, serving.changed_at), math.inf)
        return time.monotonic() - since >= self.rule.ready_s

    def _take_back(self, serving: Serving, reason: str, numbers: dict | None = None) -> None:
        self._problems.clear()
        seen = Look(on_trial(serving) or serving.version, serving.share, "failed", reason, numbers or {})
        if take_back(self.rows, serving, seen):
            logger.warning("%s %s was taken back: %s", serving.model, seen.version, reason)

    def _say(self, words: str) -> None:
        """Log what is wrong, once, as long as it stays so."""
        if words not in self._said | self._saying:
            logger.warning("%s", words)
        self._saying.add(words)


def _sound(serving: Serving, there: list[Replica]) -> list[Replica]:
    """Return the TorchServes that can answer with the version beside the one on trial; all, if none can.

    Where neither of them has a worker, that is no fault of the version's: the TorchServe has just been
    started, or its machine is full.
    """
    return [one for one in there if beside(serving) in ready_in([one])] or there
