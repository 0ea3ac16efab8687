"""What the pad sends, and what anybody else might send in its place."""

import base64
import uuid

import pytest

from db.schema import MAX_DRAWING_BYTES, MAX_THUMBNAIL_BYTES
from ui.draw.drawing import (
    BadDrawing,
    Drawing,
    read_drawing,
    read_interim,
    read_model_path,
    read_sent,
    read_session_id,
)

ID = "0123456789abcdef" * 2


def data_url(image: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{base64.b64encode(image).decode()}"


def test_a_drawing_comes_with_its_colours() -> None:
    colours = {"pen": "#1c1b22", "paper": "#ffffff"}
    value = {"image": data_url(b"png"), "source": "sketchpad", **colours, "drawing": ID}
    assert read_drawing(value) == Drawing(b"png", "sketchpad", "#1c1b22", "#ffffff", id=uuid.UUID(ID))


def test_an_upload_has_no_colours() -> None:
    value = {"image": data_url(b"jpeg", "image/jpeg"), "source": "upload", "drawing": ID}
    assert read_drawing(value) == Drawing(b"jpeg", "upload", None, None, id=uuid.UUID(ID))


def test_a_drawing_without_an_id_gets_a_new_one() -> None:
    first, second = (read_drawing({"image": data_url(b"png")}) for _ in range(2))
    assert first is not None and second is not None
    assert first.id != second.id


@pytest.mark.parametrize(
    "drawing", ["", 7, "0" * 31, "0" * 33, "G" * 32, "A" * 32, "0" * 32 + "\n", [ID], {}]
)
def test_an_id_that_is_none_is_refused_in_words(drawing: object) -> None:
    with pytest.raises(BadDrawing, match="32 lower-case hexadecimal digits"):
        read_drawing({"image": data_url(b"png"), "drawing": drawing})


@pytest.mark.parametrize("value", [None, "", {}, {"image": ""}, {"image": None}])
def test_blank_paper_is_no_drawing(value: object) -> None:
    assert read_drawing(value) is None


@pytest.mark.parametrize(
    "value",
    [
        {"image": "hello"},
        {"image": "data:text/html;base64,AAAA"},
        {"image": "data:image/png;base64,@@@"},
        {"image": "data:image/png;base64,AAA"},
        {"image": "data:image/png;base64,"},
        {"image": 7},
        {"image": data_url(b"png"), "source": "elsewhere"},
    ],
)
def test_anything_else_is_refused_in_words(value: object) -> None:
    with pytest.raises(BadDrawing):
        read_drawing(value)


def test_an_image_that_the_log_could_not_keep_is_refused() -> None:
    with pytest.raises(BadDrawing, match="larger than 8 MB"):
        read_drawing({"image": data_url(bytes(MAX_DRAWING_BYTES + 1))})


@pytest.mark.parametrize("colour", ["red", "#fff", "url(evil)", 7, None])
def test_only_plain_colours_are_recorded(colour: object) -> None:
    drawing = read_drawing({"image": data_url(b"png"), "pen": colour})
    assert drawing is not None
    assert drawing.pen_colour is None


@pytest.mark.parametrize("value", [None, "", "0" * 31, "0" * 33, "G" * 32, "0" * 32 + "\n", 7, {}])
def test_only_an_id_that_the_page_makes_is_a_session(value: object) -> None:
    assert read_session_id(value) is None
    assert read_session_id("0123456789abcdef" * 2) == "0123456789abcdef" * 2


@pytest.mark.parametrize("value", [None, "", {}, {"model": None}, {"model": ["digits"]}, "digits"])
def test_a_drawing_without_a_model_is_for_the_pages_own(value: object) -> None:
    assert read_model_path(value) == ""
    assert read_model_path({"image": "", "model": "digits-vit/1.0.0"}) == "digits-vit/1.0.0"


@pytest.mark.parametrize("sent", [None, "7", -1, True, 1.5, 2**53, [7]])
def test_a_drawing_has_a_number_or_0(sent: object) -> None:
    assert read_sent({"image": "", "sent": sent}) == 0
    assert read_sent({"image": "", "sent": 7}) == 7
    assert read_sent(None) == 0


@pytest.mark.parametrize("value", [None, {}, {"interim": 1}, {"interim": "true"}, {"interim": False}])
def test_only_what_says_so_is_an_interim_drawing(value: object) -> None:
    assert not read_interim(value)
    assert read_interim({"interim": True})


def test_a_small_png_is_its_thumbnail() -> None:
    png = b"\x89PNG\r\n\x1a\n and so on"
    drawing = read_drawing({"image": data_url(b"png"), "thumbnail": data_url(png)})
    assert drawing is not None
    assert drawing.thumbnail == png


@pytest.mark.parametrize(
    "thumbnail",
    [
        None,
        "",
        7,
        "data:image/png;base64,@@@",
        data_url(b"<svg onload=alert(1)>", "image/svg+xml"),
        data_url(b"<svg onload=alert(1)>"),
        data_url(b"\x89PNG\r\n\x1a\n" + bytes(MAX_THUMBNAIL_BYTES)),
    ],
)
def test_anything_else_is_no_thumbnail_and_the_drawing_is_read(thumbnail: object) -> None:
    drawing = read_drawing({"image": data_url(b"png"), "thumbnail": thumbnail})
    assert drawing is not None
    assert drawing.thumbnail is None
