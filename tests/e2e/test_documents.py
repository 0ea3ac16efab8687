"""The documents' commands about a running platform, run as they stand there."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from system.files import PROJECT
from system.ports import is_free
from tests.docs.documents import read, scripts
from tests.e2e.page import wait_until
from tests.services.platform import STOP_S, Run, make_run

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]
DEFAULT_PORTS = {
    "8080": "INFERENCE_PORT",
    "8081": "MANAGEMENT_PORT",
    "8082": "METRICS_PORT",
    "8083": "HANDLER_METRICS_PORT",
    "7860": "UI_PORT",
}


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory, model_store: Path) -> Iterator[Run]:
    """A running platform with a model store of its own, next to its `var`."""
    folder = tmp_path_factory.mktemp("documents")
    (folder / "model_store").mkdir()
    shutil.copy(model_store / "digits.mar", folder / "model_store")
    with make_run(folder / "var", MODEL_STORE=str(folder / "model_store")) as run:
        yield run
        run.family()
        run.process.terminate()
        run.process.wait(STOP_S)


def run_script(script: str, platform: Run) -> str:
    """Return what a script prints; its commands must succeed, and touch none of the project's own files."""
    for port, key in DEFAULT_PORTS.items():
        script = script.replace(f"127.0.0.1:{port}", f"127.0.0.1:{platform.ports[key]}")
    script = script.replace("model_store/", f"{platform.var.parent}/model_store/")
    script = re.sub(r"(?<=[ @])var/", f"{platform.var}/", script)
    kept = {key: value for key, value in os.environ.items() if key != "DATABASE_URL"}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=PROJECT,
        env={**kept, "VAR_DIR": str(platform.var)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_the_readme_s_question_gets_the_readme_s_answer(platform: Run) -> None:
    (ask,) = scripts("README.md", "Ask it yourself")
    assert '"label": "7"' in run_script(ask, platform)


def test_the_api_commands_do_what_they_say(platform: Run) -> None:
    (predict,) = scripts("docs/api.md", "Predict")
    assert run_script(predict, platform).count('"label": "7"') == 3
    (number,) = scripts("docs/api.md", "Read a number")
    assert re.findall(r'"text":"(\d+)"', run_script(number, platform)) == ["7", "71"]
    (picture,) = scripts("docs/pictures.md", "From a program")
    assert '"label":"7"' in run_script(picture, platform)
    (refused,) = scripts("docs/api.md", "Errors")
    said = re.search(r'"message": "(The 5 bytes[^"]+)"', read("docs/api.md"))
    assert said is not None
    assert said[1] in run_script(refused, platform)
    (explain,) = scripts("docs/api.md", "Explain")
    assert '"importance": [[' in run_script(explain, platform)
    manage, second = scripts("docs/api.md", "Manage models")
    assert run_script(manage, platform).count("digits.mar") == 2
    first = platform.members("model_service_worker")
    assert '"version": "1.2.0"' in run_script(second, platform)
    # The first version's worker ends after the answer, and with it, until another takes its place, the
    # handler's metrics. A process is a zombie before its last thread, and its port, are gone.
    wait_until(lambda: not any(one.is_running() for one in first), "the first version's worker is gone")
    wait_until(lambda: not is_free(platform.ports["HANDLER_METRICS_PORT"]), "the handler's metrics are back")
    (metrics,) = scripts("docs/api.md", "Metrics and health")
    shown = run_script(metrics, platform)
    for name in (
        "ts_inference_requests_total",
        "handler_batch_size_bucket",
        "sketchserve_predictions",
        '"status":"ok"',
    ):
        assert name in shown


def test_a_new_token_counts_at_once(platform: Run) -> None:
    token = platform.var / "torchserve" / "token"
    former = token.read_text()
    (renew,) = scripts("docs/guard.md", "The management API's token")
    assert '"modelName": "digits"' in run_script(renew, platform)
    assert token.read_text() != former
    assert token.stat().st_mode & 0o777 == 0o600
    url = f"{platform.url('MANAGEMENT_PORT')}/models"
    name, _, value = former.strip().partition(": ")
    assert requests.get(url, headers={name: value}, timeout=10).status_code == 401
    # The page reads it for each of its requests, too.
    assert requests.get(f"{platform.url('UI_PORT')}/healthz", timeout=10).json()["status"] == "ok"


def test_the_database_commands_work(platform: Run) -> None:
    (script,) = scripts("docs/operating.md", "The database")
    shown = run_script(script, platform)
    (backup,) = (platform.var / "backups").glob("*.dump")
    for said in (f"{backup}: ", f"{backup.name} holds ", "now holds the backup", "predicted_label"):
        assert said in shown
