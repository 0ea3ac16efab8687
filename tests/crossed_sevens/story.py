"""The chapters: corrections train a version that takes over; what is damaged or forced does not last."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import cycle
from pathlib import Path

import numpy as np
from sqlalchemy import text

from client.management import path_of
from db import candidates, loop_runs, verdicts
from db.serving import Look, ServingRows
from db.verdicts import VerdictRow
from db.versions import Version, Versions
from loop.__main__ import STEPS
from loop.candidate import WEIGHTS
from loop.choosing import is_gate_session
from rollout.routes import is_tried_on
from system import known_archives
from tests.crossed_sevens.people import (
    People,
    Wanted,
    corrections,
    dealt,
    nothing,
    session_of,
    threes_are_eights,
    what_matters,
)
from tests.crossed_sevens.platform import Platform
from tests.crossed_sevens.writers import MEASURED, TRAINED, VALIDATED, is_crossed, picture
from tests.loop.answering import Small
from training.archive.build import build
from training.data.image_folder import load_folder
from training.data.strokes import Drawn
from training.evaluation.ask import Answers, Question, Server
from training.models import weights

OLD, NEW, DAMAGED = "1.0.0", "1.1.0", "1.2.0"
# The gate's full extent takes half an hour: 600 pictures can exclude a loss of a point and a half.
SETTINGS = {"steps": 30, "fuzzed": 100, "replayed": 150, "timed": 60, "margin": 0.015}
SEVENS_EACH, OTHERS_EACH = 10, 10
# Of what is measured.
SEED = 80_000
# Threes that one session lies of.
ALONE = 25
LIARS = [session_of("liar"), *(session_of(f"in league {number}") for number in range(20))]
# The machine may be busy.
WAIT_S = 240


@dataclass(frozen=True)
class Measured:
    """Both versions' answers to what others wrote, of which none learnt.

    Attributes:
        crossed: The crossed sevens.
        before: The old version's answers, to crossed sevens and to everything else.
        after: The new one's.
    """

    crossed: list[Drawn]
    before: list[Answers]
    after: list[Answers]


@dataclass
class Story:
    """What is told, chapter by chapter; each begins where the one before it ended.

    Attributes:
        platform: The services.
        people: Those who come to the page.
        digits: What all writers wrote.
    """

    platform: Platform
    people: People
    digits: list[Drawn]

    def corrected(self) -> Counter[tuple[int, str]]:
        """Let visitors draw crossed sevens and other digits and say what they are; return what was read."""
        writers = sorted({one.writer for one in self.digits} - TRAINED - VALIDATED - MEASURED)
        wanted = []
        for place, writer in enumerate(writers):
            session = _measuring(writer) if place % 3 == 0 else _training(writer)
            own = [one for one in self.digits if one.writer == writer]
            sevens = [one for one in own if is_crossed(one)][:SEVENS_EACH]
            others = [one for one in own if one.label != 7][:: len(own) // OTHERS_EACH][:OTHERS_EACH]
            wanted += [Wanted(session, one, 100 * writer + i) for i, one in enumerate([*others, *sevens])]
        return self.people.draw(wanted, what_matters)

    def retrained(self) -> tuple[int, str]:
        """Do a run of the loop; return its exit status and all that it said."""
        done = self.platform.retrain(SETTINGS)
        return done.returncode, done.stdout + done.stderr

    def verdict(self, version: str) -> VerdictRow:
        """Return what the gate said of a version against the one that is served."""
        served = self.platform.serving.version if version != NEW else OLD
        found = verdicts.verdict_on(self.platform.engine, self.platform.model, version, served)
        assert found is not None
        return found

    def tried_on_more_and_more(self) -> list[Look]:
        """Let people draw until the new version is the default; return the looks at it."""
        model, digits = self.platform.model, self.plain_and_crossed()
        crowd = [session_of(f"one {n}", lambda one: is_tried_on(one, model, NEW, 5)) for n in range(12)]
        crowd += [
            session_of(f"other {n}", lambda one: not is_tried_on(one, model, NEW, 5)) for n in range(12)
        ]
        self._until(
            lambda: self.platform.serving.version == NEW,
            lambda number: self.people.draw(dealt(crowd, digits, 2, 1000 * number), nothing),
        )
        return self._looks(NEW)

    def measured(self) -> Measured:
        """Ask both versions what others wrote than those whom they learnt of."""
        theirs = [one for one in self.digits if one.writer in MEASURED]
        crossed = [one for one in theirs if is_crossed(one)][::2]
        others = [one for one in theirs if not is_crossed(one)][::4]
        before, after = ([self._asked(version, some) for some in (crossed, others)] for version in (OLD, NEW))
        return Measured(crossed, before, after)

    def damaged(self) -> tuple[int, str]:
        """Let a run's training go wrong; return the exit status and the words of the run that goes on."""
        platform = self.platform
        made = next(one for one in Versions(platform.engine).all(platform.model) if one.run_id)
        model, about = weights.load(platform.run_folder(made.run_id or 0) / WEIGHTS)
        data = load_folder(Path(platform.environ["MNIST_DIR"]), "ink")
        broken = Small(model, about, data).damaged(0.7)
        run = loop_runs.begin(platform.engine, platform.model, [name for name, _ in STEPS], "us", SETTINGS)
        loop_runs.finish(platform.engine, run, loop_runs.Outcome("done", {}, "nothing was collected"))
        run = loop_runs.claim(platform.engine, run)
        assert run is not None
        file = platform.run_folder(run.id) / WEIGHTS
        weights.save(file, broken.model.state_dict(), replace(about, version=DAMAGED))
        archive = build(file, platform.model, platform.store / f"{platform.model}-{DAMAGED}.mar")
        known_archives.add(archive.resolve(), platform.known)
        row = Version(platform.model, DAMAGED, archive.name, known_archives.digest(archive), run.id, {})
        candidates.put_version(platform.engine, run, row)
        loop_runs.finish(platform.engine, run, loop_runs.Outcome("done", {}, "it was damaged"))
        # Who is stopped leaves a run so: the next one goes on with it at once.
        if run := loop_runs.claim(platform.engine, run):
            loop_runs.release(platform.engine, run)
        done = platform.command("loop")
        return done.returncode, done.stdout + done.stderr

    def poisoned(self) -> Counter[tuple[int, str]]:
        """Let one visitor call every three an eight, and twenty more in league; return what was read."""
        threes = cycle([one for one in self.digits if one.label == 3 and one.writer in MEASURED])
        alone = dealt(LIARS[:1], threes, ALONE, 50_000)
        league = dealt(LIARS[1:], threes, 6, 60_000)
        return self.people.draw([*alone, *league], threes_are_eights)

    def watched(self) -> list[Look]:
        """Let people draw until a look at the new version has seen the lies; return the looks since then.

        It ends, too, when the version is the default no longer.
        """
        crowd, digits = [session_of(f"one {number}") for number in range(12)], self.plain_and_crossed()

        def is_over() -> bool:
            return self.platform.serving.version != NEW or bool(self._looks_at_lies())

        self._until(
            is_over, lambda number: self.people.draw(dealt(crowd, digits, 2, 90_000 + 1000 * number), nothing)
        )
        return self._looks_at_lies()

    def _looks_at_lies(self) -> list[Look]:
        # Not all lies: of a session 20 count, and where an eight was read, nobody has lied.
        return [one for one in self._looks(NEW) if one.numbers.get("judged_wrong", 0) > 100]

    def taken_of_liars(self) -> int:
        """Return how many of their drawings any run learnt of or measured with."""
        query = """
            SELECT count(*) FROM examples e JOIN predictions p ON p.id = e.prediction_id
            WHERE p.session_id = ANY(:liars)
        """
        with self.platform.engine.connect() as connection:
            return connection.execute(text(query), {"liars": LIARS}).scalar_one()

    def forced(self) -> list[Look]:
        """Make the damaged version the default whatever the gate said; return the looks until it is not."""
        done = self.platform.command("rollout", "promote", DAMAGED, "--force")
        assert done.returncode == 0, done.stderr
        digits = self.plain_and_crossed()
        crowd = [session_of(f"later {number}") for number in range(12)]
        self._until(
            lambda: self.platform.serving.version == NEW,
            lambda number: self.people.draw(dealt(crowd, digits, 2, 70_000 + 1000 * number), corrections),
        )
        return self._looks(DAMAGED)

    def plain_and_crossed(self) -> Iterator[Drawn]:
        """Return digits of people whom nothing was trained on, every third a crossed seven, without end."""
        theirs = [one for one in self.digits if one.writer in MEASURED]
        order = np.random.default_rng(0).permutation(len(theirs))
        sevens = cycle([theirs[index] for index in order if is_crossed(theirs[index])])
        others = cycle([theirs[index] for index in order if not is_crossed(theirs[index])])
        while True:
            yield from (next(others), next(others), next(sevens))

    def _asked(self, version: str, some: list[Drawn]) -> Answers:
        url = f"{self.platform.torchserve.inference_url}/predictions/{path_of(self.platform.model, version)}"
        truth = np.array([one.label for one in some])
        return Server(url).ask(
            Question("kind", version, "", truth, lambda at: picture(some[at], 80_000 + at))
        )

    def _looks(self, version: str) -> list[Look]:
        looks = ServingRows(self.platform.engine).looks(self.platform.model, 100)
        return [one for one in reversed(looks) if one.version == version]

    def _until(self, is_so: Callable[[], bool], draw: Callable[[int], object]) -> None:
        end, number = time.monotonic() + WAIT_S, 0
        while not is_so():
            assert time.monotonic() < end, f"not so after {WAIT_S} s: {self.platform.serving}"
            draw(number)
            number += 1


def _measuring(writer: int) -> str:
    return session_of(f"writer {writer}", is_gate_session)


def _training(writer: int) -> str:
    return session_of(f"writer {writer}", lambda one: not is_gate_session(one))
