"""How an image travels in a request."""

import base64
import codecs
import json
from contextlib import suppress
from urllib.parse import quote

import pytest
from PIL import Image
from ts.protocol import otf_message_handler

from handler import worker
from handler.bad_image import BadImage
from handler.request import image_bytes
from tests.cpu_time import costs_less_than
from training.data.drawing import drawing, encoded

IMAGE = b"\x89PNG\r\n some bytes \xff\xff\xfb\xef\xbe."
TEXT = base64.b64encode(IMAGE).decode()


@pytest.mark.parametrize(
    "row",
    [
        {"body": bytearray(IMAGE)},
        {"data": bytearray(IMAGE)},
        {"body": {"image": TEXT}},
        {"body": {"image": f"data:image/png;base64,{TEXT}"}},
        {"body": {"image": TEXT.rstrip("=")}},
        {"body": {"image": "\n".join((TEXT[:10], TEXT[10:]))}},
        {"body": {"image": base64.urlsafe_b64encode(IMAGE).decode()}},
        {"body": bytearray(f'{{"image": "{TEXT}"}}'.encode())},
        {"body": bytearray(TEXT.encode())},
        {"body": f"data:image/png;base64,{TEXT}"},
        {"body": bytearray(f"data:image/png;base64,{TEXT}".encode())},
        {"image": bytearray(IMAGE)},
        {"file": bytearray(IMAGE)},
        {"body": TEXT},
        {"body": bytearray(codecs.BOM_UTF8 + TEXT.encode())},
        {"body": bytearray(codecs.BOM_UTF8 + f'{{"image": "{TEXT}"}}'.encode())},
        {"body": bytearray(f'{{"image": "{TEXT}"}}'.encode("utf-16"))},
        {"body": bytearray(TEXT.encode("utf-16"))},
        {"body": bytearray(f'\r\n {{"image": "{TEXT}"}}'.encode())},
        {"body": {"data": TEXT}},
        {"body": {"file": TEXT}},
        {"data": bytearray(), "file": bytearray(IMAGE)},
        {"body": bytearray(json.dumps(f"data:image/png;base64,{TEXT}").encode())},
        {"body": bytearray(json.dumps(TEXT).replace("/", "\\/").encode())},
        {"body": {"image": f"data:image/png; base64,{TEXT}"}},
        {"body": {"image": f"data:image/png;base64,{quote(TEXT, safe='')}"}},
        {"body": {"image": " ".join((TEXT[:12], TEXT[12:24], TEXT[24:]))}},
    ],
    ids=["raw", "multipart", "base64", "data URL", "no padding", "line breaks", "URL-safe",
         "JSON without type", "base64 as bytes",
         "data URL as text", "data URL as bytes", "field image", "field file", "text", "base64 after a mark",
         "JSON after a mark", "JSON in UTF-16", "base64 in UTF-16", "JSON after lines", "key data",
         "key file", "beside an empty field", "data URL as JSON without type", "base64 as JSON without type",
         "data URL with a space", "data URL, escaped", "lines divided by spaces"],
)  # fmt: skip
def test_the_image_is_found(row: dict[str, object]) -> None:
    assert image_bytes(row) == IMAGE


@pytest.mark.parametrize("beginning", ["", "data:image/png;base64,"])
def test_spaces_of_a_form_are_the_plus_signs_that_they_were(beginning: str) -> None:
    """As `curl -d data=$(base64 -w0 digit.png)` and many a script send them."""
    image = IMAGE + bytes(range(256))
    text = base64.b64encode(image).decode()
    assert text.count("+") > 1
    assert image_bytes({"data": beginning + text.replace("+", " ")}) == image


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({}, "no image"),
        ({"picture": b"x"}, "fields received: picture"),
        ({"body": bytearray()}, "body is empty"),
        ({"body": {}}, "no key 'image' (keys received: none)"),
        ({"data": IMAGE, "file": IMAGE}, "fields data and file: send one"),
        ({"body": {"img": TEXT}}, "keys received: img"),
        ({"body": {"image": 7}}, "'image' is a JSON number"),
        ({"body": {"image": None}}, "'image' is a JSON null"),
        ({"body": {"image": ""}}, "base64 text is empty"),
        ({"body": {"image": "data:image/png;base64,"}}, "base64 text is empty"),
        ({"body": {"image": "data:image/png,raw"}}, "data URL is not base64"),
        ({"body": {"image": "not base64!"}}, "not valid base64"),
        ({"body": {"image": {}}}, "'image' is a JSON object"),
        ({"body": None}, "JSON null"),
        ({"body": [1, 2]}, "JSON array"),
        ({"body": bytearray(b'{"image": ')}, "not valid JSON"),
        ({"body": bytearray(f'"{TEXT}'.encode())}, "not valid JSON"),
        ({"body": bytearray(b'{"image": [' + b"1," * 1000 + b"1]}")}, "has more than 1,000 values"),
    ],
)
def test_a_request_without_an_image_is_told_what_came_and_what_to_send(
    row: dict[str, object], words: str
) -> None:
    with pytest.raises(BadImage) as error:
        image_bytes(row)
    assert words in str(error.value)


@pytest.mark.parametrize("image", [drawing("7"), drawing("7").convert("1")], ids=["RGB", "bilevel"])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "AVIF", "BMP", "TIFF", "PPM"])
def test_base64_of_every_accepted_format_needs_no_json(kind: str, image: Image.Image) -> None:
    file = encoded(image if kind != "AVIF" else image.convert("RGB"), kind)
    for text in (base64.b64encode(file), base64.encodebytes(file), base64.urlsafe_b64encode(file)):
        assert image_bytes({"body": bytearray(text)}) == file


@pytest.mark.parametrize(
    "text", [b"P1\n2 2\n1 0 0 1\n", b"QkFoo bar baz, nothing else", b"data", b"SUk", b'"seven"']
)
def test_other_text_is_left_as_it_is(text: bytes) -> None:
    assert image_bytes({"body": bytearray(text)}) == text
    assert image_bytes({"body": text.decode()}) == text


def test_an_empty_multipart_field_is_not_mistaken_for_an_absent_one() -> None:
    with pytest.raises(BadImage, match="body is empty"):
        image_bytes({"data": bytearray(), "body": bytearray(IMAGE)})


@pytest.mark.alone
@pytest.mark.parametrize(
    "text",
    [
        '{"a":[' + "1," * 4_000_000 + "1]}",
        '{"a":[' + "{}," * 3_000_000 + "1]}",
        "data:;base64," + "A " * 6_000_000,
        "data:" + "; " * 6_000_000 + ",",
        "data:;base64," + "%2b" * 4_000_000,
    ],
    ids=["numbers", "objects", "spaces", "semicolons", "escapes"],
)
def test_a_body_of_many_pieces_is_not_taken_apart(text: str) -> None:
    """Measured: 5 to 30 ms of a core; the first two took 260 to 900 ms when each piece was made an object."""
    body = bytearray(text.encode())

    def taken() -> None:
        with suppress(BadImage):
            image_bytes({"body": body})

    assert costs_less_than(0.15, taken)


def test_torchserves_worker_does_not_take_it_apart_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(otf_message_handler, "json", json)
    worker.parse_little()
    loads = otf_message_handler.json.loads
    assert loads('{"image": "AAAA", "name": [1, 2]}') == {"image": "AAAA", "name": [1, 2]}
    with pytest.raises(ValueError, match="more than 1,000 values"):
        loads("[" + "1," * 1000 + "1]")
    assert otf_message_handler.json.dumps({"a": 1}) == '{"a": 1}'
