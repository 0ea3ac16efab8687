"""Requests that no client sends, to the inference API: none may cost more than its own refusal."""

import base64
import io
import json
import random
import socket
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import psutil
from PIL import Image

from launch.bring_up import drawn_seven
from system.files import PROJECT
from tests.chaos.faults import JAVA, WORKER, World

THREADS = 16
ANSWER_S = 40.0
# A request whose end was cut off is waited for by the guard, and not by this.
CUT_S = 0.5
WARM = 1_000
MOST_GROWN_BYTES = 100 * 1000**2
BOUNDARY = b"b0undary"
WORDS = (
    *(b"\r\n", b"\r\n\r\n", b"\0", b"%", b'"', b"[" * 300, b"&" * 300, b"name=", b"image", b"--" + BOUNDARY),
    *(b"-1", b"99999999999", b"\xff\xff\xff\xff", b"Content-Length: ", b"Transfer-Encoding: chunked\r\n"),
)


def send_mutated(world: World, seed: int, number: int, counts: Counter[str]) -> list[str]:
    """Send mutated requests, and count each answer's status; return what must not be."""
    chance = random.Random(seed)
    bodies = _bodies()
    port = world.run.ports["INFERENCE_PORT"]
    warm = min(WARM, number // 2)
    problems: list[str] = []
    before: dict[psutil.Process, int] = {}
    with ThreadPoolExecutor(THREADS) as threads:
        for count in (warm, number - warm):
            sent = [_request(chance, bodies) for _ in range(count)]
            for (request, whole), answer in zip(
                sent, threads.map(lambda one: _ask(port, *one), sent), strict=True
            ):
                status = int(answer[9:12]) if answer[9:12].isdigit() else 0
                counts[f"mutated: {status or 'no answer'}"] += 1
                is_refused_for_now = status == 503 and b"retry-after" in answer.lower()
                if (status >= 500 and not is_refused_for_now) or (whole and not status):
                    problems.append(f"{answer[:300]!r} to {request[:2000]!r}")
            before = before or _memory(world)
    after = _memory(world)
    for process, size in before.items():
        if process not in after:
            problems.append(f"{process} is gone")
        elif after[process] - size > MOST_GROWN_BYTES:
            problems.append(f"{process} has {after[process] / 1e6:.0f} MB, before {size / 1e6:.0f} MB")
    return problems


def _memory(world: World) -> dict[psutil.Process, int]:
    """Return what java and its workers hold, in bytes; processes beside workers come and go."""
    (java,) = world.run.members(JAVA)
    workers = [one for one in world.run.members(WORKER) if one.ppid() == java.pid]
    return {process: process.memory_info().rss for process in (java, *workers)}


def _bodies() -> Sequence[tuple[bytes, bytes]]:
    """Return bodies as clients send them, each with its content type."""
    folder = PROJECT / "tests" / "fuzz" / "corpus" / "picture"
    pictures = [path.read_bytes() for path in sorted(folder.iterdir())] if folder.exists() else []
    for kind in ("PNG", "JPEG", "GIF", "TIFF", "BMP", "WEBP"):
        file = io.BytesIO()
        Image.open(io.BytesIO(drawn_seven())).resize((56, 56)).save(file, kind)
        pictures.append(file.getvalue())
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


def _request(chance: random.Random, bodies: Sequence[tuple[bytes, bytes]]) -> tuple[bytes, bool]:
    """Return a mutated request, and whether its head is whole, so that it has to be answered."""
    kind, body = chance.choice(bodies)
    is_whole = chance.random() < 0.8
    body = _mutated(chance, body) if is_whole else body
    head = (
        b"POST /predictions/digits HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: %s\r\n"
        % kind
    )
    request = head + b"Content-Length: %d\r\n\r\n" % len(body)
    return (request if is_whole else _mutated(chance, request)) + body, is_whole


def _mutated(chance: random.Random, data: bytes) -> bytes:
    for _ in range(chance.choice((1, 1, 2, 4, 8))):
        at, until = sorted(chance.randrange(len(data) + 1) for _ in range(2))
        until = min(until, at + 64)
        put = chance.choice((b"", chance.randbytes(1), chance.choice(WORDS), data[at:until] * 2))
        data = data[:at] + put + data[until if chance.random() < 0.5 else min(len(data), at + len(put)) :]
    return data


def _ask(port: int, request: bytes, is_whole: bool) -> bytes:
    """Return the beginning of the answer, b"" where none came."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), ANSWER_S) as client:
        client.settimeout(ANSWER_S if is_whole else CUT_S)
        with suppress(OSError):  # it may be refused before all of it is sent
            client.sendall(request)
        return client.recv(4096)
    return b""
