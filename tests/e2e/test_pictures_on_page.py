"""Pictures in place of a drawing: what is made smaller, how they are shown, and where they may be dropped."""

import base64
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, BrowserContext, Page, expect

from system.files import PROJECT
from tests.e2e.modules import blank_page, run
from tests.e2e.page import sent_by
from tests.ui.answering import ANSWER, answering
from tests.ui.test_page_as_service import page_before

pytestmark = [pytest.mark.integration, pytest.mark.browser]

MOST_BYTES = 8 * 1024**2


@pytest.fixture(scope="module")
def page_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A page before a server that plays TorchServe, without a database."""
    log = tmp_path_factory.mktemp("log") / "ui.log"
    with answering(ANSWER) as torchserve, page_before(torchserve.url, log) as running:
        yield running.url


@pytest.fixture(scope="module")
def blank(chromium: Browser) -> Iterator[Page]:
    with chromium.new_context() as visitor:
        yield blank_page(visitor)


def written(image: Image.Image, kind: str = "PNG") -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind)
    return stream.getvalue()


def read(blank: Page, content: bytes, kind: str = "image/png") -> dict[str, Any]:
    """Return what the pad's module makes of a file, its bitmap as that bitmap's size."""
    script = """
      const bytes = Uint8Array.from(atob(given.content), (character) => character.charCodeAt(0));
      const picture = await m.readPicture(new File([bytes], "a picture", { type: given.kind }));
      return { ...picture, bitmap: [picture.bitmap.width, picture.bitmap.height] };"""
    given = {"content": base64.b64encode(content).decode(), "kind": kind}
    return run(blank, "pictures.js", script, given)


def bytes_of(picture: dict[str, Any]) -> bytes:
    return base64.b64decode(picture["image"].partition("base64,")[2])


@pytest.mark.parametrize(
    ("width", "height", "bytes_", "kind", "scale"),
    [
        (4096, 3072, 5_000_000, "image/jpeg", None),
        (280, 280, 7_000, "image/png", None),
        (3072, 3072, MOST_BYTES, "image/png", None),
        (3073, 3072, 1_000_000, "image/png", 0.667),
        (8000, 6000, 8_000_000, "image/jpeg", 0.296),
        (1000, 1000, MOST_BYTES + 1, "image/png", 1),
        (400, 20_000, 100_000, "image/png", 0.724),
        (100, 40_000, 100_000, "image/png", 0.41),
        (500, 500, 10_000, "image/heic", 1),
    ],
)
def test_what_the_api_would_refuse_is_made_smaller_and_nothing_else(
    blank: Page, width: int, height: int, bytes_: int, kind: str, scale: float | None
) -> None:
    given = {"width": width, "height": height, "bytes": bytes_, "type": kind}
    found = run(blank, "pictures.js", "return m.scaleFor(given)", given)
    assert found == (None if scale is None else pytest.approx(scale, abs=0.001))


def test_a_large_file_is_sent_smaller_and_one_that_is_taken_as_it_is(blank: Page) -> None:
    noise = Image.frombytes("RGB", (2200, 1500), os.urandom(2200 * 1500 * 3))
    large = written(noise)
    assert len(large) > MOST_BYTES
    picture = read(blank, large)
    assert len(bytes_of(picture)) <= MOST_BYTES
    assert Image.open(io.BytesIO(bytes_of(picture))).size == (picture["width"], picture["height"])
    small = written(noise.resize((300, 200)))
    assert bytes_of(read(blank, small)) == small


def test_a_large_transparent_picture_stays_transparent(blank: Page) -> None:
    large = written(Image.frombytes("RGBA", (1700, 1500), os.urandom(1700 * 1500 * 4)))
    sent = bytes_of(read(blank, large))
    assert len(large) > MOST_BYTES >= len(sent)
    assert Image.open(io.BytesIO(sent)).mode == "RGBA"


@pytest.mark.parametrize("ink", ["white", "black"])
def test_a_digit_on_nothing_is_seen(blank: Page, ink: str) -> None:
    image = Image.new("RGBA", (200, 200))
    ImageDraw.Draw(image).line([(100, 30), (100, 170)], fill=ink, width=20)
    picture = read(blank, written(image))
    assert picture["isTransparent"]
    script = f"""
      const {{ readPicture }} = await import("./pictures.js");
      const bytes = Uint8Array.from(atob(given), (character) => character.charCodeAt(0));
      const picture = await readPicture(new File([bytes], "x", {{ type: "image/png" }}));
      const colours = {{ pen: "{ink}", paper: "{ink}" }};
      return m.asPng(280, {{ strokes: [], picture, colours, sheet: {{ width: 280, height: 280 }} }});"""
    shown = run(blank, "painting.js", script, base64.b64encode(written(image)).decode())
    pixels = Image.open(io.BytesIO(base64.b64decode(shown.partition(",")[2]))).convert("L")
    beside, digit = pixels.getpixel((40, 140)), pixels.getpixel((140, 140))
    assert isinstance(beside, int) and isinstance(digit, int)
    assert abs(beside - digit) > 80


def test_what_is_written_on_a_long_scan_is_shown_large_and_sent_whole(blank: Page) -> None:
    image = Image.new("L", (300, 6000), 250)
    ImageDraw.Draw(image).line([(150, 3000), (150, 3120)], fill=10, width=14)
    picture = read(blank, written(image))
    assert bytes_of(picture) == written(image)
    crop = picture["crop"]
    assert crop["height"] < 300 and crop["top"] < 3000 < 3120 < crop["top"] + crop["height"]
    whole = read(blank, written(image.crop((60, 2960, 240, 3160))))
    assert (whole["crop"]["width"], whole["crop"]["height"]) == (180, 200)


def test_a_picture_of_nothing_is_shown_whole(blank: Page) -> None:
    picture = read(blank, written(Image.new("L", (90, 50), 200)))
    assert picture["crop"] == {"left": 0, "top": 0, "width": 90, "height": 50}


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "BMP", "AVIF"])
def test_a_file_without_an_ending_is_what_its_first_bytes_say(blank: Page, kind: str) -> None:
    content = written(Image.new("RGB", (90, 50), "white"), kind)
    picture = read(blank, content, "")
    assert picture["image"].startswith(f"data:image/{kind.lower()};base64,")
    assert bytes_of(picture) == content


@pytest.mark.parametrize(
    ("kind", "image", "named"),
    [
        ("TIFF", Image.new("F", (90, 50), 0.5), "image/tiff"),
        ("TIFF", Image.new("L", (90, 50), 200), ""),
        ("PPM", Image.new("L", (90, 50), 200), "image/x-portable-graymap"),
    ],
)
def test_what_the_browser_cannot_show_is_sent_as_it_is_below_a_sheet_that_says_so(
    blank: Page, kind: str, image: Image.Image, named: str
) -> None:
    picture = read(blank, written(image, kind), named)
    assert picture["isUnseen"]
    assert bytes_of(picture) == written(image, kind)
    assert picture["bitmap"] == [280, 280]
    assert picture["image"].startswith("data:image/")


def grey_shown(blank: Page, levels: np.ndarray) -> np.ndarray:
    """Return a picture of 16-bit grey as it lies on the paper: uint8 (56, 56)."""
    script = """
      const { readPicture } = await import("./pictures.js");
      const bytes = Uint8Array.from(atob(given), (character) => character.charCodeAt(0));
      const picture = await readPicture(new File([bytes], "x", { type: "image/png" }));
      const colours = { pen: "#000000", paper: "#ffffff" };
      return m.asPng(56, { strokes: [], picture, colours, sheet: { width: 280, height: 280 } });"""
    file = written(Image.fromarray(levels.astype(np.uint16)))
    shown = run(blank, "painting.js", script, base64.b64encode(file).decode())
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(shown.partition(",")[2]))).convert("L"))


@pytest.mark.parametrize("most", [4095, 1023, 65_535])
def test_of_16_bit_grey_the_levels_are_spread_for_the_eye(blank: Page, most: int) -> None:
    levels = np.full((56, 56), most)
    levels[20:36, 25:31] = 0
    shown = grey_shown(blank, levels)
    assert shown[2, 2] > 230
    assert shown[28, 28] < 25


def test_even_16_bit_grey_is_shown_as_it_is(blank: Page) -> None:
    assert grey_shown(blank, np.full((56, 56), 32_768)).std() == 0


def test_what_is_no_picture_is_refused_in_words(page: Page) -> None:
    page.locator("input[type=file][multiple]").set_input_files(PROJECT / "pyproject.toml")
    expect(page.locator(".pad-complaint")).to_contain_text("cannot show that file")


def drag(page: Page, kind: str, path: Path, x: float, y: float) -> None:
    """Drag a file from outside the browser over the page."""
    data = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
    session = page.context.new_cdp_session(page)
    session.send("Input.dispatchDragEvent", {"type": kind, "x": x, "y": y, "data": data})


def test_a_picture_dropped_beside_the_pad_is_read_and_the_page_stays(page: Page) -> None:
    values, seven = sent_by(page), PROJECT / "docs" / "seven.png"
    drag(page, "dragEnter", seven, 900, 700)
    drag(page, "dragOver", seven, 900, 700)
    expect(page.locator(".pad.is-dropping")).to_have_count(1)
    drag(page, "drop", seven, 900, 700)
    expect(page.locator(".pad.is-dropping")).to_have_count(0)
    expect(page.get_by_test_id("label")).to_have_text("7")
    assert [value["source"] for value in values] == ["upload"]
    assert page.url.startswith("http")


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_a_file_without_an_ending_that_is_dropped_is_read(page: Page, tmp_path: Path, kind: str) -> None:
    values, scan = sent_by(page), tmp_path / "scan"
    scan.write_bytes(written(Image.new("L", (90, 50), 200), kind))
    for event in ("dragEnter", "dragOver", "drop"):
        drag(page, event, scan, 900, 700)
    expect(page.get_by_test_id("label")).to_have_text("7")
    assert [value["image"].partition(";")[0] for value in values] == [f"data:image/{kind.lower()}"]
    # What this browser cannot show, the server makes a thumbnail of.
    assert (values[0]["thumbnail"] == "") is (kind == "TIFF")


@pytest.mark.parametrize("view", ["history", "analytics", "models"])
def test_a_file_dropped_on_another_view_does_not_open_in_its_place(
    visitor: BrowserContext, page_address: str, view: str
) -> None:
    page = visitor.new_page()
    page.goto(f"{page_address}/{view}")
    are_kept_out = """(isFile) => {
      const data = new DataTransfer();
      if (isFile) data.items.add(new File(["x"], "x.png"));
      else data.setData("text/plain", "x");
      const init = { bubbles: true, cancelable: true, dataTransfer: data };
      return ["dragover", "drop"].map((name) => !document.body.dispatchEvent(new DragEvent(name, init)));
    }"""
    assert page.evaluate(are_kept_out, True) == [True, True]
    assert page.evaluate(are_kept_out, False) == [False, False]  # a text goes into a field


def test_a_drag_that_leaves_the_window_leaves_no_mark(page: Page) -> None:
    seven = PROJECT / "docs" / "seven.png"
    drag(page, "dragEnter", seven, 900, 700)
    drag(page, "dragOver", seven, 900, 700)
    expect(page.locator(".pad.is-dropping")).to_have_count(1)
    # As browsers say it; the protocol that the tests drag with does not.
    page.evaluate("document.body.dispatchEvent(new DragEvent('dragleave', { bubbles: true }))")
    expect(page.locator(".pad.is-dropping")).to_have_count(0)
