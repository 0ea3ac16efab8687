"""Two real TorchServes behind one name: each gets what is to be served, and again once it is started anew."""

import json
import socket
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import Engine

from client.inference import Inference
from db.serving import ServingRows
from db.versions import Version, Versions
from launch import temporary
from launch.temporary import TorchServe
from rollout.changes import Desk
from rollout.driver import Driver
from rollout.reconcile import Places
from rollout.replicas import Replicas
from rollout.routes import Routes
from system import known_archives
from system.ports import free_ports
from tests.rollout.conftest import RULE
from training.data.drawing import png

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

NAME, NEW = "digits", "77.1.0"
HOSTS = ("127.0.0.1", "127.0.0.2")
READY_S = 180


@pytest.fixture
def store(model_store: Path, tmp_path: Path) -> Path:
    """A model store with the default model, and the same as another version; one worker each."""
    for file, changes in (("digits.mar", {}), ("new.mar", {"modelVersion": NEW})):
        with (
            zipfile.ZipFile(model_store / "digits.mar") as source,
            zipfile.ZipFile(tmp_path / file, "w") as made,
        ):
            for member in source.infolist():
                content = source.read(member)
                if member.filename == "MAR-INF/MANIFEST.json":
                    manifest = json.loads(content)
                    manifest["model"] |= changes
                    content = json.dumps(manifest).encode()
                if member.filename == "model-config.yaml":
                    content = content.replace(b"Workers: 2", b"Workers: 1")
                made.writestr(member, content)
    return tmp_path


@pytest.fixture
def start(store: Path) -> Callable[[str], AbstractContextManager[TorchServe]]:
    """A function that runs a TorchServe at an address, with the old version, on the port that all have."""
    shared = {"MANAGEMENT_PORT": str(free_ports(1)[0]), "MANAGEMENT_TOKEN_FILE": str(store / "token")}
    return lambda host: temporary.running(store, f"{NAME}.mar", host, **shared)


@pytest.fixture
def desk(engine: Engine, store: Path) -> Iterator[Desk]:
    """Where the new version was promoted."""
    desk = Desk(ServingRows(engine), Versions(engine))
    desk.versions.note(Version(NAME, NEW, "new.mar", known_archives.digest(store / "new.mar")))
    yield desk
    with engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM serving")


def test_both_get_what_is_to_be_served_and_one_that_is_started_anew_gets_it_again(
    start: Callable[[str], AbstractContextManager[TorchServe]],
    desk: Desk,
    engine: Engine,
    store: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    look_up = socket.getaddrinfo

    def behind_one_name(host: Any, port: Any, *more: Any, **named: Any) -> list[Any]:
        if host != "torchserve":
            return look_up(host, port, *more, **named)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in HOSTS]

    monkeypatch.setattr(socket, "getaddrinfo", behind_one_name)

    def answers(server: TorchServe) -> str:
        url = f"{server.inference_url}/predictions/{NAME}"
        return str(requests.post(url, data=png("7"), timeout=60).json()["version"])

    with start(HOSTS[0]) as first, ExitStack() as running:
        second = running.enter_context(start(HOSTS[1]))
        port = first.management_url.rpartition(":")[2]
        replicas = Replicas(f"http://torchserve:{port}", first.token_file)
        asked = Inference(first.inference_url)
        rule = replace(RULE, ready_s=10 * READY_S)  # however busy the machine is
        driver = Driver(engine, replicas, Places(store), Routes(), asked, rule)
        old = answers(second)
        desk.promote(NAME, NEW, old, "a test", is_forced=True)

        def brought_to(defaults: list[str]) -> None:
            """Return once the driver has brought those that answer there."""
            end = time.monotonic() + READY_S
            while (found := [one.default for one in replicas.of(NAME)]) != defaults:
                assert time.monotonic() < end, f"{found}, expected {defaults}"
                driver.turn()
                time.sleep(0.2)

        brought_to([NEW, NEW])
        assert (answers(first), answers(second)) == (NEW, NEW)

        running.close()
        brought_to([NEW])
        second = running.enter_context(start(HOSTS[1]))
        assert answers(second) == old
        brought_to([NEW, NEW])
        assert (answers(first), answers(second)) == (NEW, NEW)
