"""One setting of workers, batch size and batch delay, and how TorchServe is made to serve an archive with it.

A setting is written into a copy of the archive and registered, as it is in production: TorchServe believes
batch settings only from inside an archive.
"""

import json
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import requests
import yaml

from bench.changed_archive import changed_archive
from launch.archive import read_archive
from launch.readiness import local_session
from launch.temporary import TorchServe
from training.archive.contents import MANIFEST

READY_S = 120
POLL_S = 0.1
ANSWER_S = 60
KEYS = ("minWorkers", "maxWorkers", "batchSize", "maxBatchDelay")


class SettingError(RuntimeError):
    """A setting could not be read or served; the message says why."""


@dataclass(frozen=True, order=True)
class Setting:
    """How TorchServe runs a model.

    Attributes:
        workers: Python processes.
        batch: the most requests that a worker answers at once.
        delay_ms: how long the first of them waits for the others; 1 where `batch` is 1, since nothing waits.
    """

    workers: int
    batch: int
    delay_ms: int

    def __str__(self) -> str:
        """Give it in words."""
        words = f"{self.workers} worker{'s' if self.workers > 1 else ''}, batch {self.batch}"
        return words if self.batch == 1 else f"{words}, delay {self.delay_ms} ms"

    def entries(self) -> dict[str, int]:
        """Give its entries of model-config.yaml."""
        return dict(zip(KEYS, (self.workers, self.workers, self.batch, self.delay_ms), strict=True))


def setting(workers: int, batch: int, delay_ms: int) -> Setting:
    """Give the setting; all delays are one where nothing is batched."""
    return Setting(workers, batch, 1 if batch == 1 else delay_ms)


def present(archive: Path) -> Setting:
    """Give the setting that an archive has.

    Raises:
        LaunchError: there is no such archive, or it is damaged.
        SettingError: its configuration cannot be read, or lacks one of KEYS.
    """
    read_archive(archive)
    with zipfile.ZipFile(archive) as packed:
        try:
            found = yaml.safe_load(packed.read(_config_name(packed)))
        except yaml.YAMLError as error:
            raise SettingError(f"the model-config.yaml of {archive.name} is not YAML: {error}") from error
    entries = {key: found.get(key) if isinstance(found, dict) else None for key in KEYS}
    numbers = [entry for entry in entries.values() if isinstance(entry, int) and entry > 0]
    if len(numbers) < len(KEYS):
        raise SettingError(
            f"the model-config.yaml of {archive.name} has {entries}: each must be a whole number above 0; "
            "mend handler/model-config.yaml and run `make archive`"
        )
    workers, _, batch, delay_ms = numbers
    return setting(workers, batch, delay_ms)


def variant(archive: Path, wanted: Setting) -> Path:
    """Give a copy of the archive beside it that has the setting; everything else in it stays.

    The copy is named after archive and setting, such as digits-w2-b16-d1.mar.
    """

    def with_setting(config: bytes) -> bytes:
        return yaml.safe_dump({**yaml.safe_load(config), **wanted.entries()}).encode()

    with zipfile.ZipFile(archive) as packed:
        config = _config_name(packed)
    name = f"{archive.stem}-w{wanted.workers}-b{wanted.batch}-d{wanted.delay_ms}"
    return changed_archive(archive, name, {config: with_setting})


@contextmanager
def serving(server: TorchServe, archive: Path, wanted: Setting) -> Iterator[str]:
    """Give the URL where TorchServe serves the archive with the setting; afterwards it serves it no more.

    Args:
        server: a running TorchServe.
        archive: a file in its model store, which gets a copy beside it.
        wanted: what is served, or else nothing is.

    Raises:
        SettingError: TorchServe refused it, did not get all workers ready within READY_S, or applied another.
        requests.RequestException: TorchServe does not answer.
    """
    copy = variant(archive, wanted)
    model_url = f"{server.management_url}/models/{copy.stem}"
    with local_session() as session:
        try:
            answer = session.post(
                f"{server.management_url}/models",
                params={"url": copy.name, "model_name": copy.stem},
                timeout=ANSWER_S,
            )
            if answer.status_code not in (200, 202):
                raise SettingError(
                    f"TorchServe refused to register it ({answer.status_code}: {answer.text.strip()[:300]})"
                )
            check_applied(_described_when_ready(session, model_url, wanted.workers), wanted)
            yield f"{server.inference_url}/predictions/{copy.stem}"
        finally:
            # Where TorchServe is gone (Ctrl-C reaches it, too), there is nothing to take away.
            with suppress(requests.RequestException):
                session.delete(model_url, timeout=ANSWER_S)


def check_applied(described: dict[str, Any], wanted: Setting) -> None:
    """Check that a model, as the management API describes it, is served with the setting.

    Raises:
        SettingError: it is not.
    """
    applied = {key: described.get(key) for key in KEYS}
    if applied != wanted.entries():
        raise SettingError(f"TorchServe was given {wanted.entries()} and applied {applied}")


def death(server: TorchServe) -> str | None:
    """Give how TorchServe ended in words, None while it runs."""
    with suppress(psutil.NoSuchProcess):
        if psutil.Process(server.pid).status() != psutil.STATUS_ZOMBIE:
            return None
    return f"TorchServe (process {server.pid}) ended while it was measured"


def survives(server: TorchServe) -> bool:
    """Give whether TorchServe still answers."""
    try:
        with local_session() as session:
            return session.get(f"{server.management_url}/models", timeout=ANSWER_S).ok
    except requests.RequestException:
        return False


def _described_when_ready(session: requests.Session, url: str, workers: int) -> dict[str, Any]:
    """Give what the management API says of the model once so many of its workers are ready."""
    deadline = time.monotonic() + READY_S
    while True:
        answer = session.get(url, timeout=ANSWER_S)
        if answer.status_code != 200:
            raise SettingError(
                f"GET {url} was answered with {answer.status_code}: {answer.text.strip()[:300]}"
            )
        described: dict[str, Any] = answer.json()[0]
        states = [worker["status"] for worker in described["workers"]]
        if len(states) == workers == states.count("READY"):
            return described
        if time.monotonic() > deadline:
            raise SettingError(f"{states.count('READY')} of {workers} workers were ready after {READY_S} s")
        time.sleep(POLL_S)


def _config_name(packed: zipfile.ZipFile) -> str:
    """Give the name of the configuration inside the archive, as its manifest says."""
    name = json.loads(packed.read(MANIFEST))["model"].get("configFile")
    if not name:
        raise SettingError(f"{packed.filename} has no model-config.yaml: build it with --config-file")
    return str(name)
