"""No model is registered under a name that TorchServe could neither describe nor remove."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from guard.rules import Management
from tests.guard.played import Guarded, guarded


@pytest.fixture(scope="module")
def guard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    token = Path(tmp_path_factory.mktemp("guard"), "token")
    token.write_text("Authorization: Bearer secret\n")
    with guarded(Management(token, frozenset({"localhost"}))) as guard:
        yield guard


def registered(guard: Guarded, query: bytes, body: bytes = b"") -> tuple[int, str]:
    head = [
        b"POST /models?url=digits.mar" + query + b" HTTP/1.1",
        b"Host: localhost",
        b"Authorization: Bearer secret",
        b"Content-Type: application/json; charset=utf-8",
        b"Content-Length: %d" % len(body),
    ]
    answer = guard.ask(b"\r\n".join([*head, b"", body]))
    return int(answer.split(b" ")[1]), answer.partition(b"\r\n\r\n")[2].decode()


@pytest.mark.parametrize(
    "query",
    [
        b"&model_name=a%2Fb",
        b"&model_name=a/b",
        b";model_name=a%2fb;synchronous=false",
        b"&model%5Fname=%2F",
        b"&model_name=fine&model_name=a%2Fb",
        b"&model_name=a%00b",
        b"&model_name=a%0Ab",
        b"&model_name=..",
        b"&model_name=%2E",
    ],
)
def test_a_name_that_could_never_be_removed_is_refused_with_what_to_do(guard: Guarded, query: bytes) -> None:
    before = len(guard.got)
    status, said = registered(guard, query)
    assert status == 400
    assert "choose a model_name without slashes or control characters" in json.loads(said)["message"]
    assert len(guard.got) == before


@pytest.mark.parametrize(
    "body",
    [
        b'{"url": "digits.mar", "model_name": "a/b"}',
        b'{"model_n\\u0061me": "a\\u002fb"}',
        b'{"model_name": "a/b", "model_name": "fine"}',
        b"{'model_name': 'a/b'}",
    ],
)
def test_a_json_body_registers_no_such_name(guard: Guarded, body: bytes) -> None:
    before = len(guard.got)
    assert registered(guard, b"", body)[0] == 400
    assert len(guard.got) == before


@pytest.mark.parametrize(
    ("query", "body"),
    [
        (b"", b""),
        (b"&model_name=", b""),
        (b"&model_name=digits..old", b""),
        (b"&model_name=a%252Fb", b""),
        (b"&model_name=%D1%86%D0%B8%D1%84%D1%80%D1%8B+2", b""),
        (b"", b'{"url": "digits.mar", "model_name": "digits-2"}'),
    ],
)
def test_any_other_name_passes(guard: Guarded, query: bytes, body: bytes) -> None:
    assert registered(guard, query, body)[0] == 200
    head, passed_on = guard.got[-1]
    assert head.startswith(b"POST /models?url=digits.mar" + query + b" ")
    assert passed_on == body
