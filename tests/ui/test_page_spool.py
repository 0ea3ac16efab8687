"""What the page says it kept is in the database in the end, whatever happens to page, database and disk."""

import os
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from db import engine, spool_folder
from db.log import PredictionLog
from db.spool import RESERVE_BYTES, Spool
from system.files import PROJECT
from tests.docs.documents import blocks
from tests.e2e.page import RunningPage, played_torchserve, running_page, wait_until
from tests.services.postgres import postgres_server, postgres_url
from tests.ui.answering import ANSWER, answering
from tests.ui.asking import ask
from tests.ui.conftest import NO_DATABASE

__all__ = ["postgres_server", "postgres_url"]

pytestmark = pytest.mark.integration

DRAWINGS = 12
SPARE_BYTES = 4 * 1024**2


@contextmanager
def page(torchserve: str, database_url: str, var: Path, **changes: str) -> Iterator[RunningPage]:
    """Run a page whose TorchServe is played, in a folder that outlives it."""
    url = torchserve
    played = played_torchserve(url)
    with running_page(database_url, played, var / "ui.log", VAR_DIR=str(var), **changes) as running:
        yield running


def judge(url: str, prediction_id: str, label: str, session_id: str) -> str:
    """Say what a drawing really was, as the page's buttons do; return the page's complaint, "" for none."""
    config = requests.get(f"{url}/config", timeout=60).json()
    (event,) = [
        one["id"] for one in config["dependencies"] if one["targets"] and one["targets"][0][1] == "judge"
    ]
    said = {"prediction": prediction_id, "label": label}
    body = {"data": [session_id], "fn_index": event, "session_hash": "judging", "event_data": said}
    answer = requests.post(f"{url}/gradio_api/run/predict", json=body, timeout=60)
    return str(answer.json()["data"][0]["complaint"])


def drawn(url: str, drawing: bytes, session_id: str) -> str:
    """Draw; return the id of the page's answer, which has to say nothing against its being kept."""
    answer = ask(url, drawing, session_id).text
    assert "not in the history" not in answer
    (found,) = set(re.findall(r'data-prediction=\\"([0-9a-f-]{36})', answer))
    return found


def labels(log: PredictionLog, session_id: str) -> dict[str, str | None]:
    """Return the session's predictions in the database, newest first, with what they really were."""
    return {str(row.prediction.id): row.true_label for row in log.history(session_id)}


@pytest.mark.parametrize("ended_by", [signal.SIGKILL, signal.SIGTERM])
def test_what_waits_when_the_page_ends_is_written_by_the_next_one(
    ended_by: signal.Signals, postgres_url: str, tmp_path: Path, drawing: bytes
) -> None:
    session_id = os.urandom(16).hex()
    with answering(ANSWER) as torchserve:
        with page(torchserve.url, NO_DATABASE, tmp_path) as running:
            ids = [drawn(running.url, drawing, session_id) for _ in range(DRAWINGS)]
            assert judge(running.url, ids[3], "1", session_id) == ""
            running.process.send_signal(ended_by)
            assert running.process.wait(60) == (0 if ended_by == signal.SIGTERM else -signal.SIGKILL)
        if ended_by == signal.SIGTERM:
            waiting = f"left {DRAWINGS + 1} records in {tmp_path}/spool/records-1.sqlite for the next start"
            assert waiting in (tmp_path / "ui.log").read_text()
        # Meanwhile it can be corrected.
        with page(torchserve.url, NO_DATABASE, tmp_path) as running:
            assert judge(running.url, ids[3], "2", session_id) == ""
            assert "not in your history" in judge(running.url, ids[3], "2", os.urandom(16).hex())
        with page(torchserve.url, postgres_url, tmp_path), engine.opened(postgres_url) as opened:
            log = PredictionLog(opened)
            wait_until(lambda: "2" in labels(log, session_id).values(), "everything is written", 60)
            rows = labels(log, session_id)
    assert list(reversed(rows)) == ids
    assert rows == {one: "2" if one == ids[3] else None for one in ids}


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A disk of its own with little more room than the page leaves."""
    if os.geteuid():
        pytest.skip("only root can mount a disk")
    with tempfile.TemporaryDirectory() as folder:
        size = f"size={RESERVE_BYTES + SPARE_BYTES}"
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", folder], capture_output=True)
        if mounted.returncode:
            pytest.skip("no disk can be mounted here")
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", "--lazy", folder], check=True)


def test_on_a_full_disk_the_page_answers_says_what_it_does_not_keep_and_goes_on(
    small_disk: Path, postgres_url: str, drawing: bytes
) -> None:
    session_id = os.urandom(16).hex()
    ballast = small_disk / "ballast"
    with answering(ANSWER) as torchserve, engine.opened(postgres_url) as opened:
        log = PredictionLog(opened)
        with page(torchserve.url, postgres_url, small_disk) as running:
            ids = [drawn(running.url, drawing, session_id)]
            wait_until(lambda: len(log.history(session_id)) == 1, "the first is written", 60)
            with pytest.raises(OSError, match="No space left"), ballast.open("wb", buffering=0) as file:
                while True:
                    file.write(bytes(4096))
            answer = ask(running.url, drawing, session_id)
            assert answer.status_code == 200
            assert "not in the history: no room right now" in answer.text
            assert "could not be saved" in judge(running.url, ids[0], "1", session_id)
            assert "Records were dropped" in requests.get(f"{running.url}/healthz", timeout=60).text
            metrics = requests.get(f"{running.url}/metrics", timeout=60).text
            assert "sketchserve_records_dropped_total 2.0" in metrics
            running.process.kill()
        with page(torchserve.url, postgres_url, small_disk) as running:
            assert "not in the history" in ask(running.url, drawing, session_id).text
            ballast.unlink()
            ids.append(drawn(running.url, drawing, session_id))
            assert judge(running.url, ids[0], "1", session_id) == ""
            wait_until(lambda: log.accuracy(session_id).judged == 1, "the correction is written", 60)
        assert [str(row.prediction.id) for row in reversed(log.history(session_id))] == ids


def refusal(var: Path) -> str:
    """Start a page that does not start, and return the one line that it says."""
    environment = {**os.environ, "DATABASE_URL": NO_DATABASE, "VAR_DIR": str(var)}
    command = [sys.executable, "-m", "ui"]
    done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    return line


def test_a_folder_that_cannot_be_written_is_told_in_one_line() -> None:
    line = refusal(Path("/proc/nowhere"))
    assert line.startswith("cause: records cannot be kept in /proc/nowhere/spool (")
    assert line.endswith("or set VAR_DIR to a folder that can be written")


@pytest.mark.parametrize("was_there", [False, True])
def test_a_page_that_starts_on_a_full_disk_says_what_to_do(small_disk: Path, was_there: bool) -> None:
    if was_there:
        spool_folder.first_free(small_disk / "spool").close()
    with pytest.raises(OSError, match="No space left"), (small_disk / "ballast").open("wb", 0) as file:
        while True:
            file.write(bytes(4096))
    assert re.fullmatch(
        rf"cause: records cannot be kept in {small_disk}/spool \(.*; 0 MB free on its disk\); fix: free at "
        r"least 34 MB there, or set VAR_DIR to a folder that can be written",
        refusal(small_disk),
    )


def test_two_pages_may_share_a_folder(tmp_path: Path, drawing: bytes) -> None:
    with (
        answering(ANSWER) as torchserve,
        page(torchserve.url, NO_DATABASE, tmp_path) as one,
        page(torchserve.url, NO_DATABASE, tmp_path) as other,
    ):
        for running in (one, other):
            drawn(running.url, drawing, "a" * 32)
    spools = [Spool(tmp_path / "spool" / f"records-{number}.sqlite") for number in (1, 2)]
    assert [spool.pending for spool in spools] == [1, 1]


def test_what_postgresql_refuses_can_be_seen_and_forgotten_as_the_documents_say(
    tmp_path: Path, make_prediction
) -> None:
    spool = Spool(tmp_path / "records-1.sqlite")
    spool.put(make_prediction(predicted_label=""))
    spool.set_aside(spool.first(1, 1)[0], "violates a constraint")
    see, forget = [block.text for block in blocks("docs/operating.md") if "set_aside" in block.text]

    def run(command: str) -> str:
        script = ["bash", "-euc", command.replace("var/spool", str(tmp_path))]
        done = subprocess.run(script, cwd=PROJECT, capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    # While the page has the file.
    (line,) = run(see).splitlines()
    assert line.startswith("('violates a constraint', 'Prediction', '{")
    assert spool.aside == 1
    assert run(forget) == ""
    assert spool.aside == 0


def test_what_was_set_aside_can_be_tried_again_as_the_documents_say(tmp_path: Path, make_prediction) -> None:
    spool = Spool(tmp_path / "records-1.sqlite")
    record = make_prediction()
    spool.put(record)
    spool.set_aside(spool.first(1, 1)[0], "violates a constraint")
    spool.close()
    (statement,) = re.findall(r"`(INSERT INTO waiting [^`]*)`", (PROJECT / "docs/operating.md").read_text())
    with sqlite3.connect(spool.path) as connection:
        connection.execute(statement)
        connection.execute("DELETE FROM set_aside")
    connection.close()
    again = Spool(spool.path)
    assert [waiting.record for waiting in again.first(10, 10**9)] == [record]
    assert (again.pending, again.aside) == (1, 0)
