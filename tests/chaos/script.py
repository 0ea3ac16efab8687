"""The script: visitors draw while one fault after another is done; then everything is counted."""

import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from system.processes import until
from tests.chaos import invariants
from tests.chaos.faults import ALONE, FAULTS, Fault, World
from tests.chaos.journal import Journal
from tests.chaos.mutated import send_mutated
from tests.chaos.operations import Visitor

VISITORS = 2
# For the slowest, a TorchServe that was killed: the launcher's pause, java, and its workers.
WHOLE_S = 150.0
WRITTEN_S = 15.0
LONGEST_S = 6.0
DRAINED_S = 60.0


def play(seed: int, seconds: float, requests: int) -> Journal:
    """Run the platform, do as the seed says, end it, and return what was found.

    Args:
        seed: Of all that is done.
        seconds: For so long one fault comes after another.
        requests: So many mutated ones are then sent to TorchServe.
    """
    journal = Journal()
    with TemporaryDirectory(prefix="chaos-") as folder, ExitStack() as stack:
        world = World(Path(folder), seed, stack)
        spool = world.var / "spool"
        if not world.disk:
            journal.note("skipped: a full disk, since none can be mounted here")
        try:
            _play(world, seed, seconds, journal)
            until(lambda: not invariants.spooled(spool, "waiting"), DRAINED_S)
            journal.found = invariants.counted(world.database_url, journal.strokes)
            journal.problems += [words for count in journal.found.values() for words in count.wrong]
            journal.problems += send_mutated(world, seed, requests, journal.counts)
            for table in ("waiting", "set_aside"):
                journal.problems += [f"in the spool: {table}"] * invariants.spooled(spool, table)
            world.stop_platform()
            world.stop_postgres()
            journal.problems += [
                f"left behind: {what}" for what in invariants.left_behind(world.var, world.tmp)
            ]
        except BaseException as error:
            said = world.run.output.splitlines()[-20:]
            error.add_note("\n".join([f"SEED={seed}, the last operations:", *journal.last, *said]))
            raise
    return journal


def _play(world: World, seed: int, seconds: float, journal: Journal) -> None:
    """Do one fault after another while visitors draw."""
    end = time.monotonic() + seconds
    is_over = threading.Event()

    def visit(visitor: Visitor) -> None:
        while not is_over.is_set():
            try:
                visitor.act()
            except Exception as error:
                journal.problem(f"an answer that is none: {error!r}")

    names = ["probe", *(f"visitor {number}" for number in range(VISITORS))]
    probe, *visitors = [Visitor(name, seed, world.page_url, world.was_away, journal) for name in names]
    threads = [threading.Thread(target=visit, args=(visitor,), daemon=True) for visitor in visitors]
    for thread in threads:
        thread.start()
    left: list[Fault] = []
    try:
        while time.monotonic() < end:
            if not left:
                left = [fault for fault in FAULTS if fault.name != "disk full" or world.disk]
                world.random.shuffle(left)
            faults = _next(world, left)
            lifted = _do(world, faults, journal)
            _until_whole(world, probe)
            took_s = time.monotonic() - lifted
            name = faults[0].name if len(faults) == 1 else "two at once"
            journal.whole_s.setdefault(name, []).append(took_s)
            journal.note("whole again", f"{took_s:.1f} s after {' and '.join(one.name for one in faults)}")
    finally:
        is_over.set()
    for thread in threads:
        thread.join()


def _next(world: World, left: list[Fault]) -> list[Fault]:
    """Take the next fault, and every other time one more that comes together with it."""
    first = left.pop(0)
    others = [one for one in left if ALONE not in (first.part, one.part) and one.part != first.part]
    if not others or world.random.random() < 0.5:
        return [first]
    left.remove(others[0])
    return [first, others[0]]


def _do(world: World, faults: Sequence[Fault], journal: Journal) -> float:
    """Do the faults one after another, and lift them in any order; return when the last was over."""
    over = 0.0
    for fault in faults:
        journal.note("fault:", fault.name)
        over = time.monotonic()
        fault.begin(world)
        if fault.lift or fault is not faults[-1]:
            time.sleep(world.random.uniform(0.2, LONGEST_S))
    for fault in world.random.sample(faults, len(faults)):
        if fault.lift:
            over = time.monotonic()
            fault.lift(world)
            journal.note("lifted:", fault.name)
    return over


def _until_whole(world: World, probe: Visitor) -> None:
    """Return once a drawing was kept and is in the database.

    Raises:
        AssertionError: It takes too long.
    """

    def is_whole() -> bool:
        stroke = probe.draw() if world.page_answers() else None
        if stroke is None or stroke.expected != "once":
            return False
        query = f"SELECT 1 FROM predictions WHERE id = '{stroke.id}'"
        return bool(until(lambda: invariants.rows(world.database_url, query), WRITTEN_S))

    assert until(is_whole, WHOLE_S), f"no drawing is kept and written within {WHOLE_S:g} s"
