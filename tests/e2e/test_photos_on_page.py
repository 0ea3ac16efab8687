"""A model for photographs on the page, in a real Chromium before a real TorchServe.

The picture comes first and the pad goes, explanations lie on the picture, and of hundreds of labels one is
found by its name.
"""

import base64
import io
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, Page, Route, expect

from client.errors import LoadFailed
from db import embedded
from launch.temporary import TorchServe
from tests.e2e.page import SEVEN, draw, opened, running_page, sent_by
from tests.e2e.test_web_pictures_on_page import give
from tests.photo_archive import LABELS, NAME, VERSION, write_photo_archive
from ui.models.loading import READY_TIMEOUT_S

pytestmark = [pytest.mark.integration, pytest.mark.browser]

COLOURS = f"{NAME}/{VERSION}"
RED, GREEN, GRAY = (220, 30, 30), (30, 200, 40), (128, 128, 128)


@pytest.fixture(scope="module")
def address(database: embedded.Server, torchserve: TorchServe, model_store: Path) -> Iterator[str]:
    """The address of a page that reads digits, and photographs where somebody chooses that."""
    archive = write_photo_archive(model_store / "digits.mar", model_store / f"{NAME}.mar")
    with running_page(database.url, torchserve, MODEL_STORE=str(model_store)) as running:
        yield running.url
    with suppress(LoadFailed):
        torchserve.management().unregister(COLOURS)
    archive.unlink()


def photograph(
    left: tuple[int, int, int], right: tuple[int, int, int] = GRAY, size: tuple[int, int] = (160, 80)
) -> bytes:
    """Return a JPEG whose left half has one colour, and its right half another."""
    image = Image.new("RGB", size, right)
    image.paste(left, (0, 0, size[0] // 2, size[1]))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=95)
    return file.getvalue()


def choose(page: Page, path: str) -> None:
    page.get_by_label("Model", exact=True).select_option(path)
    chosen = page.locator(f".chooser[data-model='{path}']:not(.is-loading)")
    expect(chosen).to_have_count(1, timeout=1000 * READY_TIMEOUT_S)


def give_files(page: Page, *files: bytes) -> None:
    page.locator("input[type=file][multiple]").set_input_files(
        [
            {"name": f"photo-{at}.jpg", "mimeType": "image/jpeg", "buffer": file}
            for at, file in enumerate(files)
        ]
    )


def read(page: Page, file: bytes, label: str) -> None:
    """Give the page a photograph, and wait until it is read as this."""
    give_files(page, file)
    expect(page.locator(".reading.is-answer:not(.is-stale) .reading-label")).to_have_text(label)


@pytest.fixture
def photos(visitor: BrowserContext, address: str) -> Page:
    """The page, where the model for photographs was chosen."""
    page = opened(visitor, address)
    choose(page, COLOURS)
    return page


def shape(page: Page, selector: str) -> tuple[int, int]:
    """Return the size of a picture's file."""
    wide, high = page.locator(selector).first.evaluate("image => [image.naturalWidth, image.naturalHeight]")
    return wide, high


def colours_of(data_url: str) -> tuple[tuple[int, int], tuple[int, ...]]:
    """Return the size of a picture, and the colour of its left half."""
    image = Image.open(io.BytesIO(base64.b64decode(data_url.partition(",")[2]))).convert("RGB")
    return image.size, image.getpixel((image.width // 4, image.height // 2))  # type: ignore[return-value]


def test_the_pad_goes_for_a_model_that_reads_photographs_and_comes_back_with_what_was_drawn(
    visitor: BrowserContext, address: str
) -> None:
    page = opened(visitor, address)
    of_pad = [page.get_by_label("Pen width"), page.get_by_role("switch", name="Number")]
    draw(page, SEVEN)
    expect(page.get_by_test_id("label")).to_have_text("7")
    choose(page, COLOURS)
    expect(page.locator(".reading-headline")).to_have_text("Add a photograph of one of these")
    expect(page.locator(".bar-name").first).to_have_text("red")
    for part in of_pad:
        expect(part).to_be_hidden()
    for part in (page.get_by_role("button", name="Choose pictures").first, page.locator(".pad-web input")):
        expect(part).to_be_visible()
    # Nothing is drawn there: it is where pictures are chosen.
    sent = page.locator("html").get_attribute("data-sent")
    with page.expect_file_chooser():
        draw(page, SEVEN)
    assert page.locator("html").get_attribute("data-sent") == sent
    expect(page.get_by_role("button", name="Clear")).to_be_disabled()

    choose(page, "digits")
    expect(page.locator(".reading.is-answer:not(.is-stale) .reading-label")).to_have_text("7")
    for part in of_pad:
        expect(part).to_be_visible()
    # What the tab read last it shows at once when it is loaded anew.
    choose(page, COLOURS)
    page.reload()
    page.locator("html[data-paper]").wait_for()
    assert page.locator("html").get_attribute("data-reads") == "photo"


def test_a_photograph_goes_along_to_a_model_that_reads_the_other_kind(
    visitor: BrowserContext, address: str
) -> None:
    page = opened(visitor, address)
    give_files(page, photograph(RED))
    expect(page.locator(".reading-headline")).not_to_have_text("Draw one of these")
    choose(page, COLOURS)
    expect(page.locator(".reading.is-answer:not(.is-stale) .reading-label")).to_have_text("red")


def test_a_photograph_is_kept_as_it_was_given_with_a_thumbnail_in_colour_and_in_its_shape(
    photos: Page, address: str
) -> None:
    values, file = sent_by(photos), photograph(RED)
    read(photos, file, "red")
    assert shape(photos, ".reading-frame img") == (32, 32)
    size, (red, green, _) = colours_of(values[-1]["thumbnail"])
    assert (size, red > 180, green < 80) == ((64, 32), True, True)
    expect(photos.locator(".history li")).to_have_count(1)
    assert shape(photos, ".history .thumbnail") == (64, 32)
    prediction = photos.locator(".reading").get_attribute("data-prediction")
    kept = photos.request.get(f"{address}/history/{prediction}/drawing")
    assert kept.body() == file


def test_an_explanation_lies_on_the_part_of_the_photograph_that_was_read(photos: Page, address: str) -> None:
    read(photos, photograph(RED), "red")
    photos.get_by_role("button", name="Why?").click()
    expect(photos.locator(".why-words")).to_contain_text("what pointed to red")
    # The middle square of 160x80 px lies on the sheet, 280 units a side, from 70 to 210 both ways.
    alpha = """(at) => at.map(([x, y]) => {
      const map = document.querySelector(".pad-maps"), per = map.width / 280;
      return map.getContext("2d").getImageData(x * per, y * per, 1, 1).data[3];
    })"""
    on_red, on_gray, beside_the_square, above = photos.evaluate(
        alpha, [[95, 140], [190, 140], [40, 140], [95, 40]]
    )
    assert on_red > 100
    assert (on_gray, beside_the_square, above) == (0, 0, 0)

    prediction = photos.locator(".reading").get_attribute("data-prediction")
    photos.goto(f"{address}/history/{prediction}?why=importance")
    expect(photos.get_by_text("what pointed to red")).to_be_visible()
    picture, lies = (photos.locator(one).bounding_box() for one in (".sheet img >> nth=0", ".sheet .map"))
    assert picture
    assert lies
    assert picture["width"] == pytest.approx(2 * picture["height"], abs=2)
    assert lies["width"] == pytest.approx(lies["height"], abs=2) == pytest.approx(picture["height"], abs=2)


def test_of_hundreds_of_labels_one_is_found_by_its_name(photos: Page, address: str) -> None:
    read(photos, photograph(GREEN), "green")
    expect(photos.locator(".bar:visible")).to_have_count(10)
    photos.get_by_label("Find a label").fill("KIND 12")
    expect(photos.locator(".bar:visible .bar-name")).to_have_text([f"kind {at}" for at in range(120, 130)])
    photos.get_by_role("button", name="No, it is").click()
    photos.locator(".judge-search").fill("kind 123")
    expect(photos.locator(".judge-labels button:visible")).to_have_count(1)
    photos.locator(".judge-search").press("Enter")
    expect(photos.locator(".judge-said")).to_contain_text("Saved: it is kind 123")

    for file in (photograph(RED), photograph(GREEN, size=(90, 60))):
        read(photos, file, "red" if file == photograph(RED) else "green")
    photos.goto(f"{address}/history/judge")
    pieces = photos.locator("[data-piece]")
    expect(pieces).to_have_count(2)
    # One list of the labels for both, in the order of the alphabet.
    names = photos.locator("datalist option").evaluate_all("all => all.map((one) => one.value)")
    assert names == sorted(LABELS)
    photos.get_by_label("Another label").locator("visible=true").fill("Kind 007")
    photos.keyboard.press("Enter")
    expect(photos.locator("[data-status]")).to_have_text("That was kind 007.")


def test_several_photographs_and_the_address_of_one_are_read_in_colour(photos: Page) -> None:
    photos.route("**/fetch", lambda route: answer_with_red(route))
    give_files(photos, photograph(GREEN), photograph(RED, size=(60, 90)))
    expect(photos.locator(".many-note")).to_contain_text("Done", timeout=30_000)
    expect(photos.locator(".many-label")).to_have_text(["green", "red"])
    assert [shape(photos, f".many tbody tr:nth-child({at}) img") for at in (1, 2)] == [(64, 32), (43, 64)]
    give(photos, "paste", "text/plain", "https://pictures.example/red.jpg")
    expect(photos.locator(".reading.is-answer:not(.is-stale) .reading-label")).to_have_text("red")
    expect(photos.locator(".many-label").first).to_have_attribute("href", re.compile("/history/"))


def answer_with_red(route: Route) -> None:
    route.fulfill(body=photograph(RED), content_type="image/jpeg")
