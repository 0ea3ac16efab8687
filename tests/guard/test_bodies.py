"""Forms and JSON are let through while they are cheap to read."""

import pytest

from guard.answers import Refusal
from guard.bodies import MOST_FIELDS, MOST_FORM_BYTES, MOST_JSON_VALUES, bounded

MULTIPART = b"multipart/form-data; boundary=B"


def part(name: str, content: bytes) -> bytes:
    head = f'--B\r\nContent-Disposition: form-data; name="{name}"; filename="file"\r\nContent-Type: image/png'
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


@pytest.mark.parametrize("name", ["data", "image", "file"])
def test_the_pictures_field_may_have_the_names_that_people_give_it(name: str) -> None:
    picture = b"\x89PNG\r\n--\r\n" * 300_000
    raw = (b"application/octet-stream", picture)
    assert bounded(MULTIPART, part(name, picture) + b"--B--\r\n") == raw
    # As browsers send a form where one of two files was not chosen.
    assert bounded(MULTIPART, part("data", b"") + part(name, picture) + b"--B--\r\n") == raw


@pytest.mark.parametrize("names", [("data", "data"), ("data", "image"), ("file", "image"), ("file", "file")])
def test_two_pictures_in_one_form_are_refused(names: tuple[str, str]) -> None:
    words = refused(MULTIPART, part(names[0], b"1") + part("note", b"") + part(names[1], b"2") + b"--B--\r\n")
    assert f"2 pictures, in the fields {names[0]} and {names[1]}: send one" in words
    form = f"{names[0]}=iVBO&note=1&{names[1].replace('a', '%61')}=iVBO".encode()
    assert "2 pictures" in refused(b"application/x-www-form-urlencoded", form)


@pytest.mark.parametrize("form", [b"data+=iVBO&data=iVBO", b"data%20=iVBO&image=iVBO"])
def test_names_are_those_that_torchserve_takes(form: bytes) -> None:
    assert "2 pictures" in refused(b"application/x-www-form-urlencoded", form)
    parts = part("data", b"1") + part("data ", b"2") + b"--B--\r\n"
    assert "2 pictures" in refused(MULTIPART, parts)


def test_a_form_without_its_boundary_is_told_so() -> None:
    words = refused(b"multipart/form-data", part("data", b"1") + b"--B--\r\n")
    assert "multipart/form-data lacks its boundary" in words


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
    assert "-F data=@digit.png" in refused(MULTIPART, part("picture", large) + b"--B--\r\n")
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


PNG = "Content-Type: image/png"
FILENAME = '; filename="file"'


@pytest.mark.parametrize(
    ("replaced", "by"),
    [
        (PNG, f"{PNG}\r\nContent-Transfer-Encoding: base64"),  # curl -F 'data=@a.png;encoder=base64'
        (PNG, f"{PNG}\r\ncontent-transfer-encoding: nonsense"),
        (PNG, f"{PNG}\r\nContent-Length: 0"),
        (PNG, f"{PNG}\r\nContent-Length: 99999999999"),
        (PNG, f"{PNG}\r\nX-Note: a"),
        (PNG, f"{PNG}\r\nContent-Type"),
        (PNG, f"{PNG}\r\nContent-Type:"),
        (PNG, f"{PNG}\n: \n"),
        (PNG, f"{PNG}; charset=nonsense"),
        (PNG, f"{PNG};CHARSET"),
        (PNG, f"{PNG}, charset=nonsense"),
        (PNG, f"{PNG}\r\nContent-Type: charset=nonsense"),
        (FILENAME, f"{FILENAME};"),
        (FILENAME, f"{FILENAME}; nonsense"),
        (FILENAME, f"{FILENAME}; charset=nonsense"),
        (FILENAME, f"{FILENAME}; content-length=0"),
        (FILENAME, f"{FILENAME}; content-transfer-encoding=base64"),
        (FILENAME, "; filename*=nonsense''a"),
        (FILENAME, "; filename*=utf-8"),
        (FILENAME, "; filename*=utf-8''%zz"),
        (FILENAME, '; filename="ä; charset=nonsense"'),
        ('"data"', '" data\t\x0f"'),
    ],
)
def test_of_a_parts_headers_nothing_passes_that_torchserve_may_not_like(replaced: str, by: str) -> None:
    """To the most of these it answered 500, and never freed what it held of the form."""
    form = part("data", b"1") + part("note", b"2") + b"--B--\r\n"
    sent = form.replace(replaced.encode(), by.encode(), 1)
    assert sent != form
    assert bounded(MULTIPART, sent)[1] == form


def test_what_says_what_a_part_is_passes() -> None:
    head = 'Content-Disposition: form-data; name="note"'
    for kind in ("", "\r\nContent-Type: application/json"):
        form = f"--B\r\n{head}{kind}\r\n\r\n1\r\n".encode() + part("data", b"2") + b"--B--\r\n"
        assert bounded(MULTIPART, form)[1] == form


@pytest.mark.parametrize("content_type", [b"application/json", b"application/json; charset=utf-8", b""])
def test_json_of_many_values_is_refused(content_type: bytes) -> None:
    image = b'{"image": "data:image/png;base64,' + b"iVBO" * 1_000_000 + b'"}'
    assert bounded(content_type, image) == (content_type, image)
    assert "values" in refused(content_type, b'{"image": [' + b"[]," * (MOST_JSON_VALUES // 2 + 1) + b"1]}")


@pytest.mark.parametrize("before", [b"\xef\xbb\xbf", b" \r\n", b"\xef\xbb\xbf\n", b"\xff\xfe", b"\xfe\xff"])
@pytest.mark.parametrize("way", ["raw", "urlencoded", "multipart"])
def test_nothing_before_json_hides_how_many_values_it_has(before: bytes, way: str) -> None:
    many = '{"image": [' + "[]," * (MOST_JSON_VALUES // 2 + 1) + '1], "é": 1}'
    encoding = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}.get(before, "utf-8")
    body = before + many.encode(encoding)
    content_type = {"urlencoded": b"application/x-www-form-urlencoded", "multipart": MULTIPART}.get(way, b"")
    sent = part("data", body) + b"--B--\r\n" if way == "multipart" else body
    assert "values" in refused(content_type, sent)


def test_a_picture_is_no_json_whatever_its_forms_boundary_is_called() -> None:
    picture = b"\x89PNG" + b",[{" * 1000
    form = part("data", picture).replace(b"--B", b"--json") + b"--json--\r\n"
    assert bounded(b"multipart/form-data; boundary=json", form) == (b"application/octet-stream", picture)
