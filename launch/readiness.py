"""When TorchServe serves a model, and where it does not, why: its logs say what its API does not.

`python -m launch.readiness`, where TorchServe runs, asks once: its exit status is 0 with a READY worker for
MODEL, else 1.
"""

import re
import sys
from collections.abc import Callable
from pathlib import Path

from client import readiness
from client.errors import Denied, LoadFailed, NotLoaded, Unreachable
from client.management import Management, ModelStatus, path_of
from launch.errors import LaunchError
from launch.settings import Settings, read_settings
from launch.torchserve import at_own_addresses

ANSWER_S = 5
# TorchServe starts a failed worker again for five minutes. What fails twice in the same way fails always.
DEATHS = 2
TAIL_BYTES = 64 * 1024
# TorchServe does not die of a RuntimeError in `initialize`: it logs this, then dies of one of its own. What
# has the word CUDA in it, it takes for a lack of memory, whatever it says.
REFUSED = re.compile(r"(?:Failed to load model \S+|Load model \S+ (?:cpu|cuda) OOM), exception (.+)")


def wait_until_ready(
    management: Management,
    model: str,
    timeout_s: float,
    log_dir: Path,
    ended: Callable[[], str | None] = lambda: None,
) -> str:
    """Return the version of the model once TorchServe has a READY worker for it.

    Args:
        management: TorchServe's management API, which answers quickly or not at all.
        model: The name under which the model is served.
        timeout_s: How long to wait.
        log_dir: Where TorchServe's ts.log and model.log are, which say why a model does not load.
        ended: Says how TorchServe's process ended, None while it runs.

    Raises:
        LaunchError: TorchServe ended, refused the archive, cannot start the worker, or takes too long.
    """

    def check(status: ModelStatus | None) -> None:
        died = ended()
        if died is not None:
            raise LaunchError(f"TorchServe {died} before {model} was ready", f"see the logs in {log_dir}")
        # Until TorchServe answers, model.log may be an earlier start's: log4j begins its own as Java starts.
        if status is None or status.ready_workers:
            return
        deaths, reason = worker_deaths(log_dir / "model.log")
        if deaths >= DEATHS:
            raise LaunchError(
                f"the worker of {model} died {deaths} times while loading: {reason}",
                f"fix the handler, or rebuild the archive with `make -B archive MODEL={model}`; see "
                f"{log_dir}/model.log",
            )

    try:
        return readiness.wait_until_ready(management, path_of(model), timeout_s, check).version
    except (NotLoaded, Denied) as error:
        raise _advice(error, model, log_dir) from error
    except LoadFailed as error:
        raise LaunchError(
            f"{model} was not ready within {timeout_s:g} s",
            f"see model.log and ts.log in {log_dir}; on a slow machine a second start is faster",
        ) from error


def management_of(settings: Settings) -> Management:
    """Return the management API of this machine's TorchServe."""
    return Management(settings.management_url, settings.management_token_file, timeout_s=ANSWER_S)


def worker_deaths(model_log: Path) -> tuple[int, str]:
    """Return how often a worker died while starting, and why: what its handler raised last."""
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


def _advice(error: NotLoaded | Denied, model: str, log_dir: Path) -> LaunchError:
    """Return what to do about an answer that will stay the same."""
    if isinstance(error, NotLoaded):
        # TorchServe opens its ports after it has read the archives, so that a missing model stays missing.
        return LaunchError(
            f"TorchServe runs but could not load {model}: {_refusal(log_dir / 'ts.log')}",
            f"`make -B archive MODEL={model}` rebuilds the archive; see {log_dir}/ts.log",
        )
    return LaunchError(
        str(error),
        "MANAGEMENT_TOKEN_FILE must hold the token of this TorchServe, and config.properties must set "
        "enable_model_api=true",
    )


def _refusal(ts_log: Path) -> str:
    """Return the exception below the last "Failed to load model"."""
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
        status = management_of(settings).describe(path_of(settings.model))
    except LaunchError as error:
        sys.exit(f"launch.readiness: {error}")
    except (NotLoaded, Denied) as error:
        sys.exit(f"launch.readiness: {_advice(error, settings.model, settings.log_dir)}")
    except Unreachable as error:
        sys.exit(f"launch.readiness: {error}")
    if not status.ready_workers:
        sys.exit(f"launch.readiness: {settings.model} has no ready worker at {settings.management_url}")
    print(f"{settings.model} {status.version} has a ready worker")


if __name__ == "__main__":
    main()
