"""Many sessions of one network are known as such, and of nobody the address is kept."""

import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from starlette.requests import Request

from db import engine as database
from db.log import PredictionLog, RecordRejected
from db.records import Feedback
from db.schema import NETWORK_BYTES
from db.user_rows import User
from tests.ui.signing_in import ELSEWHERE
from tests.ui.viewing import Viewed, session_id, viewed
from ui.networks import Networks, network_of
from ui.sign_in.who import USER

__all__ = ["session_id", "viewed"]


def request(address: str, **scope: Any) -> Request:
    return Request({"type": "http", "client": (address, 1), **scope})


@pytest.fixture
def token(tmp_path: Path) -> Path:
    file = tmp_path / "token"
    file.write_text("Authorization: Bearer a test's\n")
    return file


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("::ffff:192.0.2.1", "192.0.2.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
        ("fe80::1%eth0", "fe80::/48"),
        ("127.0.0.9", None),
        ("::1", None),
        ("testclient", None),
    ],
)
def test_addresses_beside_each_other_are_one_network(address: str, network: str | None) -> None:
    assert network_of(address) == network


def test_all_pages_give_a_network_the_same_pseudonym_and_no_other_platform_does(token: Path) -> None:
    first = Networks(token).of(request("192.0.2.1"))
    assert first is not None and len(first) == NETWORK_BYTES
    assert Networks(token).of(request("192.0.2.254")) == first
    assert Networks(token).of(request("192.0.3.1")) != first
    token.write_text("Authorization: Bearer another's\n")
    assert Networks(token).of(request("192.0.2.1")) != first


def test_a_page_that_has_no_token_has_a_key_of_its_own(tmp_path: Path) -> None:
    pages = [Networks(tmp_path / "none"), Networks(), Networks()]
    found = [page.of(request("192.0.2.1")) for page in pages]
    assert None not in found and len(set(found)) == 3
    assert [page.of(request("192.0.2.2")) for page in pages] == found


def test_of_whom_nobody_need_know_it_there_is_none(token: Path) -> None:
    signed_in = {USER: User(1, "ada", "visitor")}
    assert Networks(token).of(request("192.0.2.1", **signed_in)) is None
    assert Networks(token, is_for_this_machine=True).of(request("192.0.2.1")) is None
    assert Networks(token).of(request("127.0.0.1")) is None
    assert Networks(token).of(None) is None


@pytest.mark.integration
def test_what_is_said_in_the_history_has_its_network_until_it_is_deleted(
    viewed: Callable[..., Viewed],
    make_prediction: Callable[..., Any],
    session_id: str,
    postgres_url: str,
) -> None:
    page = viewed()
    other = uuid.uuid4().hex
    made = [make_prediction(session_id=of) for of in (session_id, other)]
    page.log.write(made)
    page.visitor(session_id).post(f"/history/{made[0].id}/judge", data={"label": "1"})
    page.operator(other).post(f"/history/{made[1].id}/judge", data={"label": "1"})

    def kept() -> list[bytes | None]:
        query = text("SELECT network FROM feedback WHERE prediction_id IN :ids ORDER BY id")
        with database.opened(postgres_url) as engine, engine.connect() as connection:
            found = connection.scalars(query, {"ids": tuple(str(one.id) for one in made)})
            return [None if one is None else bytes(one) for one in found]

    visitor = page.visitor(session_id)
    assert "1" in visitor.get(f"/history/{made[0].id}").text  # once it is written
    assert kept() == [page.backend.networks.of(request(ELSEWHERE)), None]
    for kind in ("csv", "json"):
        exported = visitor.get(f"/history/export?as={kind}").text
        assert str(made[0].id) in exported and "network" not in exported
    visitor.post(f"/history/{made[0].id}/delete")
    assert visitor.get(f"/history/{made[0].id}").status_code == 404
    assert kept() == [None]


@pytest.mark.integration
def test_what_has_another_length_is_no_pseudonym(
    make_prediction: Callable[..., Any], session_id: str, postgres_url: str
) -> None:

    with database.opened(postgres_url) as engine:
        log = PredictionLog(engine)
        log.write([made := make_prediction(session_id=session_id)])
        said = Feedback(made.id, "1", made.created_at, session_id, network=b"192.0.2.1")
        with pytest.raises(RecordRejected):
            log.write([said])
        log.write([replace(said, network=b"0" * NETWORK_BYTES)])
