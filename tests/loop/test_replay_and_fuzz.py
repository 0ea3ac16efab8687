"""Stored drawings and mutated requests, with servers of which a test says what they answer."""

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from loop.verdict import mutations
from loop.verdict.check import LEFT_OUT, PASSED, REFUSED, Check, verdict_of
from loop.verdict.fuzzed import robust
from loop.verdict.judge import Judged
from loop.verdict.page import page
from loop.verdict.replay import Flip, Stored, replayed
from training.data.drawing import png

PICTURES = [png("7"), png("3")]


class Says:
    """A server that answers drawings as it is told."""

    def __init__(self, labels: dict[bytes, str]) -> None:
        self.labels = labels

    def answer(self, picture: bytes) -> dict[str, object]:
        """Return the label, or a refusal."""
        label = self.labels.get(picture)
        return {"label": label, "confidence": 0.9} if label else {"type": "BadImage"}


def flips_of(before: str, after: str, said: str | None = None) -> tuple[Check, list[Flip]]:
    """Return what replay finds of ten drawings that are read as each letter of the two texts."""
    drawings = [Stored(str(number), b"%d" % number, said) for number in range(len(before))]
    champion, candidate = (
        Says({one.drawing: label for one, label in zip(drawings, labels, strict=True) if label != "-"})
        for labels in (before, after)
    )
    return replayed("replay", champion, candidate, drawings)  # type: ignore[arg-type]


def test_what_is_read_otherwise_is_counted_by_what_people_said() -> None:
    check, flips = flips_of("3333333", "7777333", said="7")
    assert (check.outcome, len(flips)) == (PASSED, 4)
    assert (check.numbers["newly_right"], check.numbers["newly_wrong"]) == (4, 0)
    check, _ = flips_of("3333333", "7777733", said="3")
    assert (check.outcome, check.numbers["newly_wrong"]) == (REFUSED, 5)
    check, _ = flips_of("3333333", "7777733")
    assert (check.outcome, check.numbers["newly_wrong"]) == (PASSED, 0)


def test_a_drawing_that_was_read_is_not_to_be_refused() -> None:
    check, flips = flips_of("333", "3-3")
    assert check.outcome == REFUSED
    assert [(flip.before, flip.after) for flip in flips] == [("3", "refused")]
    assert flips_of("3-3", "333")[0].outcome == PASSED
    assert replayed("replay", Says({}), Says({}), [])[0].outcome == LEFT_OUT  # type: ignore[arg-type]


@contextmanager
def answering(status: Callable[[str, bytes], int]) -> Iterator[str]:
    """Run an HTTP server that answers each path and body with a status."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response_only(status(self.path, body))
            self.end_headers()

        def log_message(self, *_words: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "outcome", "words"),
    [
        (lambda _, body: 200 if body in PICTURES else 400, PASSED, "40 mutated requests got the champion's"),
        (lambda path, _: 500 if path == "/new" else 400, REFUSED, "40 of 40 mutated requests broke it"),
        (lambda path, _: 200 if path == "/new" else 400, REFUSED, "200 instead of 400"),
    ],
)
def test_mutated_requests_are_answered_alike(
    status: Callable[[str, bytes], int], outcome: str, words: str
) -> None:
    with answering(status) as url:
        check = robust("mutated", (f"{url}/old", f"{url}/new"), PICTURES, 40)
    assert check.outcome == outcome
    assert words in check.reason
    assert check.numbers["requests"] == 40


def test_a_request_that_is_put_off_is_sent_again() -> None:
    seen: dict[tuple[str, bytes], int] = {}

    def busy_at_first(path: str, body: bytes) -> int:
        seen[path, body] = seen.get((path, body), 0) + 1
        return 503 if path == "/new" and seen[path, body] == 1 else 400

    with answering(busy_at_first) as url:
        assert robust("mutated", (f"{url}/old", f"{url}/new"), PICTURES, 20).outcome == PASSED


def test_mutations_are_the_same_for_the_same_seed() -> None:
    bodies = mutations.bodies_of(PICTURES)
    one, two = ([mutations.mutated(random.Random(5), body) for _, body in bodies] for _ in range(2))
    assert one == two
    assert any(changed != body for changed, (_, body) in zip(one, bodies, strict=True))


def test_the_page_shows_checks_and_flips_and_escapes_what_people_said() -> None:
    checks = [Check("self-check", PASSED, "fine"), Check("digits", REFUSED, "worse <b>", {"p": 0.001})]
    flip = Flip(Stored("id", b"drawing", "<7>"), "3", "7", 0.61, 0.97)
    html = page(Judged(verdict_of(checks), [flip] * 301, lambda _: b"\x89PNG"), "digits 1.1.0 against 1.0.0")
    assert 'digits 1.1.0 against 1.0.0: <em class="refused">refused</em>' in html
    assert "worse &lt;b&gt;" in html
    assert "people say &lt;7&gt;" in html
    assert html.count("<figure") == 300
    assert "300 of 301" in html
    assert "<script" not in html
