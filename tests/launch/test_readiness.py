import pytest
import requests

from client.errors import Unreachable
from client.management import Management, ModelStatus
from launch.errors import LaunchError
from launch.readiness import wait_until_ready, worker_deaths
from system.ports import free_ports
from tests.ui.answering import answering

STARTING = {
    "modelName": "m",
    "modelVersion": "1.0.0",
    "workers": [{"id": "1", "pid": 2, "status": "UNLOADING"}],
}
# As TorchServe 0.12 wrote it with this project's log4j2.xml.
DYING = """\
2026-11-21T02:00:34,103 INFO  MODEL_LOG W-9000-digits_1.0.0-stdout - Torch worker started.
2026-11-21T02:00:34,201 INFO  MODEL_LOG W-9000-digits_1.0.0-stdout - Backend worker process died.
2026-11-21T02:00:34,201 INFO  MODEL_LOG W-9000-digits_1.0.0-stdout - Traceback (most recent call last):
2026-11-21T02:00:34,202 INFO  MODEL_LOG W-9000-digits_1.0.0-stdout -   File "worker.py", line 301, in <module>
2026-11-21T02:00:34,202 INFO  MODEL_LOG W-9000-digits_1.0.0-stdout -     worker.run_server()
2026-11-21T02:00:34,203 INFO  MODEL_LOG W-9000-digits_1.0.0-stdout - KeyError: 'no layer'
"""
REFUSING = """\
2026-11-21T03:13:06,058 INFO  MODEL_LOG W-9000-digits_1.0.0-stdout - Failed to load model d, exception No - 7
2026-11-21T03:13:06,058 INFO  MODEL_LOG W-9000-digits_1.0.0-stdout - Traceback (most recent call last):
2026-11-21T03:13:06,058 INFO  MODEL_LOG W-9000-digits_1.0.0-stdout -   File "digit_handler.py", line 67
2026-11-21T03:13:06,059 INFO  MODEL_LOG W-9000-digits_1.0.0-stdout - RuntimeError: No - 7
2026-11-21T03:13:06,059 INFO  MODEL_LOG W-9000-digits_1.0.0-stdout - Backend worker process died.
2026-11-21T03:13:06,059 INFO  MODEL_LOG W-9000-digits_1.0.0-stdout - Traceback (most recent call last):
2026-11-21T03:13:06,059 INFO  MODEL_LOG W-9000-digits_1.0.0-stdout -   File "worker.py", line 201
2026-11-21T03:13:06,059 INFO  MODEL_LOG W-9000-digits_1.0.0-stdout - RuntimeError: 500 - Unknown exception
"""


def test_the_reason_of_a_refusing_handler_is_its_own_and_not_torchserves(tmp_path):
    (tmp_path / "model.log").write_text(REFUSING * 2)
    assert worker_deaths(tmp_path / "model.log") == (2, "No - 7")


def test_what_is_said_about_cuda_is_no_lack_of_memory(tmp_path):
    cuda = REFUSING.replace(
        "Failed to load model d, exception No - 7", "Load model d cuda OOM, exception No CUDA"
    )
    (tmp_path / "model.log").write_text(
        cuda.replace("500 - Unknown exception", "507 - System out of memory") * 2
    )
    assert worker_deaths(tmp_path / "model.log") == (2, "No CUDA")


def test_the_reason_of_a_dying_worker_is_the_last_line_of_its_traceback(tmp_path):
    (tmp_path / "model.log").write_text(DYING * 2)
    assert worker_deaths(tmp_path / "model.log") == (2, "KeyError: 'no layer'")


def test_a_worker_that_keeps_dying_is_advice_about_its_own_model(tmp_path):
    (tmp_path / "model.log").write_text(DYING * 2)
    with (
        answering([STARTING]) as torchserve,
        pytest.raises(LaunchError, match="the worker of shapes died 2 times") as caught,
    ):
        wait_until_ready(Management(torchserve.url), "shapes", 60, tmp_path)
    assert "`make -B archive MODEL=shapes`" in caught.value.fix


def test_what_died_in_an_earlier_start_does_not_count_in_this_one(tmp_path, monkeypatch):
    log = tmp_path / "model.log"
    log.write_text(DYING * 2)
    looks = []

    def describe(*_):
        looks.append(1)
        if len(looks) == 1:
            raise Unreachable("Java is not up yet.")
        if len(looks) == 2:  # as log4j begins a log
            log.rename(tmp_path / "model.1.log")
            log.write_text(DYING)
        return ModelStatus("digits", "1.0.0", "digits.mar", ready_workers=len(looks) - 2, workers=1)

    monkeypatch.setattr(Management, "describe", describe)
    assert wait_until_ready(Management("http://127.0.0.1:1"), "digits", 60, tmp_path) == "1.0.0"
    assert len(looks) == 3


def test_a_model_that_is_not_loaded_is_advice_about_its_own_archive(tmp_path, monkeypatch):
    missing = requests.Response()
    missing.status_code = 404
    monkeypatch.setattr(requests.Session, "request", lambda *_, **__: missing)
    with pytest.raises(LaunchError, match="could not load shapes") as caught:
        wait_until_ready(Management("http://127.0.0.1:1"), "shapes", 60, tmp_path)
    assert "`make -B archive MODEL=shapes`" in caught.value.fix


def test_a_log_that_is_not_there_yet_tells_of_no_death(tmp_path):
    assert worker_deaths(tmp_path / "model.log") == (0, "")


def test_a_process_that_ended_is_noticed_at_once(tmp_path):
    nobody = Management(f"http://127.0.0.1:{free_ports(1)[0]}")
    with pytest.raises(LaunchError, match="TorchServe ended with exit code 3 before digits was ready"):
        wait_until_ready(nobody, "digits", 60, tmp_path, lambda: "ended with exit code 3")


def test_a_server_that_never_answers_ends_with_the_timeout(tmp_path):
    nobody = Management(f"http://127.0.0.1:{free_ports(1)[0]}")
    with pytest.raises(LaunchError, match=r"digits was not ready within 0.3 s"):
        wait_until_ready(nobody, "digits", 0.3, tmp_path)
