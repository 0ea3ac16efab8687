"""The checks in their order, in a TorchServe that serves both versions."""

import json
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from client.errors import ChangeRefused, LoadFailed
from client.management import path_of
from handler import self_check
from loop.feedback import Example
from loop.verdict import cost
from loop.verdict.accuracy import no_label_lost, not_inferior, superior
from loop.verdict.asked import OF_DIGITS, Both, Extent, ask_both, corrected, known, no_digits
from loop.verdict.beside import TorchServe, load_candidate
from loop.verdict.check import PASSED, REFUSED, Check, Verdict, verdict_of
from loop.verdict.fuzzed import robust
from loop.verdict.replay import Flip, Stored, replayed
from loop.verdict.sureness import calibrated, covering, rejecting
from training.archive import golden
from training.archive.contents import Archive, read_archive
from training.evaluation.ask import Server
from training.models.weights import COVERAGE

# Its check's name in verdicts, by which the next run knows that it was asked.
FEEDBACK = "held-out feedback"
SELF_CHECK = "from pathlib import Path; from handler import model, self_check; "
SELF_CHECK += "self_check.check(Path(), model.Model(Path()))"


@dataclass(frozen=True)
class Case:
    """Who is judged, and on what.

    Attributes:
        champion: the archive that is served.
        candidate: the archive that may take its place.
        data_dir: where the data sets' files lie.
        held_out: drawings that people corrected and that nothing was trained on.
        stored: the newest drawings.
        extent: how much is asked.
        asked_before: how many candidates were compared with the champion on some of the held-out drawings.
    """

    champion: Path
    candidate: Path
    data_dir: Path
    held_out: list[Example]
    stored: list[Stored]
    extent: Extent
    asked_before: int = 0


@dataclass(frozen=True)
class Judged:
    """What came of it.

    Attributes:
        verdict: the checks and what follows.
        flips: the stored drawings that the candidate reads otherwise.
        frame: returns the PNG that the networks saw of a drawing; None where it is refused.
    """

    verdict: Verdict
    flips: list[Flip]
    frame: Callable[[bytes], bytes | None]


def judge(server: TorchServe, case: Case) -> Judged:
    """Return the verdict on a candidate; all checks run, but one that does not start is asked nothing.

    Args:
        server: serves the champion, and can be given the candidate, as `loop.verdict.beside` starts it.
        case: who is judged.

    Raises:
        FileNotFoundError: the data set's files are not there and cannot be downloaded.
        requests.RequestException: the server failed.
        ValueError: the two are not versions of one model of digits.
    """
    before, after = read_archive(case.champion), read_archive(case.candidate)
    if before.name != after.name or before.version == after.version:
        raise ValueError(
            f"{case.candidate.name} holds {after.name} {after.version}, and the champion is {before.name} "
            f"{before.version}, expected another version of the same model"
        )
    champion, candidate = (
        Server(f"{server.inference_url}/predictions/{path_of(one.name, one.version)}")
        for one in (before, after)
    )
    started = _self_check(server, after, case.candidate)
    if started.outcome == REFUSED:
        return Judged(verdict_of([started]), [], champion.frame)
    _as_many_workers(server, before, after)
    champion.require_digits()
    check, flips = replayed("replay", champion, candidate, case.stored)
    checks = [started, *_asked(champion, candidate, before, case), _cost(server, champion, candidate, case)]
    if case.extent.fuzzed:
        pictures = list(golden.pictures().values())
        checks.append(robust("mutated requests", (champion.url, candidate.url), pictures, case.extent.fuzzed))
    return Judged(verdict_of([*checks, check]), flips, champion.frame)


def _self_check(server: TorchServe, after: Archive, archive: Path) -> Check:
    began = time.monotonic()
    why = load_candidate(server, after.name, after.version)
    numbers = {"golden_pictures": _golden_pictures(archive), "until_s": round(time.monotonic() - began, 1)}
    if not why:
        return Check("self-check", PASSED, "its workers read the golden pictures correctly", numbers)
    with _unpacked(archive) as folder:
        command = [sys.executable, "-c", SELF_CHECK]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    words = done.stderr.strip().splitlines()[-1:] if done.returncode else []
    return Check("self-check", REFUSED, "; ".join([why, *words]), numbers)


def _golden_pictures(archive: Path) -> int:
    """Return how many golden pictures a worker has to read before it answers; 0 where that cannot be told."""
    try:
        with zipfile.ZipFile(archive) as file:
            return len(json.loads(file.read(self_check.FILE))["pictures"])
    except (KeyError, TypeError, ValueError, zipfile.BadZipFile):
        return 0


def _as_many_workers(server: TorchServe, before: Archive, after: Archive) -> None:
    workers = server.management.describe(path_of(before.name, before.version)).workers
    try:
        server.management.scale(path_of(after.name, after.version), workers)
    except (ChangeRefused, LoadFailed) as error:
        raise requests.ConnectionError(f"the candidate cannot have {workers} workers: {error}") from error


def _asked(champion: Server, candidate: Server, before: Archive, case: Case) -> Iterator[Check]:
    """Yield the checks of what both answer to pictures whose label is known."""
    extent, data_set = case.extent, before.data_set or OF_DIGITS[0]
    found = list(ask_both(champion, candidate, known(data_set, case.data_dir, extent, before.framing)))
    by_name: dict[str, list[Both]] = {}
    for both in found:
        by_name.setdefault(both.name, []).append(both)
    for name, some in by_name.items():
        strokes = some[0].champion.question.part == "kind"
        yield not_inferior(f"strokes: {name}" if strokes else name, some, extent.margin)
    question = corrected(case.held_out)
    feedback = next(ask_both(champion, candidate, [question])) if question else None
    yield superior(FEEDBACK, feedback, case.asked_before)
    yield no_label_lost("each digit", [*found, feedback] if feedback else found)
    yield calibrated("calibration", found)
    yield covering("sets of labels", found, before.coverage or COVERAGE)
    if data_set in OF_DIGITS and extent.outliers and extent.strokes:
        others = list(ask_both(champion, candidate, no_digits(case.data_dir, extent)))
        yield rejecting("what is no digit", found, others)
    else:
        yield rejecting("what is no digit", found, [])


def _cost(server: TorchServe, champion: Server, candidate: Server, case: Case) -> Check:
    with _unpacked(case.champion) as before, _unpacked(case.candidate) as after:
        frame_us = cost.network_us(before, after)
    answer_ms = cost.answer_ms(champion, candidate, case.extent.timed)
    costs = [
        cost.Cost(us, ms, cost.worker_bytes(server.management, one.name, one.version))
        for us, ms, one in zip(
            frame_us, answer_ms, map(read_archive, (case.champion, case.candidate)), strict=True
        )
    ]
    return cost.affordable("time and memory", *costs)


@contextmanager
def _unpacked(archive: Path) -> Iterator[Path]:
    """Yield a folder with an archive's files, for as long as the block takes."""
    with tempfile.TemporaryDirectory(prefix="unpacked-") as folder, zipfile.ZipFile(archive) as file:
        file.extractall(folder)
        yield Path(folder)
