"""No picture costs a worker more than its share, and none is refused for another's sake that keeps to it."""

import json
import logging
import resource
import time
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from handler.bad_image import BadImage, Busy
from handler.decode import MAX_PIXELS, MAX_PIXELS_OF, decode, decode_reduced
from handler.frame import framed
from handler.framer import PICTURE_S, SMALL_BYTES, SMALL_SIDE_PX, Framer, Result
from handler.model import Framed
from handler.png import read_png
from tests.cpu_time import costs_less_than
from tests.handler.costly import COSTLY, IN_TEXT, TOO_LARGE, blank, encoded, jpeg_scans, noise
from tests.handler.test_png import file_of
from training.archive.profile import swapped_profile
from training.data.drawing import drawing, png

SEVEN = png("7")
GIF = encoded(drawing("7"), "GIF")
# What one picture may cost a worker, CPU time, and half more for a machine that does more than this.
COST_S, BUSY = 0.3, 1.5


class InkModel:
    """What a framer needs of a model, without networks."""

    framing = "ink"

    def framed(self, payload: bytes) -> Framed:
        """Return what becomes of a file."""
        return self.framed_pixels(*decode_reduced(payload))

    def framed_pixels(self, pixels: np.ndarray, reduction: int = 1) -> Framed:
        """Return what becomes of pixels."""
        return Framed(*framed(pixels), reduction)


@pytest.fixture
def reader() -> Framer:
    # What is compiled and loaded once is no picture's cost: a worker's self-check has done so, too.
    for payload in (SEVEN, GIF):
        InkModel().framed(payload)
    return Framer(InkModel())  # type: ignore[arg-type]


def read(reader: Framer, *payloads: object, seconds: float = 30) -> list[Result]:
    rows = [{"body": payload} for payload in payloads]
    return reader.batch(rows, [str(number) for number in range(len(rows))], time.perf_counter() + seconds)


def spent_s() -> float:
    """Return the CPU time of this process, and of those that it has started and waited for."""
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


@pytest.mark.alone
@pytest.mark.processes
@pytest.mark.parametrize("name", [*COSTLY, *IN_TEXT])
def test_no_picture_costs_more_than_300_ms(reader: Framer, name: str) -> None:
    payload = {**COSTLY, **IN_TEXT}[name]()
    assert len(payload if isinstance(payload, bytes) else json.dumps(payload)) <= 16 * 1024**2
    reader._aside.close()
    results: list[Result] = []

    def cost() -> None:
        results.extend(read(reader, payload))
        reader._aside.close()  # so that what it has spent is known

    assert costs_less_than(BUSY * COST_S, cost, spent_s)
    assert all(isinstance(result, Framed | BadImage) for result in results)


@pytest.mark.parametrize(("framing", "aside"), [("ink", 0), ("photo-32", 1)])
def test_a_profile_of_its_colours_sends_no_drawing_aside(
    framing: str, aside: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = InkModel()
    model.framing = framing
    reader, sent = Framer(model), []  # type: ignore[arg-type]
    monkeypatch.setattr(
        reader._aside, "framed", lambda payload, *_: sent.append(payload) or BadImage("aside")
    )
    read(reader, encoded(drawing("7"), "PNG", icc_profile=swapped_profile()))
    assert len(sent) == aside


@pytest.mark.alone
@pytest.mark.parametrize("name", TOO_LARGE)
def test_what_is_too_large_for_its_format_is_refused_by_its_header(name: str) -> None:
    payload = TOO_LARGE[name]()

    def refused() -> None:
        with pytest.raises(BadImage, match="has 7,680 x 4,320 px; at most"):
            decode(payload)

    assert costs_less_than(COST_S / 3, refused)


def test_phone_photos_are_read() -> None:
    """By what is counted, not by a clock: of these, no more than a sixteenth is ever made pixels."""
    for width, height in ((4000, 3000), (8064, 6048), (8192, 6144)):
        pixels = decode(encoded(blank(width, height), "JPEG"))
        assert pixels.shape[0] * 4 == pixels.shape[1] * 3


def test_each_limit_is_said_with_its_kind() -> None:
    for kind, most in MAX_PIXELS_OF.items():
        assert most < MAX_PIXELS
        side = int(most**0.5) + 1
        if kind.startswith("picture"):
            value = np.uint16 if "16" in kind else np.float32
            file = encoded(Image.fromarray(np.ones((side, side), value)), "TIFF")
        elif kind == "progressive JPEG":
            file = encoded(blank(side, side), "JPEG", progressive=True)
        else:
            file = encoded(
                blank(side, side), kind, **({"lossless": True, "method": 0} if kind == "WEBP" else {})
            )
        with pytest.raises(BadImage, match=f"The {kind} has .* at most {most:,} px"):
            decode(file)


@pytest.mark.alone
@pytest.mark.parametrize("filters", [[2], [3], [4], [0, 1, 2, 3, 4]], ids=str)
def test_small_drawings_are_cheap_whatever_is_in_them(reader: Framer, filters: list[int]) -> None:
    """They are read in the worker itself, so nothing ends them."""
    few_lines = np.asarray(noise(SMALL_SIDE_PX, 5, 4)) | 1
    file = file_of(np.tile(few_lines, (SMALL_SIDE_PX // 5, 1, 1)), filters)
    assert len(file) <= SMALL_BYTES
    assert read_png(file, SMALL_SIDE_PX) is not None
    # Three times what "less than a fifth" says, for slow machines.
    assert costs_less_than(3 * PICTURE_S / 5, lambda: read(reader, file))


@pytest.mark.alone
def test_small_pictures_are_read_beside_monsters(reader: Framer) -> None:
    """What a batch has is shared out: a picture within its share is read, whoever came with it."""
    scans = jpeg_scans()
    started = time.perf_counter()
    results = read(reader, *[scans] * 7, GIF, *[scans] * 7, SEVEN, seconds=1.5)
    took_s = time.perf_counter() - started
    assert [index for index, result in enumerate(results) if isinstance(result, Framed)] == [7, 15]
    assert all(isinstance(result, Busy) for index, result in enumerate(results) if index not in (7, 15))
    # On a busy machine their CPU time takes longer: then there is less of it for those that come last.
    assert took_s < 1.5 + 2 * COST_S


def test_a_drawing_is_read_though_no_time_is_left(reader: Framer) -> None:
    drawn, other = read(reader, SEVEN, GIF, seconds=-1)
    assert isinstance(drawn, Framed)
    assert isinstance(other, Busy)


def test_alone_it_is_the_pictures_own_fault(reader: Framer) -> None:
    (result,) = read(reader, jpeg_scans())
    assert isinstance(result, BadImage)
    assert "takes too much time or memory" in str(result)
    assert isinstance(read(reader, GIF)[0], Framed), "the next one finds a new process"


def test_a_text_that_takes_all_of_its_pictures_time_is_its_own_fault(
    reader: Framer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To send it again in a second, as others' fault is answered, would help nobody."""

    def slowly(row: dict[str, bytes]) -> bytes:
        began = time.process_time()
        while time.process_time() - began < PICTURE_S:
            pass
        return row["body"]

    monkeypatch.setattr("handler.framer.image_bytes", slowly)
    (result,) = read(reader, GIF)
    assert isinstance(result, BadImage)
    assert "takes too much time or memory" in str(result)


def test_what_is_read_aside_is_what_is_read_here(reader: Framer) -> None:
    wide = blank(3000, 1000, "L").convert("RGB")
    wide.paste((255, 255, 255), (0, 0, 3000, 1000))
    wide.paste(drawing("3").resize((600, 600)), (900, 200))
    for format in ("JPEG", "GIF", "BMP", "TIFF"):
        file = encoded(wide, format)
        (aside,), here = read(reader, file), InkModel().framed(file)
        assert isinstance(aside, Framed)
        assert (aside.frame == here.frame).all()
        assert aside.place() == here.place()


def test_what_nobody_expected_spoils_its_own_request_alone(caplog: pytest.LogCaptureFixture) -> None:
    def broken(payload: bytes) -> Framed:
        if payload == GIF:
            raise ZeroDivisionError("what nobody expected")
        return InkModel().framed(payload)

    reader = Framer(SimpleNamespace(framed=broken, framed_pixels=InkModel().framed_pixels))  # type: ignore[arg-type]
    with caplog.at_level(logging.ERROR):
        spoiled, other = read(reader, GIF, encoded(drawing("7"), "BMP"))
    assert isinstance(spoiled, BadImage)
    assert isinstance(other, Framed)
    assert "preprocessing failed on the input of 0" in caplog.text
    assert "what nobody expected" in caplog.text
