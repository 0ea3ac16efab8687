"""Many pictures, the logic by itself: the file for a spreadsheet, and the pictures of a folder."""

import csv
import io
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.e2e.modules import blank_page, run

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def page(chromium: Browser) -> Iterator[Page]:
    with chromium.new_context() as visitor:
        yield blank_page(visitor)


def written(page: Page, rows: list[dict[str, Any]]) -> list[dict[str, str]]:
    text = run(page, "many/csv.js", "return m.csvOf(given);", rows)
    assert text.endswith("\r\n")
    return list(csv.DictReader(io.StringIO(text, newline="")))


ANSWER = {
    "label": "4",
    "confidence": 0.75,
    "set": ["4", "9"],
    "is_digit": True,
    "model": "digits",
    "version": "1.0.0",
    "prediction": None,
}


def test_the_file_has_a_row_for_each_picture_with_what_became_of_it(page: Page) -> None:
    rows: list[dict[str, Any]] = [
        {"name": 'a "b", c\n.png', "state": "read", "why": "", "answer": ANSWER},
        {"name": "x.heic", "state": "refused", "why": "no HEIC", "answer": None},
        {"name": "y.png", "state": "waits", "why": "", "answer": None},
    ]
    read, refused, left = written(page, rows)
    assert read == {
        "name": 'a "b", c\n.png',
        "label": "4",
        "confidence": "0.75",
        "set": "4 9",
        "is_digit": "true",
        "model": "digits 1.0.0",
        "prediction": "",
        "error": "",
    }
    assert (refused["label"], refused["error"], left["error"]) == ("", "no HEIC", "not read")


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("x")'])
def test_no_text_is_a_formula(page: Page, name: str) -> None:
    rows = [
        {"name": name, "state": "refused", "why": name, "answer": None},
        {"name": "x", "state": "read", "why": "", "answer": {**ANSWER, "label": name}},
    ]
    refused, read = written(page, rows)
    assert (refused["name"], refused["error"], read["label"]) == (f"'{name}",) * 3


def test_labels_with_blanks_are_told_apart_in_a_set(page: Page) -> None:
    labels = ["T-shirt top", '3" nail', "Coat"]
    (read,) = written(page, [{"name": "x", "state": "read", "why": "", "answer": {**ANSWER, "set": labels}}])
    assert next(csv.reader([read["set"]], delimiter=" ")) == labels


FOLDERS = """
  const inside = { scan: "II*\\0" };
  const file = (name, type) => ({
    name, isDirectory: false, file: (give) => give(new File([inside[name] ?? "x"], name, { type })),
  });
  const folder = (name, children) => ({ name, isDirectory: true, createReader: () => {
    const batches = [children.slice(0, 2), children.slice(2), []];
    return { readEntries: (give) => give(batches.shift()) };
  } });
  const broken = { name: "gone.png", isDirectory: false, file: (_give, fail) => fail(new Error()) };
"""


def test_of_a_folder_the_pictures_are_taken_with_those_below_in_the_order_of_their_names(page: Page) -> None:
    script = f"""{FOLDERS}
      const png = (name) => file(name, "image/png");
      const below = folder("b", [png("10.png"), file("9.jpg", "image/jpeg"), broken, file("z.heic", "")]);
      const top = folder("top", [png("c.png"), below, png(".hidden.png"), file("a.txt", "text/plain"),
        file("scan", ""), file("notes", "")]);
      return (await m.picturesIn([top])).map(({{ name }}) => name);"""
    assert run(page, "folders.js", script) == ["9.jpg", "10.png", "z.heic", "c.png", "scan"]


def test_only_where_a_folder_was_dropped_are_there_folders(page: Page) -> None:
    script = f"""{FOLDERS}
      const item = (entry) => ({{ webkitGetAsEntry: () => entry }});
      const of = (...items) => m.foldersIn({{ items }})?.length ?? null;
      const [one, some] = [item(file("a.png", "")), item(folder("f", []))];
      return [of(one), of(some, one, item(null)), of({{}}), m.foldersIn(null)];"""
    assert run(page, "folders.js", script) == [None, 2, None, None]


def test_what_a_browser_cannot_open_gets_one_line(page: Page) -> None:
    files = [{"name": "IMG.HEIC", "type": ""}, {"type": "image/heif"}, {"name": "a.png"}]
    heic, heif, other = run(page, "pictures.js", "return given.map(m.noPicture);", files)
    assert "cannot open HEIC" in heic and heic == heif
    assert other == "This browser cannot show that file as a picture. Choose a PNG or JPEG."
