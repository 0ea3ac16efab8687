"""`make run` when a part of it is killed: it is started again, the others go on, and no row is lost."""

import base64
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import psycopg2
import pytest
import requests

from db import credentials
from tests.services.platform import STOP_S, Run, make_run, runs
from training.data.drawing import png

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]
WHOLE_S = 150
VISITOR = "5" * 32


def wait_until(is_so: Callable[[], bool], what: str, limit_s: float = WHOLE_S) -> None:
    end = time.monotonic() + limit_s
    while not is_so():
        assert time.monotonic() < end, f"{what}: not so after {limit_s:g} s"
        time.sleep(0.05)


def wait_for_words(run: Run, words: str, limit_s: float = WHOLE_S) -> None:
    wait_until(lambda: words in run.output, f"{words!r} in {run.output}", limit_s)


def is_read(run: Run) -> bool:
    """Draw a 7 on the page, as the browser sends it, and say whether it was read."""
    picture = "data:image/png;base64," + base64.b64encode(png("7")).decode()
    try:
        config = requests.get(f"{run.url('UI_PORT')}/config", timeout=30).json()
        stroke = next(
            event
            for event in config["dependencies"]
            if "stroke" in [trigger for _, trigger in event["targets"]]
        )
        answer = requests.post(
            f"{run.url('UI_PORT')}/gradio_api/run/predict",
            json={
                "data": [{"image": picture, "source": "sketchpad", "sent": 1}, VISITOR],
                "fn_index": stroke["id"],
                "session_hash": "restarts",
            },
            timeout=30,
        )
    except requests.RequestException:
        return False
    return answer.ok and 'data-testid=\\"label\\">7<' in answer.text


def rows(run: Run) -> int:
    """How many drawings are in the database as read."""
    url = credentials.url(run.var / "postgres", run.ports["POSTGRES_PORT"])
    connection = psycopg2.connect(url, connect_timeout=30)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM predictions WHERE predicted_label = '7'")
            return int(cursor.fetchone()[0])  # type: ignore[index]
    finally:
        connection.close()


def member(run: Run, words: str) -> psutil.Process:
    """The process of the run, no keeper, whose command line has the words."""
    found = run.members(words)
    assert found, f"no process has {words!r}"
    return found[0]


def java(run: Run) -> psutil.Process:
    return member(run, "org.pytorch.serve.ModelServer")


def page(run: Run) -> psutil.Process:
    return member(run, "-m ui")


def postmaster(run: Run) -> psutil.Process:
    return psutil.Process(int((run.var / "postgres" / "data" / "postmaster.pid").read_text().split()[0]))


def worker(run: Run) -> psutil.Process:
    return member(run, "model_service_worker")


def test_each_process_that_is_killed_is_replaced_while_the_others_go_on_and_no_row_is_lost(
    tmp_path: Path,
) -> None:
    with make_run(tmp_path / "var") as run:
        victims = [("torchserve", java), ("ui", page), ("postgres", postmaster), ("", worker)]
        read = 0
        for name, find in victims:
            assert is_read(run)
            read += 1
            # What is not written yet is lost with the page: it waits in its memory.
            wait_until(lambda read=read: rows(run) == read, f"{read} rows")  # type: ignore[misc]
            others = [one(run).pid for other, one in victims[:3] if other != name]
            victim = find(run)
            victim.kill()
            began = time.monotonic()
            if name:
                wait_for_words(run, f"launcher   | {name} is back")
                print(f"{name}: said to be back {time.monotonic() - began:.1f} s after kill -9")
            wait_until(lambda: is_read(run), f"a drawing is read after the end of {find.__name__}")
            read += 1
            wait_until(lambda read=read: rows(run) >= read, f"{read} rows")  # type: ignore[misc]
            print(f"{find.__name__}: read and kept {time.monotonic() - began:.1f} s after kill -9")
            wait_until(lambda victim=victim: not runs(victim), f"{victim} is gone")  # type: ignore[misc]
            assert others == [one(run).pid for other, one in victims[:3] if other != name]
            if name:
                assert f"launcher   | {name} ended with " in run.output
                assert f"launcher   | restarting {name} in 1 s" in run.output
        assert rows(run) == read
        family = run.family()
        wait_until(lambda: all(map(runs, run.family())), "no zombie stays")
        run.process.send_signal(signal.SIGTERM)
        run.process.wait(STOP_S)
        run.assert_nothing_is_left(family)
