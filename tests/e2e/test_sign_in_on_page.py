"""Signing in and out in a real Chromium, with and without scripts, on a desk and on a phone."""

import re
from collections.abc import Iterator

import pytest
import requests
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from db import embedded, passwords
from db import engine as database_engine
from db.user_rows import Users
from tests.e2e.page import ONE, SEVEN, draw, is_complaint, wait_within
from tests.e2e.test_many_asking_logic import SIGNED_OUT
from tests.e2e.test_many_on_page import MAY_LEAVE
from tests.ui.answering import ANSWER, answering
from tests.ui.signing_in import PASSWORD
from tests.ui.test_page_as_service import page_before
from training.data.drawing import png

pytestmark = [pytest.mark.integration, pytest.mark.browser]


@pytest.fixture(scope="module")
def page_address(database: embedded.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A page that people sign in to, before a server that plays TorchServe."""
    log = tmp_path_factory.mktemp("log") / "ui.log"
    with database_engine.opened(database.url) as engine:
        Users(engine).put("ada", passwords.hashed(PASSWORD), "operator")
        Users(engine).put("grace", passwords.hashed(PASSWORD))
    with (
        answering(ANSWER) as torchserve,
        page_before(torchserve.url, log, DATABASE_URL=database.url, SIGN_IN="on") as running,
    ):
        yield running.url


def sign_in(page: Page, address: str, name: str, password: str = PASSWORD) -> None:
    page.goto(address)
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def enter(page: Page, address: str, name: str) -> None:
    """Sign in, and return when the page can be drawn on."""
    sign_in(page, address, name)
    page.locator(".history").wait_for()
    page.locator("html[data-paper]").wait_for()
    expect(page.locator("#account")).to_contain_text(name)


def test_who_signs_in_draws_and_who_signs_out_is_led_to_the_form(
    visitor: BrowserContext, page_address: str
) -> None:
    complaints: list[str] = []
    visitor.on("console", lambda said: complaints.append(said.text) if is_complaint(said) else None)
    page = visitor.new_page()
    enter(page, page_address, "ada")
    draw(page, SEVEN)
    expect(page.locator(".history li")).to_have_count(1)
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("alert")).to_have_text("You are signed out.")
    assert complaints == []
    assert {cookie["name"] for cookie in visitor.cookies()} == {"sketchserve-known", "sketchserve-visitor"}
    page.goto(page_address)
    expect(page).to_have_url(f"{page_address}/sign-in")


def test_a_history_follows_its_user_to_another_browser_and_nobody_else(
    chromium: Browser, visitor: BrowserContext, page_address: str
) -> None:
    page = visitor.new_page()
    enter(page, page_address, "grace")
    draw(page, ONE)
    expect(page.locator(".history li")).to_have_count(1)
    visitor_id = page.evaluate("localStorage.getItem('sketchserve-visitor')")
    with chromium.new_context() as other:
        there = other.new_page()
        enter(there, page_address, "grace")
        expect(there.locator(".history li")).to_have_count(1)
    with chromium.new_context() as other:
        # Another user whose browser says that it is hers.
        other.add_init_script(f"localStorage.setItem('sketchserve-visitor', '{visitor_id}')")
        there = other.new_page()
        enter(there, page_address, "ada")
        before = there.locator(".history li").count()
        draw(there, SEVEN)
        expect(there.locator(".history li")).to_have_count(before + 1)


def test_a_wrong_password_is_said_and_the_name_stays(visitor: BrowserContext, page_address: str) -> None:
    page = visitor.new_page()
    sign_in(page, page_address, "ada", "wrong password")
    expect(page.get_by_role("alert")).to_have_text("Wrong name or password.")
    expect(page.get_by_label("Name")).to_have_value("ada")
    expect(page.get_by_label("Password")).to_be_focused()
    expect(page).to_have_title(re.compile("^Wrong name or password"))


def test_the_form_works_without_scripts_on_a_phone(chromium: Browser, page_address: str) -> None:
    phone = {"viewport": {"width": 360, "height": 640}, "is_mobile": True, "java_script_enabled": False}
    with chromium.new_context(**phone) as visitor:
        page = visitor.new_page()
        sign_in(page, page_address, "grace")
        expect(page).to_have_url(f"{page_address}/")
        in_scripts = {cookie["name"] for cookie in visitor.cookies() if not cookie["httpOnly"]}
        assert in_scripts == {"sketchserve-user"}


@pytest.mark.parametrize("who_comes", ["ada", "grace"])
def test_strokes_outlive_a_sign_in_that_has_ended_for_who_drew_them_alone(
    visitor: BrowserContext, page_address: str, who_comes: str
) -> None:
    page = visitor.new_page()
    enter(page, page_address, "ada")
    before = page.locator(".history li").count()
    draw(page, SEVEN)
    # The last that the page asks for by itself.
    expect(page.locator(".history li")).to_have_count(before + 1)
    # Somewhere else, with the same token.
    tokens = {cookie["name"]: cookie["value"] for cookie in visitor.cookies()}
    assert requests.post(f"{page_address}/sign-out", cookies=tokens, timeout=30).ok
    draw(page, ONE)
    expect(page).to_have_url(f"{page_address}/sign-in")
    enter(page, page_address, who_comes)
    if who_comes == "ada":
        expect(page.get_by_role("button", name="Undo")).to_be_enabled()
    else:
        expect(page.locator("html")).to_have_attribute("data-paper", "blank")
        page.get_by_role("button", name="Sign out").click()
        enter(page, page_address, "ada")
        expect(page.locator("html")).to_have_attribute("data-paper", "blank")


def test_what_was_chosen_in_a_browser_outlives_signing_out(
    visitor: BrowserContext, page_address: str
) -> None:
    page = visitor.new_page()
    enter(page, page_address, "grace")
    page.get_by_label("Do not store my drawings").check()
    page.get_by_role("button", name="Sign out").click()
    enter(page, page_address, "grace")
    expect(page.get_by_label("Do not store my drawings")).to_be_checked()


def test_a_list_outlives_a_sign_in_that_has_ended_and_says_so_as_the_pad_does(
    visitor: BrowserContext, page_address: str
) -> None:
    page = visitor.new_page()
    enter(page, page_address, "ada")
    held: list[Route] = []

    def let_one_through(route: Route) -> None:
        held.append(route)
        if len(held) == 1:
            route.continue_()

    page.route("**/pictures", let_one_through)
    picture = {"name": "seven.png", "mimeType": "image/png", "buffer": png("7")}
    page.locator("input[type=file][multiple]").set_input_files([picture] * 5)
    expect(page.locator(".many .is-read")).to_have_count(1)
    wait_within(page, lambda: len(held) == 3, "two more are asked for")
    tokens = {cookie["name"]: cookie["value"] for cookie in visitor.cookies()}
    assert requests.post(f"{page_address}/sign-out", cookies=tokens, timeout=30).ok
    for route in held[1:]:
        route.continue_()
    expect(page.locator(".many-note")).to_have_text(SIGNED_OUT)
    page.unroute("**/pictures")
    assert not page.evaluate(MAY_LEAVE)
    draw(page, ONE)
    expect(page.locator(".reading-headline")).to_have_text("You are signed out")
    enter(visitor.new_page(), page_address, "ada")
    page.get_by_role("button", name="Continue").click()
    expect(page.locator(".many-progress")).to_have_text("5 of 5 read")
    assert page.evaluate(MAY_LEAVE)
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_test_id("label")).to_have_text("7")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_form_is_read_in_light_and_dark(chromium: Browser, page_address: str, scheme: str) -> None:
    with chromium.new_context(color_scheme=scheme) as visitor:
        page = visitor.new_page()
        page.goto(page_address)
        paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert paper == {"dark": "rgb(15, 16, 19)", "light": "rgb(246, 244, 240)"}[scheme]
