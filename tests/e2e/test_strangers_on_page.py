"""What strangers may try on the page: scripts of their own, and what they left in its storage."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from playwright.sync_api import BrowserContext, expect

from system.files import PROJECT
from tests.e2e.page import SEVEN, draw, is_complaint, opened, wait_until
from tests.ui.answering import ANSWER, answering
from tests.ui.test_page_as_service import page_before

pytestmark = [pytest.mark.integration, pytest.mark.browser]

KEPT = "sketchserve-unanswered"
STROKE = {"width": 20, "points": [[70, 70], [200, 70]]}


@pytest.fixture(scope="module")
def page_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A page before a server that plays TorchServe, without a database."""
    log = tmp_path_factory.mktemp("log") / "ui.log"
    with answering(ANSWER) as torchserve, page_before(torchserve.url, log) as running:
        # The process that finds digits starts with the page, and takes as long.
        wait_until(lambda: reads_numbers(running.url), "numbers are read", 60)
        yield running.url


def reads_numbers(url: str) -> bool:
    return requests.post(f"{url}/read", json={"strokes": [STROKE["points"]]}, timeout=60).ok


def test_the_page_works_under_its_policy_without_a_complaint(
    visitor: BrowserContext, page_address: str
) -> None:
    complaints: list[str] = []
    visitor.on("console", lambda said: complaints.append(said.text) if is_complaint(said) else None)
    visitor.on("weberror", lambda error: complaints.append(str(error.error)))
    page = opened(visitor, page_address)
    draw(page, SEVEN)
    expect(page.get_by_test_id("label")).to_have_text("7")
    page.get_by_role("button", name="Yes").click()
    expect(page.locator(".history li")).to_have_count(1)
    page.locator("input[type=file][multiple]").set_input_files(PROJECT / "docs" / "seven.png")
    expect(page.locator(".history li")).to_have_count(2)
    assert complaints == []


def test_a_script_that_gets_into_the_page_does_not_run(visitor: BrowserContext, page_address: str) -> None:
    page = opened(visitor, page_address)
    refused = page.evaluate(
        """() => new Promise((resolve) => {
          const refused = [];
          document.addEventListener("securitypolicyviolation", ({ violatedDirective }) => {
            refused.push(violatedDirective);
            if (refused.length === 2) resolve(refused);
          });
          window.hasRun = () => resolve("it ran");
          const script = document.createElement("script");
          script.textContent = "hasRun()";
          document.body.append(script);
          const picture = document.createElement("p");
          picture.innerHTML = '<img src="data:," onerror="hasRun()">';
          document.body.append(picture);
        })"""
    )
    assert sorted(refused) == ["script-src-attr", "script-src-elem"]


def test_no_other_page_can_frame_it(visitor: BrowserContext, page_address: str, tmp_path: Path) -> None:
    (tmp_path / "other.html").write_text(f'<iframe src="{page_address}"></iframe>')
    page = visitor.new_page()
    with page.expect_event("console", lambda said: "frame-ancestors" in said.text):
        page.goto((tmp_path / "other.html").as_uri())


# Of what is no drawing tests/e2e/test_pad_logic.py has more.
@pytest.mark.parametrize(
    "kept",
    ['[{"width": 20, "points": [[1, "2"]]}]', json.dumps([STROKE] * 100_000)],
    ids=["no point", "too much"],
)
def test_what_strangers_stored_cannot_break_the_pad(
    visitor: BrowserContext, page_address: str, kept: str
) -> None:
    of_number = f'{{"kind": "number", "strokes": {kept}}}'
    for key, text in ((KEPT, kept), (f"{KEPT}-number", of_number)):
        visitor.add_init_script(f"sessionStorage.setItem({json.dumps(key)}, {json.dumps(text)})")
    visitor.add_init_script("sessionStorage.setItem('sketchserve-model', 'x/'.repeat(500_000))")
    visitor.add_init_script("localStorage.setItem('sketchserve-settings', '{\"number\": true}')")
    page = opened(visitor, page_address)
    number = page.get_by_role("switch", name="Number")
    expect(number).to_be_checked()
    for is_number, answer in ((True, "number"), (False, "label")):
        number.set_checked(is_number)
        expect(page.get_by_role("button", name="Undo")).to_be_disabled()
        draw(page, [(x / 3, y) for x, y in SEVEN] if is_number else SEVEN)
        expect(page.get_by_test_id(answer)).to_have_text("7")


def test_strokes_that_the_page_itself_stored_come_back(visitor: BrowserContext, page_address: str) -> None:
    kept = json.dumps([STROKE, {"width": 4.5, "points": [[1.5, 2]]}])
    visitor.add_init_script(f"sessionStorage.setItem({json.dumps(KEPT)}, {json.dumps(kept)})")
    page = opened(visitor, page_address)
    expect(page.get_by_role("button", name="Undo")).to_be_enabled()
