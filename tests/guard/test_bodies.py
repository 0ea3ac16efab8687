"""Forms and JSON are let through while they are cheap to read."""

import pytest

from guard.answers import Refusal
from guard.bodies import MOST_FIELDS, MOST_FORM_BYTES, MOST_JSON_VALUES, bounded

MULTIPART = b"multipart/form-data; boundary=B"


def part(name: str, content: bytes) -> bytes:
    head = (
        f'--B\r\nContent-Disposition: form-data; name="{name}"; filename="a.png"\r\nContent-Type: image/png'
    )
    return head.encode() + b"\r\n\r\n" + content + b"\r\n"


def refused(content_type: bytes, body: bytes) -> str:
    with pytest.raises(Refusal) as raised:
        bounded(content_type, body)
    return raised.value.message


def test_what_is_neither_form_nor_json_passes_as_it_is() -> None:
    picture = b"\x89PNG,[{&" * 10_000
    for content_type in (b"", b"image/png", b"application/octet-stream"):
        assert bounded(content_type, picture) == (content_type, picture)


def test_a_form_of_the_picture_alone_becomes_the_picture() -> None:
    picture = b"\x89PNG\r\n--\r\n" * 300_000
    assert bounded(MULTIPART, part("data", picture) + b"--B--\r\n") == (b"application/octet-stream", picture)


def test_a_file_that_is_called_a_form_is_passed_on_as_the_file() -> None:
    """As `curl --data-binary @digit.png` sends it."""
    picture = b"\x89PNG\r\n" + b"&" * 2_000_000
    urlencoded = b"application/x-www-form-urlencoded"
    assert bounded(urlencoded, picture) == (b"application/octet-stream", picture)


@pytest.mark.parametrize("boundary", [b"B", b'"B"', b"B; charset=utf-8"])
def test_another_form_passes_with_the_one_boundary_that_was_found(boundary: bytes) -> None:
    body = part("data", b"1") + part("name", b"2") + b"--B--\r\n"
    given = b"Multipart/Form-Data; Boundary=" + boundary
    assert bounded(given, body) == (b'multipart/form-data; boundary="B"', body)


def test_forms_of_many_fields_are_refused() -> None:
    few = part("a", b"1") * MOST_FIELDS + b"--B--\r\n"
    assert bounded(MULTIPART, few)[1] == few
    assert "more than 32 fields" in refused(MULTIPART, part("a", b"1") * (MOST_FIELDS + 1) + b"--B--\r\n")
    few = b"&".join([b"a=1"] * MOST_FIELDS)
    urlencoded = b"application/x-www-form-urlencoded; charset=utf-8"
    assert bounded(urlencoded, few) == (urlencoded, few)
    assert bounded(urlencoded, b"data=a&b&c=&") == (urlencoded, b"data=a&b&c=&")
    assert bounded(urlencoded, b"data=%2F%0d%0a\r\n") == (urlencoded, b"data=%2F%0d%0a\r\n")
    assert "more than 32 fields" in refused(urlencoded, few + b"&a=1")


def test_large_forms_of_anything_else_are_refused_with_what_to_do() -> None:
    large = b"a" * (MOST_FORM_BYTES + 1)
    assert "-F data=@digit.png" in refused(b"application/x-www-form-urlencoded", large)
    assert "-F data=@digit.png" in refused(MULTIPART, part("image", large) + b"--B--\r\n")
    assert "-F data=@digit.png" in refused(MULTIPART, 2 * part("data", large) + b"--B--\r\n")


def test_of_a_large_form_the_picture_alone_is_passed_on() -> None:
    picture = b"\x89PNG\r\n--\r\n" * 300_000
    note, end = part("note", b"1"), b"--B--\r\n"
    raw = b"application/octet-stream", picture
    assert bounded(MULTIPART, note + part("data", picture) + end) == raw
    assert bounded(MULTIPART, part("data", picture) + note + end) == raw


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (b"multipart/form-data", b"--B--\r\n"),
        (b"multipart/form-data; boundary=A; boundary=B", b"--B--\r\n"),
        (b'multipart/form-data; boundary="B\r"', b"--B--\r\n"),
        (MULTIPART, b""),
        (MULTIPART, b"preamble\r\n" + part("data", b"1") + b"--B--\r\n"),
        (MULTIPART, part("data", b"1")),
        (MULTIPART, part("data", b"1") + b"--B--\r\nepilogue"),
        (MULTIPART, b"--B\r\n" + b"a: b\r\n" * 1_000_000 + b"\r\n\r\n--B--\r\n"),
        (MULTIPART, b"--B\r\nContent-Type: multipart/mixed; boundary=C\r\n\r\n1\r\n--B--\r\n"),
        # TorchServe answers 500 to what follows.
        (
            MULTIPART,
            part("data", b"1").replace(b"Content-Disposition", b"Content-Dis\xffosition") + b"--B--\r\n",
        ),
        (MULTIPART, part("data", b"1").replace(b"form-data", b"form--1ta") + b"--B--\r\n"),
        (MULTIPART, part("data", b"1").replace(b" name=", b" nContent-Length: name=") + b"--B--\r\n"),
        (MULTIPART, part("data", b"1").replace(b"--B\r\n", b"--B\r\nContent-\r\n\r\n") + b"--B--\r\n"),
        (MULTIPART, part("\r\n", b"1") + b"--B--\r\n"),
        (MULTIPART, part("", b"1") + b"--B--\r\n"),
        (b"application/x-www-form-urlencoded", b"data=iVBO&&b=1"),
        (b"application/x-www-form-urlencoded", b"&data=iVBO"),
        (b"application/x-www-form-urlencoded", b"data=iVBO&=b"),
        (b"application/x-www-form-urlencoded", b"+%20=b"),
        (b"application/x-www-form-urlencoded", b"data=iVBO%"),
        (b"application/x-www-form-urlencoded", b"data=iVBO%g0"),
        (b"application/x-www-form-urlencoded", b"data=iVBO\rRw0"),
    ],
)
def test_irregular_forms_are_refused(content_type: bytes, body: bytes) -> None:
    assert refused(content_type, body)


@pytest.mark.parametrize("content_type", [b"application/json", b"application/json; charset=utf-8", b""])
def test_json_of_many_values_is_refused(content_type: bytes) -> None:
    image = b'{"image": "data:image/png;base64,' + b"iVBO" * 1_000_000 + b'"}'
    assert bounded(content_type, image) == (content_type, image)
    assert "values" in refused(content_type, b'{"image": [' + b"[]," * (MOST_JSON_VALUES // 2 + 1) + b"1]}")
