"""Says when TorchServe really serves a model. Its own /ping says Healthy before any model is loaded.

`python -m launch.readiness`, where TorchServe runs, asks once: its exit status is 0 with a READY worker for
MODEL, else 1.
"""

import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

import requests

from launch.errors import LaunchError
from launch.settings import read_settings
from launch.torchserve import at_own_addresses

POLL_S = 0.1
# TorchServe starts a failed worker again for five minutes. What fails twice in the same way fails always.
DEATHS = 2
TAIL_BYTES = 64 * 1024
# TorchServe does not die of a RuntimeError in `initialize`: it logs this, then dies of one of its own.
REFUSED = re.compile(r"Failed to load model \S+, exception (.+)")


def always_alive() -> str | None:
    """Give None: there is no process to watch."""
    return None


def wait_until_ready(
    management_url: str,
    model: str,
    timeout_s: float,
    log_dir: Path,
    ended: Callable[[], str | None] = always_alive,
) -> str:
    """Give the version of the model once TorchServe has a READY worker for it.

    Args:
        management_url: TorchServe's management API.
        model: the name under which the model is served.
        timeout_s: how long to wait.
        log_dir: where TorchServe's ts.log and model.log are, which say why a model does not load.
        ended: says how TorchServe's process ended, None while it runs.

    Raises:
        LaunchError: when TorchServe ended, refused the archive, cannot start the worker, or takes too long.
    """
    deadline = time.monotonic() + timeout_s
    with local_session() as session:
        while time.monotonic() < deadline:
            died = ended()
            if died is not None:
                raise LaunchError(f"TorchServe {died} before {model} was ready", f"see the logs in {log_dir}")
            version = _ready_version(session, management_url, model, log_dir)
            if version is not None:
                return version
            deaths, reason = worker_deaths(log_dir / "model.log")
            if deaths >= DEATHS:
                raise LaunchError(
                    f"the worker of {model} died {deaths} times while loading: {reason}",
                    f"mend the handler, or build the archive anew with `make -B archive MODEL={model}`; "
                    f"see {log_dir}/model.log",
                )
            time.sleep(POLL_S)
    raise LaunchError(
        f"{model} was not ready within {timeout_s:g} s",
        f"see model.log and ts.log in {log_dir}; on a slow machine a second start is faster",
    )


def local_session() -> requests.Session:
    """Give a session for servers of this machine: a proxy from the environment is not asked."""
    session = requests.Session()
    session.trust_env = False
    return session


def worker_deaths(model_log: Path) -> tuple[int, str]:
    """Give how often a worker died while starting, and why: what its handler raised last."""
    lines = [line.partition(" - ")[2] for line in _tail(model_log)]
    deaths = [i for i, line in enumerate(lines) if line.startswith("Backend worker process died")]
    if not deaths:
        return 0, ""
    refused = [match[1] for match in map(REFUSED.match, lines) if match]
    if refused:
        return len(deaths), refused[-1]
    # A traceback's last line is the first after it that is not indented: "ValueError: no such layer".
    for line in lines[deaths[-1] + 1 :]:
        if re.match(r"[\w.]+(Error|Exception|Exit|Interrupt)\b", line):
            return len(deaths), line
    return len(deaths), "its log does not say why"


def _ready_version(session: requests.Session, url: str, model: str, log_dir: Path) -> str | None:
    """Give the version if one of its workers is READY, None while it may still become so."""
    try:
        answer = session.get(f"{url}/models/{model}", timeout=5)
    except requests.RequestException:
        return None
    if answer.status_code == 404:
        # TorchServe opens its ports after it has read the archives, so that a missing model stays missing.
        raise LaunchError(
            f"TorchServe runs but could not load {model}: {_refusal(log_dir / 'ts.log')}",
            f"`make -B archive MODEL={model}` builds the archive anew; see {log_dir}/ts.log",
        )
    if answer.status_code != 200:
        raise LaunchError(
            f"GET {url}/models/{model} was answered with {answer.status_code}: {answer.text[:200]}",
            "look at config.properties and TS_* variables; the model-control API must be on, tokens off",
        )
    described = answer.json()[0]
    ready = any(worker["status"] == "READY" for worker in described["workers"])
    return str(described["modelVersion"]) if ready else None


def _refusal(ts_log: Path) -> str:
    """Give the exception below the last "Failed to load model"."""
    lines = [line.strip() for line in _tail(ts_log)]
    failed = [i for i, line in enumerate(lines) if "Failed to load model" in line]
    if not failed:
        return "its log does not say why"
    caused = [line for line in lines[failed[-1] + 1 :] if line.startswith(("Caused by: ", "org.", "java."))]
    if not caused:
        return lines[failed[-1]].partition(" - ")[2]
    return re.sub(r"\b(?:[a-z]\w*\.)+(?=[A-Z])", "", caused[-1].removeprefix("Caused by: "))


def _tail(log: Path) -> list[str]:
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - TAIL_BYTES))
            return file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return []


def main() -> None:
    """Exit with 0 if TorchServe has a READY worker for the model now, else with 1 and one line."""
    try:
        settings = at_own_addresses(read_settings())
        with local_session() as session:
            version = _ready_version(session, settings.management_url, settings.model, settings.log_dir)
    except LaunchError as error:
        sys.exit(f"launch.readiness: {error}")
    if version is None:
        sys.exit(f"launch.readiness: {settings.model} has no ready worker at {settings.management_url}")
    print(f"{settings.model} {version} has a ready worker")


if __name__ == "__main__":
    main()
