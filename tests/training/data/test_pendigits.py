"""The download of the pen strokes, from a real server on this machine."""

import base64
import gzip
import hashlib
import io
import socket
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.training.data.unipen import UNIPEN
from training.data import pendigits
from training.data.pendigits import MEMBER, UCI, Source, download
from training.data.rendered import writers
from training.data.strokes import FILE

STROKES = UNIPEN.encode()
# What `compress` 4.2.4 made of STROKES.
PACKED = base64.b64decode(
    "H52QLpgUwZJkyBMnIETAEJEwhggFLqYUOdKkiBMqIIgkOZIEIwwQPxLeeOjCYJOKF0HcABFDBggZMmhAhGLxC5EnV5woYPkxB4yd"
    "PkH43DnjY4yfLmg6+VIFCkSJFC1i1MgRY4wWLkOKcAjRJEqrIGaAqDGz5s2cO2v0/DnWKFKlTJ0mNYtTJwgabnfayDt3aVMF"
)


def zipped(packed: bytes, name: str = MEMBER) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "pendigits.names", "1. Title of Database: Pen-Based Recognition of Handwritten Digits"
        )
        archive.writestr(name, packed)
    return buffer.getvalue()


def flipped(content: bytes) -> bytes:
    """Return the content with one bit in its middle turned."""
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


WHOLE = zipped(PACKED)
ANSWERS: dict[str, bytes] = {
    "/whole.zip": WHOLE,
    "/without.zip": zipped(PACKED, "other.tra.Z"),
    "/page.zip": b"<!doctype html><title>Moved</title>",
    "/half.zip": WHOLE[: len(WHOLE) // 2],
    "/damaged.zip": flipped(WHOLE),
    "/half-packed.zip": zipped(PACKED[: len(PACKED) // 2]),
    "/changed.zip": zipped(flipped(PACKED)),
    "/unpacked.zip": zipped(STROKES),
    "/bomb.zip": zipped(gzip.compress(bytes(pendigits.MOST_BYTES + 1))),
    "/endless.zip": bytes(pendigits.MOST_BYTES + 1),
}


class Archive(BaseHTTPRequestHandler):
    """Answers with what ANSWERS has; two more paths break off and fall silent."""

    def do_GET(self) -> None:
        """Answer as the path says."""
        content = ANSWERS.get(self.path)
        if self.path in ("/broken-off.zip", "/silent.zip"):
            self.send_response(200)
            self.send_header("Content-Length", str(len(WHOLE)))
            self.end_headers()
            self.wfile.write(WHOLE[:50])
            if self.path == "/silent.zip":
                time.sleep(2)
        elif content is None:
            self.send_error(404)
        else:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """The address of a server with ANSWERS."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Archive)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def source(site: str) -> Callable[[str], Source]:
    """A source of STROKES, by its path on the server."""
    return lambda path: Source(site + path, hashlib.sha256(STROKES).hexdigest())


def closed_port() -> int:
    """Return a port of 127.0.0.1 where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_missing_strokes_are_downloaded_once(
    tmp_path: Path, source: Callable[[str], Source], capsys: pytest.CaptureFixture[str]
) -> None:
    parts = writers(tmp_path, source("/whole.zip"))
    assert [(drawn.label, drawn.writer) for drawn in parts["train"]] == [(7, 12)]
    assert [(drawn.label, drawn.writer) for drawn in parts["validation"]] == [(1, 3)]
    assert (tmp_path / FILE).read_bytes() == STROKES
    assert capsys.readouterr().err.count("downloading") == 1
    assert len(writers(tmp_path, source("/gone.zip"))["train"]) == 1, "what is there is not fetched again"
    assert capsys.readouterr().err == ""
    assert list((tmp_path / FILE).parent.iterdir()) == [tmp_path / FILE]


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/gone.zip", "404"),
        ("/broken-off.zip", "IncompleteRead"),
        ("/without.zip", f"no {MEMBER}"),
        ("/page.zip", "not a complete zip"),
        ("/half.zip", "not a complete zip"),
        ("/damaged.zip", "not a complete zip"),
        ("/half-packed.zip", "SHA-256"),
        ("/changed.zip", "SHA-256|cannot be unpacked"),
        ("/unpacked.zip", "cannot be unpacked"),
        ("/bomb.zip", "larger than 16 MB"),
        ("/endless.zip", "larger than 16 MB"),
    ],
)
def test_what_is_not_the_strokes_leaves_no_file(
    path: str, why: str, tmp_path: Path, source: Callable[[str], Source]
) -> None:
    with pytest.raises(FileNotFoundError, match=why):
        download(tmp_path / FILE, source(path))
    assert not list(tmp_path.rglob("*"))


def test_strokes_that_are_not_uci_s_are_refused(tmp_path: Path, source: Callable[[str], Source]) -> None:
    with pytest.raises(FileNotFoundError, match=f"expected {UCI.sha256}"):
        download(tmp_path / FILE, Source(source("/whole.zip").url, UCI.sha256))
    assert not list(tmp_path.rglob("*"))


def test_a_failure_says_what_was_tried_why_and_what_to_do(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{closed_port()}/digits.zip"
    with pytest.raises(FileNotFoundError) as caught:
        writers(tmp_path, Source(url, UCI.sha256))
    message = str(caught.value)
    assert "\n" not in message
    for part in (url, "refused", str(tmp_path / FILE), "https://doi.org/10.24432/C5MG6K", "--dataset mnist"):
        assert part in message
    assert not list(tmp_path.rglob("*"))


def test_a_server_that_falls_silent_is_given_up(
    tmp_path: Path, source: Callable[[str], Source], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pendigits, "SILENCE_S", 0.2)
    started = time.perf_counter()
    with pytest.raises(FileNotFoundError, match="timed out"):
        download(tmp_path / FILE, source("/silent.zip"))
    assert time.perf_counter() - started < 1.5


def test_without_gzip_the_failure_names_it(
    tmp_path: Path, source: Callable[[str], Source], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="gzip, which unpacks"):
        download(tmp_path / "data" / FILE, source("/whole.zip"))


def test_a_folder_that_takes_no_file_is_told(tmp_path: Path, source: Callable[[str], Source]) -> None:
    (tmp_path / FILE.parent).write_text("a file where a folder is needed")
    with pytest.raises(FileNotFoundError, match="File exists"):
        download(tmp_path / FILE, source("/whole.zip"))
    assert (tmp_path / FILE.parent).read_text() == "a file where a folder is needed"


def test_the_strokes_that_were_verified_are_those_that_training_used(mnist_dir: Path) -> None:
    path = mnist_dir / FILE
    if not path.exists():
        pytest.skip(f"needs {path}")
    assert hashlib.sha256(path.read_bytes()).hexdigest() == UCI.sha256
