"""Requests that no client sends, to the inference API: none may cost more than its own refusal."""

import io
import random
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import psutil
from PIL import Image

from loop.verdict import mutations
from system.files import PROJECT
from tests.chaos.faults import JAVA, WORKER, World
from training.data.drawing import png

THREADS = 16
WARM = 1_000
MOST_GROWN_BYTES = 100 * 1000**2


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
            answers = threads.map(lambda one: mutations.ask("127.0.0.1", port, *one), sent)
            for (request, whole), answer in zip(sent, answers, strict=True):
                status = mutations.status_of(answer)
                counts[f"mutated: {status or 'no answer'}"] += 1
                is_put_off = status == 503 and b"retry-after" in answer.lower()
                if (status >= 500 and not is_put_off) or (whole and not status):
                    problems.append(f"{answer[:300]!r} to {request[:2000]!r}")
            before = before or _memory(world)
    after = _memory(world)
    java, *workers = before
    # A worker that a fault has just replaced may not have read a large picture yet, which takes 100 MB.
    warm_bytes = {java: before[java], **dict.fromkeys(workers, max(before[one] for one in workers))}
    for process, size in warm_bytes.items():
        if process not in after:
            problems.append(f"{process} is gone")
        elif after[process] - size > MOST_GROWN_BYTES:
            problems.append(f"{process} has {after[process] / 1e6:.0f} MB, warm {size / 1e6:.0f} MB")
    return problems


def _memory(world: World) -> dict[psutil.Process, int]:
    """Return what java and its workers hold, in bytes; processes beside workers come and go."""
    (java,) = world.run.members(JAVA)
    workers = [one for one in world.run.members(WORKER) if one.ppid() == java.pid]
    return {process: process.memory_info().rss for process in (java, *workers)}


def _bodies() -> list[mutations.Body]:
    folder = PROJECT / "tests" / "fuzz" / "corpus" / "picture"
    pictures = [path.read_bytes() for path in sorted(folder.iterdir())] if folder.exists() else []
    for kind in ("PNG", "JPEG", "GIF", "TIFF", "BMP", "WEBP"):
        file = io.BytesIO()
        Image.open(io.BytesIO(png("7"))).resize((56, 56)).save(file, kind)
        pictures.append(file.getvalue())
    return mutations.bodies_of(pictures)


def _request(chance: random.Random, bodies: Sequence[mutations.Body]) -> tuple[bytes, bool]:
    """Return a mutated request, and whether its head is whole, so that it has to be answered."""
    body = chance.choice(bodies)
    is_whole = chance.random() < 0.8
    content = mutations.mutated(chance, body[1]) if is_whole else body[1]
    request = mutations.request(b"/predictions/digits", body, content)
    if is_whole:
        return request, is_whole
    head, end, _ = request.partition(b"\r\n\r\n")
    return mutations.mutated(chance, head + end) + content, is_whole
