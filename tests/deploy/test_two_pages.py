"""Two pages at once: what one of them knows and the other needs is in the database."""

# Fixtures are imported by name.
# ruff: noqa: F401, F811

import re
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import requests
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import text

from db import engine as database
from db import reviews
from db.log import PredictionLog
from db.records import Prediction
from launch.temporary import TorchServe
from tests.deploy.two_pages import TwoPages, two_pages
from tests.e2e.conftest import chromium
from tests.e2e.page import ONE, SEVEN, draw, wait_until
from tests.e2e.test_sign_in_on_page import enter
from ui.review.view import AT_ONCE
from ui.sign_in.attempts import OF_A_PLACE

pytestmark = [pytest.mark.integration, pytest.mark.browser]
# A sign-in that ended on another page is believed for two seconds and the time of a query.
SOON_S = 15.0


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, torchserve: TorchServe) -> Iterator[TwoPages]:
    """Two pages for this test file."""
    with two_pages(tmp_path_factory.mktemp("two"), torchserve) as running:
        yield running


def at_page(visitor: BrowserContext, both: TwoPages, number: int) -> Page:
    """Return a tab of a browser that the proxy sends to this page."""
    visitor.set_default_timeout(30_000)
    visitor.add_cookies([{"name": "sketchserve-page", "value": both.key_of(number), "url": both.url}])
    return visitor.new_page()


def stored(both: TwoPages, user: str) -> int:
    """Return how many drawings of a user are in the database."""
    of_user = "JOIN users ON session_id = 'user:' || users.id WHERE users.name = :name"
    query = f"SELECT count(*) FROM predictions {of_user}"
    with database.opened(both.server.url) as engine, engine.connect() as connection:
        return int(connection.scalar(text(query), {"name": user}) or 0)


def test_a_visitor_goes_on_where_a_page_is_killed_and_what_waited_there_is_kept(
    both: TwoPages, chromium: Browser
) -> None:
    with chromium.new_context() as first, chromium.new_context() as second:
        ada, grace = at_page(first, both, 0), at_page(second, both, 1)
        for page, name in ((ada, "ada"), (grace, "grace")):
            enter(page, both.url, name)
            # The list of models came through Gradio's queue: the call and its stream met in one page.
            expect(page.locator("#chooser select")).to_be_enabled()
            draw(page, SEVEN)
            expect(page.get_by_test_id("label")).to_have_text("7")
            expect(page.locator(".history li")).to_have_count(1)
        calls = re.findall(r'"path":"/gradio_api/run/predict".*?"upstream":"([0-9.:]+)"', both.proxy.output())
        assert set(calls) == {f"127.0.0.1:{port}" for port in both.ports}
        wait_until(lambda: (stored(both, "ada"), stored(both, "grace")) == (1, 1), "both are stored", 60)

        both.stop_database()
        ada.get_by_role("button", name="Clear").click()
        draw(ada, ONE)
        expect(ada.locator(".history li")).to_have_count(2)
        both.kill_page(0)
        both.start_database()
        # At the other page, which never heard of her: still signed in, and with all but what waits.
        ada.get_by_role("button", name="Clear").click()
        draw(ada, SEVEN)
        expect(ada.get_by_test_id("label")).to_have_text("7")
        expect(ada.locator(".history li")).to_have_count(2)
        expect(ada.locator("#account")).to_contain_text("ada")
        wait_until(lambda: stored(both, "ada") == 2, "it is stored", 60)

        both.start_page(0)
        wait_until(lambda: stored(both, "ada") == 3, "what waited is stored", 60)
        ada.reload()
        expect(ada.locator(".history li")).to_have_count(3)
        expect(grace.locator(".history li")).to_have_count(1)


def test_a_sign_out_at_one_page_counts_at_the_other_soon(both: TwoPages) -> None:
    token = both.signed_in("ada")
    here, there = ({**token, "sketchserve-page": both.key_of(number)} for number in range(2))

    def is_let_in(cookies: dict[str, str]) -> bool:
        return requests.get(f"{both.url}/config", cookies=cookies, timeout=60).status_code == 200

    assert is_let_in(here)
    assert is_let_in(there)
    assert requests.post(f"{both.url}/sign-out", cookies=here, timeout=60).ok
    began = time.monotonic()
    assert not is_let_in(here)
    wait_until(lambda: not is_let_in(there), "the other page refuses the token", SOON_S)
    print(f"refused at the other page after {time.monotonic() - began:.1f} s")


def test_two_operators_at_two_pages_are_never_shown_the_same_drawing(both: TwoPages) -> None:
    waiting = [_drawing() for _ in range(AT_ONCE + 5)]
    with database.opened(both.server.url) as engine:
        PredictionLog(engine).write(waiting)
        with engine.begin() as connection:
            wanted = [reviews.Wanted(one.id, "informative", 1.0) for one in waiting]
            reviews.put(connection, "digits", wanted)

    def shown(name: str, number: int) -> set[str]:
        cookies = {**both.signed_in(name), "sketchserve-page": both.key_of(number)}
        answer = requests.get(f"{both.url}/review", cookies=cookies, timeout=60)
        assert answer.status_code == 200
        return set(re.findall(r"/review/([0-9a-f-]{36})", answer.text))

    of_ada, of_grace = shown("ada", 0), shown("grace", 1)
    assert (len(of_ada), len(of_grace)) == (AT_ONCE, 5)
    assert not of_ada & of_grace
    # Whoever comes again has the same before them, at whichever page.
    assert shown("ada", 1) == of_ada


def test_wrong_passwords_are_counted_by_both_pages_together(both: TwoPages) -> None:
    keys = [both.key_of(number) for number in range(2)]

    def guess(number: int) -> int:
        told = {"name": "nobody", "password": "a wrong password"}
        cookies = {"sketchserve-page": keys[number]}
        return requests.post(f"{both.url}/sign-in", told, cookies=cookies, timeout=60).status_code

    # An attempt comes back after a minute.
    assert [guess(number % 2) for number in range(OF_A_PLACE)] == [401] * OF_A_PLACE
    assert [guess(0), guess(1)] == [429, 429]


def _drawing() -> Prediction:
    return Prediction(
        id=uuid.uuid4(),
        created_at=datetime.now(UTC),
        session_id="5" * 32,
        source="sketchpad",
        model_name="digits",
        model_version="1.0.0",
        preprocessing="a1b2c3d4",
        predicted_label="7",
        confidence=0.6,
        probabilities={"1": 0.4, "7": 0.6},
        drawing=b"\x89PNG and so on",
        pen_colour=None,
        background_colour=None,
        latency_ms=1.0,
        request_id="two-pages",
    )
