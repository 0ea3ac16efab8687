"""The README's commands, run as they stand there, against a running platform."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from launch.ports import is_free
from launch.settings import PROJECT
from tests.e2e.page import wait_until
from tests.services.platform import STOP_S, Run, make_run

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]
README = (PROJECT / "README.md").read_text(encoding="utf-8")
DEFAULT_PORTS = {
    "8080": "INFERENCE_PORT",
    "8081": "MANAGEMENT_PORT",
    "8082": "METRICS_PORT",
    "8083": "HANDLER_METRICS_PORT",
    "7860": "UI_PORT",
}


def scripts(section: str) -> list[str]:
    """Give the `sh` blocks of a section, one script each."""
    text = README.split(f"\n## {section}\n")[1].split("\n## ")[0]
    blocks = re.findall(r"^ *```sh\n(.*?)^ *```", text, flags=re.DOTALL | re.MULTILINE)
    return [re.sub(r"^  ", "", block, flags=re.MULTILINE) for block in blocks]


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory, model_store: Path) -> Iterator[Run]:
    """A running platform with a model store of its own, next to its `var`."""
    folder = tmp_path_factory.mktemp("readme")
    (folder / "model_store").mkdir()
    shutil.copy(model_store / "digits.mar", folder / "model_store")
    with make_run(folder / "var", MODEL_STORE=str(folder / "model_store")) as run:
        yield run
        run.family()
        run.process.terminate()
        run.process.wait(STOP_S)


def run_script(script: str, platform: Run) -> str:
    """Give what a script prints; each of its commands must succeed, none touching the project's own files."""
    for port, key in DEFAULT_PORTS.items():
        script = script.replace(f"127.0.0.1:{port}", f"127.0.0.1:{platform.ports[key]}")
    script = script.replace("model_store/", f"{platform.var.parent}/model_store/")
    script = script.replace(" var/", f" {platform.var}/")
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


def test_the_api_commands_do_what_they_say(platform: Run) -> None:
    predict, refused, explain, manage, second, metrics = scripts("The APIs")
    assert run_script(predict, platform).count('"label": "7"') == 3
    said = re.search(r'"message": "(5 bytes[^"]+)"', README)
    assert said is not None
    assert said[1] in run_script(refused, platform)
    assert '"importance": [[' in run_script(explain, platform)
    assert run_script(manage, platform).count("digits.mar") == 2
    first = platform.members("model_service_worker")
    assert '"version": "1.1.0"' in run_script(second, platform)
    # The first version's worker ends after the answer, and with it, until another takes its place, the
    # handler's metrics. A process is a zombie before its last thread, and its port, are gone.
    wait_until(lambda: not any(one.is_running() for one in first), "the first version's worker is gone")
    wait_until(lambda: not is_free(platform.ports["HANDLER_METRICS_PORT"]), "the handler's metrics are back")
    shown = run_script(metrics, platform)
    for name in (
        "ts_inference_requests_total",
        "handler_batch_size_bucket",
        "sketchserve_predictions",
        '"status":"ok"',
    ):
        assert name in shown


def test_the_operate_commands_work(platform: Run) -> None:
    (script,) = scripts("Operate")
    shown = run_script(script, platform)
    (backup,) = (platform.var / "backups").glob("*.dump")
    for said in (f"{backup}: ", f"{backup.name} holds ", "is now the backup's", "predicted_label"):
        assert said in shown


def test_every_make_verb_that_the_readme_names_exists() -> None:
    listed = subprocess.run(["make"], cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    verbs = set(re.findall(r"(?:`|^)make (?:-B )?([a-z-]+)", README, flags=re.MULTILINE))
    assert verbs <= set(re.findall(r"make ([a-z-]+)", listed)), "a verb that make does not list"


def test_every_file_that_the_readme_links_to_exists() -> None:
    for link in re.findall(r"\]\(([^)#]+)\)", README):
        assert link.startswith("http") or (PROJECT / link).exists(), link
