import pytest
import requests

from client.management import Management
from launch.errors import LaunchError
from launch.readiness import wait_until_ready, worker_deaths
from system.ports import free_ports

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
    nobody = Management(f"http://127.0.0.1:{free_ports(1)[0]}")
    with pytest.raises(LaunchError, match="the worker of shapes died 2 times") as caught:
        wait_until_ready(nobody, "shapes", 60, tmp_path)
    assert "`make -B archive MODEL=shapes`" in caught.value.fix


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
