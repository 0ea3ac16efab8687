"""Several TorchServes behind one name, each of which has to have what is to be served."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from client.management import ModelStatus
from db.serving import Serving
from rollout import reconcile
from rollout.reconcile import Places
from rollout.replicas import Replica, Replicas, addresses, ready_in
from rollout.rule import Rule
from tests.ui.managing import Managing, managing
from tests.ui.several_models import put_archive


@pytest.fixture
def two(tmp_path: Path) -> Iterator[list[Managing]]:
    put_archive(tmp_path, "digits.mar", "digits")
    put_archive(tmp_path, "new.mar", "digits", "1.1.0")
    with ExitStack() as stack:
        yield [stack.enter_context(managing(tmp_path, ["digits.mar"])) for _ in range(2)]


@pytest.mark.parametrize(
    ("found", "urls"),
    [
        (["10.0.0.2"], ["http://torchserve:8081"]),
        (["10.0.0.3", "10.0.0.2"], ["http://10.0.0.2:8081", "http://10.0.0.3:8081"]),
        (["fd00::2", "fd00::3"], ["http://[fd00::2]:8081", "http://[fd00::3]:8081"]),
        ([], ["http://torchserve:8081"]),
    ],
)
def test_each_address_of_the_name_is_one(
    monkeypatch: pytest.MonkeyPatch, found: list[str], urls: list[str]
) -> None:
    def asked(_host: str, port: int, **_: object) -> list[tuple]:
        if not found:
            raise socket.gaierror
        family = socket.AF_INET6 if ":" in found[0] else socket.AF_INET
        return [(family, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    monkeypatch.setattr(socket, "getaddrinfo", asked)
    assert addresses("http://torchserve:8081") == urls


@pytest.mark.parametrize("url", ["http://127.0.0.1:8081", "http://localhost:8081", "http://[::1]:8081"])
def test_an_address_is_one_and_so_is_this_machine(url: str) -> None:
    assert addresses(url) == [url]


def test_each_is_brought_to_what_is_to_be_served_and_one_that_is_away_later(
    two: list[Managing], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rollout.replicas.addresses", lambda _url: [one.url for one in two])
    replicas, now = Replicas("http://torchserve:8081"), datetime.now(UTC)
    wanted = Serving("digits", "1.1.0", "1.0.0", None, 0, 0, "", now - timedelta(seconds=5))

    def turn() -> list[Replica]:
        for replica in replicas.of("digits"):
            for step in reconcile.steps(wanted, replica.served, replica.default, now, Rule()):
                if step.verb == "register":
                    replica.management.register("new.mar")
                else:
                    reconcile.do(step, "digits", None, replica.management, Places())
        return replicas.of("digits")

    two[1].is_away = True
    turn()
    assert [one.default for one in turn()] == ["1.1.0"]
    two[1].is_away = False
    turn()
    assert [one.default for one in turn()] == ["1.1.0", "1.1.0"]


def test_a_version_is_asked_once_all_of_them_have_it() -> None:
    def replica(*versions: str) -> Replica:
        served = {version: ModelStatus("digits", version, "", 1, 1) for version in versions}
        return Replica(None, served, "1.0.0")  # type: ignore[arg-type]

    assert ready_in([replica("1.0.0", "1.1.0"), replica("1.0.0")]) == {"1.0.0"}
    assert ready_in([replica("1.0.0", "1.1.0"), replica("1.1.0", "1.0.0")]) == {"1.0.0", "1.1.0"}
    assert ready_in([]) == set()
