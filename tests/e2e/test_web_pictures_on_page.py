"""A picture by its address: pasted on the page or dropped there, fetched by the page's server."""

import base64
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.e2e.modules import blank_page, run
from tests.e2e.page import at, opened, sent_by
from tests.e2e.test_pictures_on_page import page_address  # noqa: F401 - a fixture
from tests.system.web import PNG

pytestmark = [pytest.mark.integration, pytest.mark.browser]


def give(page: Page, event: str, kind: str, text: str) -> None:
    """Paste or drop a text on the page."""
    script = """([event, kind, text]) => {
      const data = new DataTransfer();
      data.setData(kind, text);
      const init = { bubbles: true, cancelable: true };
      document.activeElement.dispatchEvent(event === "paste"
        ? new ClipboardEvent(event, { ...init, clipboardData: data })
        : new DragEvent(event, { ...init, dataTransfer: data }));
    }"""
    page.evaluate(script, [event, kind, text])


@pytest.mark.parametrize(("event", "kind"), [("paste", "text/plain"), ("drop", "text/uri-list")])
def test_the_picture_at_an_address_is_read_in_place_of_a_drawing(page: Page, event: str, kind: str) -> None:
    asked = []

    def answer(route: Route) -> None:
        asked.append(route.request.post_data)
        route.fulfill(body=PNG, content_type="image/png")

    page.route("**/fetch", answer)
    sent = sent_by(page)
    give(page, event, kind, " https://pictures.example/seven.png\n")
    expect(page.locator(".reading-label")).to_have_text("7")
    assert asked == ["https://pictures.example/seven.png"]
    assert [value["source"] for value in sent if value["image"]] == ["upload"]


# What is at an address comes once `come` is called, but at once where that ends with 2.
LATE = """(png) => {
  const ask = window.fetch;
  window.fetch = async (...request) => {
    if (request[0] !== "fetch") return ask(...request);
    if (!request[1].body.endsWith("2")) await new Promise((resolve) => { window.come = resolve; });
    return new Response(Uint8Array.from(atob(png), (one) => one.charCodeAt(0)));
  };
}"""


def test_an_address_is_taken_also_after_the_pens_width_was_set(page: Page) -> None:
    page.route("**/fetch", lambda route: route.fulfill(body=PNG, content_type="image/png"))
    page.get_by_label("Pen width").focus()
    give(page, "paste", "text/plain", "https://pictures.example/seven.png")
    expect(page.locator(".reading-label")).to_have_text("7")


def test_a_late_picture_waits_for_the_pen_and_comes_after_no_later_one(page: Page) -> None:
    page.evaluate(LATE, base64.b64encode(PNG).decode())
    sent = sent_by(page)
    give(page, "paste", "text/plain", "https://pictures.example/1")
    page.mouse.move(*at(page, 0.5, 0.2))
    page.mouse.down()
    page.mouse.move(*at(page, 0.5, 0.8), steps=3)
    page.evaluate("come()")
    page.wait_for_timeout(300)
    assert sent == []
    page.mouse.up()
    expect(page.locator(".reading[data-sent='1']:not(.is-stale)")).to_be_visible()
    assert [value["source"] for value in sent] == ["upload"]

    give(page, "paste", "text/plain", "https://pictures.example/1")
    give(page, "paste", "text/plain", "https://pictures.example/2")
    expect(page.locator(".reading[data-sent='2']:not(.is-stale)")).to_be_visible()
    page.evaluate("come()")
    page.wait_for_timeout(300)
    assert len(sent) == 2


def test_an_address_that_is_not_on_the_web_is_refused_by_the_server_and_the_reason_is_shown(
    page: Page,
) -> None:
    give(page, "paste", "text/plain", "http://127.0.0.1/admin.png")
    expect(page.locator(".pad-complaint")).to_have_text(
        "127.0.0.1 is not on the public internet, and nothing else is asked."
    )


@pytest.fixture
def phone(chromium: Browser, page_address: str) -> Iterator[Page]:  # noqa: F811
    with chromium.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    ) as phone:
        yield opened(phone, page_address)


@pytest.mark.parametrize("way", ["typed", "pasted"])
def test_by_touch_alone_an_address_is_given_in_the_settings(phone: Page, way: str) -> None:
    asked = []

    def answer(route: Route) -> None:
        asked.append(route.request.post_data)
        route.fulfill(body=PNG, content_type="image/png")

    phone.route("**/fetch", answer)
    phone.get_by_label("Settings").tap()
    field = phone.get_by_label("Picture URL")
    field.tap()
    phone.keyboard.type("a picture")
    phone.keyboard.press("Enter")
    expect(phone.locator(".pad-complaint")).to_contain_text("That is not a picture URL")
    expect(field).to_be_hidden()
    phone.get_by_label("Settings").tap()
    field.fill("https://pictures.example/seven.png")
    if way == "typed":
        field.press("Enter")
    else:
        field.evaluate(
            "(field) => field.dispatchEvent(new InputEvent('input', { inputType: 'insertFromPaste' }))"
        )
    expect(phone.locator(".reading-label")).to_have_text("7")
    expect(phone.locator(".pad-complaint")).to_be_empty()
    expect(field).to_be_hidden()
    expect(field).to_have_value("")
    assert asked == ["https://pictures.example/seven.png"]


def test_of_a_spreadsheets_cell_that_is_pasted_into_a_field_the_text_is_taken(page: Page) -> None:
    """Its picture comes along; pasted beside the field, that is taken."""
    sent = sent_by(page)
    page.locator(".pad-settings summary").click()
    page.locator(".pad-settings [data-tool=address]").focus()
    paste = """(png) => {
      const data = new DataTransfer();
      const bytes = Uint8Array.from(atob(png), (one) => one.charCodeAt(0));
      data.items.add(new File([bytes], "image.png", { type: "image/png" }));
      data.setData("text/plain", "a cell");
      data.setData("text/html", "<table><td>a cell</td></table>");
      const paste = new ClipboardEvent("paste", { bubbles: true, clipboardData: data });
      document.activeElement.dispatchEvent(paste);
    }"""
    page.evaluate(paste, base64.b64encode(PNG).decode())
    page.wait_for_timeout(300)
    assert sent == []
    page.locator(".pad-paper").focus()
    page.evaluate(paste, base64.b64encode(PNG).decode())
    expect(page.locator(".reading[data-sent='1']:not(.is-stale)")).to_be_visible()


def test_text_that_is_no_address_is_nobodys_business(page: Page) -> None:
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    give(page, "paste", "text/plain", "see https://pictures.example/seven.png")
    give(page, "paste", "text/plain", "javascript:alert(1)")
    give(page, "drop", "text/uri-list", "file:///etc/passwd")
    page.evaluate("new Promise(requestAnimationFrame)")
    assert not [url for url in requests if url.endswith("/fetch")]


def test_only_a_text_that_is_an_address_and_nothing_else_is_one(chromium: Browser) -> None:
    texts = ["https://a.example/b", " HTTP://a.example ", "https://a b", "ftp://a.example", "https://", ""]
    with chromium.new_context() as visitor:
        found = run(blank_page(visitor), "web.js", "return given.map(m.addressIn);", texts)
    assert found == ["https://a.example/b", "HTTP://a.example", None, None, None, None]
