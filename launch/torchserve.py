"""How TorchServe is started: the only place that knows its command line, variables and folders.

`python -m launch.torchserve` runs its java process behind the guard (`guard/`), which clients speak to:
TorchServe itself listens on unix sockets in a folder of its own. TorchServe's own `torchserve --foreground`
would stay in between as well, but a SIGTERM to it leaves java and the workers running.
"""

import hashlib
import importlib.util
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import IO

from guard.api import Api
from guard.keys import Keys
from guard.rules import Inference, Management
from guard.serve import Door, Program, serve
from guard.upstream import Pool
from launch import management_token
from launch.errors import LaunchError
from launch.java import Java, find_java
from launch.memory import require_memory
from launch.ports import own_address, require_free
from launch.settings import Settings, http_url, read_settings
from launch.variables import TUNING, devices, refuse_torchserve_variables
from system.environment import IN_WORKERS, PYTHON, passed
from system.files import PROJECT, HeldError, keep_private, lock, private_folder
from system.keeper import end_alike
from system.ports import LOOPBACK

CONFIG = PROJECT / "config.properties"
LOG_CONFIG = PROJECT / "launch" / "log4j2.xml"
# A unix socket's path has at most 107 characters (macOS: 103), and TorchServe adds "/.ts.sock.9000".
LONGEST_TMP = 103 - 18
# TorchServe answers 500 for a worker that was silent for its model's responseTimeout, by default 120 s; the
# rest is for the queue. It never answers what it was gathering into a batch for a worker that died meanwhile:
# in WorkerThread.run, only a batch that is complete gets an error.
ANSWER_S = 150.0
# Where workers keep their metrics, in the temporary folder: what is counted begins anew with each TorchServe.
HANDLER_METRICS = "metrics"
# Its sockets, in the temporary folder too, which is its owner's alone.
INFERENCE, MANAGEMENT = "inference", "management"


def command(settings: Settings, java: Java, tmp: Path) -> list[str]:
    """Return java's command line, the one that TorchServe's `ts/model_server.py` builds."""
    home = _torchserve_home()
    return [
        str(java.path),
        f"-Dmodel_server_home={home}",
        f"-Dlog4j.configurationFile={LOG_CONFIG.as_uri()}",
        f"-Djava.io.tmpdir={tmp}",
        *_vmargs(),
        "-cp",
        f".:{home}/ts/frontend/*",
        "org.pytorch.serve.ModelServer",
        *("--python", sys.executable),
        *("-f", str(CONFIG)),
        *("-s", str(settings.model_store)),
        "-ncs",
        *("-m", *settings.models.split(",")),
    ]


def environment(settings: Settings, tmp: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Return java's environment, and its workers': what they need, this instance's ports and folders.

    Of the given one that is little: no JAVA_TOOL_OPTIONS or DATABASE_URL, and not its PYTHONPATH.
    """
    told = {
        "TS_INFERENCE_ADDRESS": f"unix:{tmp / INFERENCE}",
        "TS_MANAGEMENT_ADDRESS": f"unix:{tmp / MANAGEMENT}",
        "TS_METRICS_ADDRESS": http_url(settings.metrics_host, settings.metrics_port),
        "TS_GRPC_INFERENCE_PORT": str(settings.grpc_inference_port),
        "TS_GRPC_MANAGEMENT_PORT": str(settings.grpc_management_port),
        "TMPDIR": str(tmp),
        "TEMP": str(tmp),
        "LOG_LOCATION": str(settings.log_dir),
        "LOG_ROLLED": str(settings.log_dir).replace("%", "%%"),
        "METRICS_LOCATION": str(settings.log_dir),
        "LOG_TO": environ.get("LOG_TO") or "file",
        "PYTHONPATH": str(IN_WORKERS),
        # ONNX Runtime would tell its makers about this process from before its first session on.
        "ORT_DISABLE_TELEMETRY": "1",
        # For handler/exporter.py, in TorchServe's workers.
        "PROMETHEUS_MULTIPROC_DIR": str(tmp / HANDLER_METRICS),
        "METRICS_HOST": settings.metrics_host,
        "HANDLER_METRICS_PORT": str(settings.handler_metrics_port),
    }
    return {**passed(environ, *PYTHON, *TUNING), **devices(environ), **told}


def at_own_addresses(settings: Settings) -> Settings:
    """Return the settings with the address that each of TorchServe's hosts has on this machine.

    Raises:
        LaunchError: one of them has none here.
    """
    return replace(
        settings,
        inference_host=own_address("INFERENCE_HOST", settings.inference_host),
        management_host=own_address("MANAGEMENT_HOST", settings.management_host),
        metrics_host=own_address("METRICS_HOST", settings.metrics_host),
    )


def temporary_folder(settings: Settings) -> Path:
    """Return this instance's folder for unpacked archives and sockets, under the run-time folder.

    Where that path is too long for a socket, or its file system has none, it is a folder of the system's
    temporary one, always the same.
    """
    tmp = settings.var / "torchserve" / "tmp"
    if len(os.fsencode(tmp)) <= LONGEST_TMP and _takes_sockets(settings.var):
        return tmp
    name = hashlib.sha256(os.fsencode(tmp)).hexdigest()[:12]
    return Path(tempfile.gettempdir(), f"sketchserve-{os.geteuid()}-{name}")


def main() -> None:
    """Run TorchServe in the foreground; logs go to the log folder, warnings to the console."""
    keep_private()
    try:
        refuse_torchserve_variables(os.environ)
        given = read_settings()
        settings = at_own_addresses(given)
        java = find_java()
        for key, what in settings.torchserve_ports().items():
            require_free({key: what}, _host_of(key, settings))
        if memory := require_memory(settings):
            print(memory, flush=True)
        tmp = temporary_folder(settings)
        private_folder(settings.log_dir)
        held = _lock(settings.var / "torchserve")
        _empty(tmp)
        (tmp / HANDLER_METRICS).mkdir()
        management_token.make(settings.management_token_file)
        doors = _doors(settings, tmp, given.management_host)
    except LaunchError as problem:
        sys.exit(str(problem))
    # In the project's folder, since config.properties has paths relative to it. It holds the lock, too:
    # should the guard be killed, TorchServe goes on for a moment.
    torchserve = Program(
        command(settings, java, tmp), environment(settings, tmp, os.environ), PROJECT, (held.fileno(),)
    )
    try:
        code = serve(doors, torchserve, tmp / HANDLER_METRICS)
    except OSError as error:
        sys.exit(f"TorchServe cannot be started ({error})")
    end_alike(code)


def _host_of(key: str, settings: Settings) -> str:
    """Return where the port is bound that this environment variable sets."""
    hosts = {"INFERENCE_PORT": settings.inference_host, "MANAGEMENT_PORT": settings.management_host}
    # gRPC: config.properties.
    return LOOPBACK if key.startswith("GRPC") else hosts.get(key, settings.metrics_host)


def _doors(settings: Settings, tmp: Path, management_name: str) -> dict[str, Door]:
    """Return where clients come in, each with what is behind it; by a name they may ask for management."""
    most_bytes = settings.max_request_size or int(_configured("max_request_size"))
    rules = Management(settings.management_token_file, frozenset({"localhost", management_name.lower()}))
    keys = None if settings.key_rule == "off" else Keys(settings.key_file)
    asking = Inference(keys, is_behind_proxy=settings.key_rule == "behind-proxy")
    inference = Api(asking, Pool(tmp / INFERENCE), most_bytes, ANSWER_S)
    management = Api(rules, Pool(tmp / MANAGEMENT), most_bytes)
    return {
        INFERENCE: Door(settings.inference_host, settings.inference_port, inference),
        MANAGEMENT: Door(settings.management_host, settings.management_port, management),
    }


def _torchserve_home() -> Path:
    spec = importlib.util.find_spec("ts")
    if spec is None or spec.origin is None:
        raise LaunchError(f"{sys.executable} has no TorchServe installed", "run `make setup`")
    return Path(spec.origin).parent.parent


def _vmargs() -> list[str]:
    """Return the configuration's JVM options, but for the log file's, which is given with its whole path."""
    return [word for word in _configured("vmargs").split() if not word.startswith("-Dlog4j.")]


def _configured(key: str) -> str:
    """Return a setting of config.properties."""
    for line in CONFIG.read_text(encoding="utf-8").splitlines():
        found, separator, value = line.partition("=")
        if separator and found.strip() == key:
            return value.strip()
    raise LaunchError(f"{CONFIG} lacks {key}", "restore it")


def _lock(folder: Path) -> IO[str]:
    """Return a lock on the folder, which a second TorchServe would empty."""
    private_folder(folder)
    try:
        return lock(folder / "lock")
    except HeldError as error:
        raise LaunchError(
            f"another TorchServe (pid {error.owner}) uses {folder}",
            "stop that process, or set VAR_DIR to another folder for this one",
        ) from None
    except OSError as error:
        raise LaunchError(
            f"{folder} cannot be locked ({error.strerror})", "set VAR_DIR to another folder"
        ) from error


def _takes_sockets(folder: Path) -> bool:
    """Say whether a folder takes unix sockets: FAT, exFAT, and folders that a host shares do not."""
    probe = folder / f".{os.getpid()}.sock"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(probe))
    except OSError:
        return False
    finally:
        with suppress(OSError):
            probe.unlink()
    return True


def _empty(tmp: Path) -> None:
    """Clear what a killed TorchServe left behind: unpacked archives and sockets."""
    try:
        tmp.mkdir(mode=0o700, parents=True, exist_ok=True)
        if tmp.is_symlink() or tmp.stat().st_uid != os.geteuid():
            raise LaunchError(f"{tmp} belongs to somebody else", "set VAR_DIR to a folder of your own")
        for left in tmp.iterdir():
            shutil.rmtree(left) if left.is_dir() and not left.is_symlink() else left.unlink()
    except OSError as error:
        raise LaunchError(f"{tmp} cannot be used ({error})", "set VAR_DIR to a folder of your own") from error


if __name__ == "__main__":
    main()
