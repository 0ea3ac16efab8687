"""Requests that no client sends: those of clients, with bytes changed, put in, left out and doubled."""

import base64
import json
import random
import socket
from collections.abc import Sequence
from contextlib import suppress

ANSWER_S = 40.0
# A request whose end was cut off is waited for by the guard, and not by this.
CUT_S = 0.5
BOUNDARY = b"b0undary"
WORDS = (
    *(b"\r\n", b"\r\n\r\n", b"\0", b"%", b'"', b"[" * 300, b"&" * 300, b"name=", b"image", b"--" + BOUNDARY),
    *(b"-1", b"99999999999", b"\xff\xff\xff\xff", b"Content-Length: ", b"Transfer-Encoding: chunked\r\n"),
)

# A content type, and a body.
Body = tuple[bytes, bytes]


def bodies_of(pictures: Sequence[bytes]) -> list[Body]:
    """Return bodies as clients send image files, each in all ways that there are."""
    bodies = []
    for picture in pictures:
        text = base64.b64encode(picture).decode()
        head = b'--%s\r\nContent-Disposition: form-data; name="data"; filename="a"\r\n\r\n' % BOUNDARY
        bodies += [
            (b"application/octet-stream", picture),
            (b"image/png", picture),
            (b"application/json", json.dumps({"image": text}).encode()),
            (b"multipart/form-data; boundary=" + BOUNDARY, head + picture + b"\r\n--" + BOUNDARY + b"--\r\n"),
            (b"application/x-www-form-urlencoded", b"data=" + text.encode()),
        ]
    return bodies


def request(path: bytes, body: Body, content: bytes) -> bytes:
    """Return a whole request to `path` with the head of a body and other content."""
    head = b"POST %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: %s\r\n" % (
        path,
        body[0],
    )
    return head + b"Content-Length: %d\r\n\r\n" % len(content) + content


def mutated(chance: random.Random, data: bytes) -> bytes:
    """Return bytes with one to eight changes."""
    for _ in range(chance.choice((1, 1, 2, 4, 8))):
        at, until = sorted(chance.randrange(len(data) + 1) for _ in range(2))
        until = min(until, at + 64)
        put = chance.choice((b"", chance.randbytes(1), chance.choice(WORDS), data[at:until] * 2))
        data = data[:at] + put + data[until if chance.random() < 0.5 else min(len(data), at + len(put)) :]
    return data


def ask(host: str, port: int, sent: bytes, is_whole: bool = True) -> bytes:
    """Return the beginning of the answer, b"" where none came."""
    with suppress(OSError), socket.create_connection((host, port), ANSWER_S) as client:
        client.settimeout(ANSWER_S if is_whole else CUT_S)
        with suppress(OSError):  # it may be refused before all of it is sent
            client.sendall(sent)
        return client.recv(4096)
    return b""


def status_of(answer: bytes) -> int:
    """Return an answer's status; 0 where there is none."""
    return int(answer[9:12]) if answer[9:12].isdigit() else 0
