"""Many pictures at once, and the camera: on the real services in a real Chromium."""

import csv
import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, BrowserContext, Page, Request, Route, expect

from db import embedded, engine
from db.log import PredictionLog
from db.records import HistoryRow
from tests.e2e.page import ONE, SEVEN, opened, wait_until
from tests.e2e.test_pictures_on_page import drag
from tests.reading.written import png, sheet
from tests.served_model import NAMED

pytestmark = [pytest.mark.integration, pytest.mark.browser]

# Whether the browser would ask before the page is left.
MAY_LEAVE = "dispatchEvent(new Event('beforeunload', { cancelable: true }))"
PHONE = {"width": 390, "height": 844}
# What no browser shows, the server is asked about: it says why not.
BROKEN = "The image of 100 bytes is truncated or corrupt (image file is truncated): send the whole file."
HEIC = "This browser cannot open HEIC pictures. Save it as JPEG or PNG, or have the phone take JPEGs."


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Ten drawn digits, one with a formula for its name, then a broken file and what is HEIC by its name."""
    folder = tmp_path_factory.mktemp("pictures")
    for number in range(10):
        image = Image.new("RGB", (280, 280), "white")
        stroke = [(280 * x, 280 * y) for x, y in (SEVEN if number % 2 else ONE)]
        ImageDraw.Draw(image).line(stroke, fill="black", width=16, joint="curve")
        image.save(folder / ("=1+1.png" if number == 9 else f"{number}.png"))
    (folder / "broken.png").write_bytes((folder / "0.png").read_bytes()[:100])
    (folder / "photo.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(100))
    names = [*(f"{number}.png" for number in range(9)), "=1+1.png", "broken.png", "photo.heic"]
    return [folder / name for name in names]


def choose(page: Page, files: list[Path]) -> None:
    page.locator("input[type=file][multiple]").set_input_files(files)


def progress(page: Page, words: str) -> None:
    expect(page.locator(".many-progress")).to_have_text(words)


def stored(database: embedded.Server, page: Page) -> list[HistoryRow]:
    """Return what PostgreSQL has of this visitor."""
    session_id = page.evaluate("localStorage.getItem('sketchserve-visitor')")
    with engine.opened(database.url) as opened_engine:
        return list(PredictionLog(opened_engine).history(session_id))


def test_twelve_pictures_are_read_listed_saved_and_kept(
    page: Page, database: embedded.Server, pictures: list[Path], tmp_path: Path
) -> None:
    choose(page, pictures)
    progress(page, "10 of 12 read, 2 refused")
    expect(page.locator(".many-note")).to_contain_text("Done")
    labels = page.locator(".many-label").all_inner_texts()
    assert labels == ["1", "7"] * 5
    expect(page.locator(".many .is-read").first).to_contain_text("% sure")
    expect(page.locator(".many .is-refused")).to_have_text([f"broken.png{BROKEN}", f"photo.heic{HEIC}"])

    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    assert download.value.suggested_filename == "pictures.csv"
    download.value.save_as(tmp_path / "pictures.csv")
    with (tmp_path / "pictures.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == [
        *(path.name for path in pictures[:9]),
        "'=1+1.png",
        *("broken.png", "photo.heic"),
    ]
    assert [row["label"] for row in rows] == [*labels, "", ""]
    assert [row["error"] for row in rows[9:]] == ["", BROKEN, HEIC]
    assert rows[0]["set"] == "1" and float(rows[0]["confidence"]) > 0.5
    assert rows[0]["model"] == NAMED

    wait_until(lambda: len(stored(database, page)) == 10, "all that were read are kept")
    kept = {str(row.prediction.id): row.prediction for row in stored(database, page)}
    assert [kept[row["prediction"]].predicted_label for row in rows[:10]] == labels
    assert all(one.source == "upload" and one.thumbnail for one in kept.values())
    # The strip of the last drawings has heard of it, and a row leads to its own drawing.
    expect(page.locator(".history li")).to_have_count(10)
    with page.context.expect_page() as new:
        page.locator(".many-label").first.click()
    new.value.locator(".judge button[value='1']").click()
    expect(new.value.locator(".judge .is-right[role=status]")).to_be_visible()

    page.get_by_role("button", name="Close").click()
    expect(page.locator(".many")).to_have_count(0)


def test_forced_colours_show_how_many_pictures_are_read(
    chromium: Browser, page_address: str, pictures: list[Path]
) -> None:
    with chromium.new_context(forced_colors="active", viewport={"width": 1200, "height": 900}) as visitor:
        page = opened(visitor, page_address)
        choose(page, pictures[:2])
        progress(page, "2 of 2 read")
        page.locator(".many progress").evaluate(
            "bar => { bar.hidden = false; [bar.max, bar.value] = [2, 1]; bar.scrollIntoView(); }"
        )
        shot = Image.open(BytesIO(page.locator(".many progress").screenshot()))
        done, left = (shot.getpixel((int(shot.width * share), shot.height // 2)) for share in (0.25, 0.75))
        assert done != left
        assert page.locator(".many").evaluate("list => getComputedStyle(list).borderTopWidth") == "1px"


def test_with_number_on_each_picture_is_read_as_a_number(
    page: Page, database: embedded.Server, tmp_path: Path
) -> None:
    numbers = ["45", "17"]
    for number in numbers:
        (tmp_path / f"{number}.png").write_bytes(png(sheet(number)))
    page.get_by_role("switch", name="Number").check()
    choose(page, [tmp_path / f"{number}.png" for number in numbers])
    progress(page, "2 of 2 read")
    expect(page.locator(".many-label")).to_have_text(numbers)
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    download.value.save_as(tmp_path / "pictures.csv")
    with (tmp_path / "pictures.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["label"] for row in rows] == numbers
    wait_until(lambda: len(stored(database, page)) == 4, "each digit is a row")
    kept = {str(row.prediction.id): row.prediction for row in stored(database, page)}
    read = ["".join(kept[one].predicted_label for one in row["prediction"].split()) for row in rows]
    assert read == numbers and {one.source for one in kept.values()} == {"upload"}
    expect(page.locator(".history li")).to_have_count(4)
    first = rows[0]["prediction"].split()[0]
    expect(page.locator(".many-label").first).to_have_attribute("href", re.compile(f"/history/{first}$"))


def test_stopped_it_asks_no_more_and_goes_on_when_told(page: Page, pictures: list[Path]) -> None:
    held: list[Route] = []
    asked: list[Request] = []

    def is_second(request: Request) -> bool:
        asked.extend([request] if request.url.endswith("/pictures") else [])
        return len(asked) == 2

    page.route("**/pictures", lambda route: held.append(route))
    with page.expect_request(is_second):
        choose(page, pictures[:6])
    expect(page.get_by_role("button", name="Close")).to_be_hidden()
    assert not page.evaluate(MAY_LEAVE)
    page.get_by_role("button", name="Stop").click()
    for route in held:
        route.continue_()
    expect(page.locator(".many-note")).to_have_text("Stopped.")
    progress(page, "2 of 6 read")
    assert len(held) == 2
    assert not page.evaluate(MAY_LEAVE)  # the rest would be lost
    page.unroute("**/pictures")
    page.get_by_role("button", name="Continue").click()
    progress(page, "6 of 6 read")
    expect(page.get_by_role("button", name="Stop")).to_be_hidden()
    assert page.evaluate(MAY_LEAVE)


def test_a_stopped_list_that_is_closed_holds_nobody_back(page: Page, pictures: list[Path]) -> None:
    page.route("**/pictures", lambda route: route.fulfill(status=429, body="Too many requests"))
    choose(page, pictures[:2])
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".many-note")).to_have_text("Stopped.")
    assert not page.evaluate(MAY_LEAVE)
    page.get_by_role("button", name="Close").click()
    assert page.evaluate(MAY_LEAVE)


def test_a_busy_server_is_waited_for_and_said_to_be(page: Page, pictures: list[Path]) -> None:
    busy = {"status": 429, "headers": {"Retry-After": "1"}, "body": "Too many requests"}
    page.route("**/pictures", lambda route: route.fulfill(**busy))
    choose(page, pictures[:3])
    expect(page.locator(".many .is-reads")).to_contain_text(["Too many requests. Waiting to try again."] * 2)
    page.unroute("**/pictures")
    progress(page, "3 of 3 read")


def test_of_who_wants_nothing_stored_nothing_is(
    page: Page, page_address: str, database: embedded.Server, pictures: list[Path]
) -> None:
    page.get_by_label("Do not store my drawings").check()
    choose(page, pictures[:3])
    progress(page, "3 of 3 read")
    expect(page.locator(".many .is-read")).to_contain_text(["not stored, as you chose"] * 3)
    expect(page.locator(".many tbody a")).to_have_count(0)
    page.goto(f"{page_address}/history")  # it waits for what the writer has
    expect(page.locator("[data-counted]")).to_be_visible()
    expect(page.locator(".rows a")).to_have_count(0)
    assert stored(database, page) == []


def test_a_folder_that_is_dropped_is_read(page: Page, pictures: list[Path], tmp_path: Path) -> None:
    folder = tmp_path / "two digits"
    folder.mkdir()
    for path in pictures[:2]:
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "notes.txt").write_text("no picture")
    for kind in ("dragEnter", "dragOver", "drop"):
        drag(page, kind, folder, 900, 700)
    progress(page, "2 of 2 read")
    expect(page.locator(".many-label")).to_have_text(["1", "7"])


def test_one_picture_is_still_read_on_the_pad(page: Page, pictures: list[Path]) -> None:
    choose(page, pictures[1:2])
    expect(page.get_by_test_id("label")).to_have_text("7")
    expect(page.locator(".many")).to_have_count(0)


@pytest.fixture
def phone(chromium: Browser) -> Iterator[BrowserContext]:
    with chromium.new_context(viewport=PHONE, has_touch=True, is_mobile=True) as context:
        context.set_default_timeout(15_000)
        yield context


def test_on_a_phone_the_list_fits_and_the_camera_takes_a_picture(
    phone: BrowserContext, page_address: str, pictures: list[Path]
) -> None:
    page = opened(phone, page_address)
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Camera").tap()
    assert chooser.value.element.get_attribute("capture") == "environment"
    assert not chooser.value.is_multiple()
    chooser.value.set_files(pictures[1])
    expect(page.get_by_test_id("label")).to_have_text("7")

    choose(page, pictures)
    progress(page, "10 of 12 read, 2 refused")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    box = page.locator(".many-rows")
    assert box.evaluate("(element) => element.scrollWidth <= element.clientWidth")


def test_without_a_touch_screen_there_is_no_camera(page: Page) -> None:
    expect(page.locator("[data-tool=picture]")).to_be_visible()
    expect(page.locator("[data-tool=camera]")).to_be_hidden()
