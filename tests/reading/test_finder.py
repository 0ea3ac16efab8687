"""The process that finds pieces: what a picture does to it, others do not feel; and it ends with the page."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from reading import finder as finder_module
from reading.finder import Finder
from reading.piece import NoNumber
from reading.row import pieces_of
from system.files import PROJECT
from tests.handler import costly
from tests.reading.written import png, sheet

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def finder() -> Iterator[Finder]:
    """One for all; beside busy cores nobody's patience ends."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(finder_module, "ANSWER_S", 60.0)
        running = Finder()
        yield running
        running.close()


def process(finder: Finder) -> int:
    assert finder._process is not None
    return finder._process.pid


def test_pieces_are_those_that_are_found_here(finder: Finder) -> None:
    number = png(sheet("2026"))
    assert finder.pieces(number) == pieces_of(number)


def test_refusals_come_in_words(finder: Finder) -> None:
    for payload, words in [
        (b"hello", "plain text"),
        (b"", "The body is empty"),
        (b'{"strokes": 1}', "array"),
    ]:
        with pytest.raises(NoNumber, match=words):
            finder.pieces(payload)


@pytest.mark.parametrize("made", [costly.tiff_tags, costly.bmp_runs])
def test_a_picture_that_costs_too_much_is_refused_and_the_next_one_is_read(
    finder: Finder, made: Callable[[], bytes]
) -> None:
    number = png(sheet("17"))
    expected = finder.pieces(number)
    before = process(finder)
    try:
        finder.pieces(made())
    except NoNumber as error:
        assert str(error)
    assert finder.pieces(number) == expected
    assert process(finder) == before


def test_many_at_once_each_get_their_own(finder: Finder) -> None:
    numbers = [png(sheet(text)) for text in ("17", "2026", "3", "456")] * 4
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(finder.pieces, numbers)) == [pieces_of(number) for number in numbers]


def test_a_process_that_was_killed_is_started_again(finder: Finder) -> None:
    number = png(sheet("17"))
    expected = finder.pieces(number)
    psutil.Process(process(finder)).kill()
    assert finder.pieces(number) == expected


def test_it_knows_nothing_of_the_page_s_secrets(finder: Finder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://user:secret@127.0.0.1/name")
    another = Finder()
    try:
        another.pieces(png(sheet("1")))
        assert "DATABASE_URL" not in psutil.Process(process(another)).environ()
    finally:
        another.close()


def test_it_ends_with_the_page_however_that_ends() -> None:
    page = (
        "from reading.finder import Finder; finder = Finder(); finder._connected(); "
        "print(finder._process.pid, flush=True); input()"
    )
    command = [sys.executable, "-c", page]
    with subprocess.Popen(
        command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        beside = psutil.Process(int(running.stdout.readline()))
        running.kill()
    assert beside.wait(10) is None or not beside.is_running()


def test_the_page_loads_no_image_library_for_it() -> None:
    heavy = "{'cv2', 'numba', 'deflate', 'handler'}"
    code = f"import sys, reading.reader; sys.exit(str({heavy} & set(sys.modules) or '') or 0)"
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
