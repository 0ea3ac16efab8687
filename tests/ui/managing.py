"""A small HTTP server that answers as TorchServe's management API does, for the chooser's tests.

It takes drawings, too, and reads each as a 7: so that a page has no other TorchServe beside it.

What it answers to each call is what TorchServe 0.12 was seen to answer, status and form. The tests in
tests/e2e have the same done by the real one.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.ui.answering import ANSWER
from ui.models.archives import read_archive

# Two, as the archive's model-config.yaml has it, whatever a register call asks for.
WORKERS = 2
# TorchServe's own default is 100; this small, a page is full at once.
PAGE_SIZE = 2


@dataclass
class Managing:
    """A running server.

    Attributes:
        url: Its address.
        store: The model store.
        workers: (name, version) of each registered model -> its workers.
        files: And the file that each was registered from.
        failing: Names of models whose workers do not start.
        load_s: How long workers that are started from now on take until they run, or until a process of one
            that fails is followed by the next.
        crashed: Names of models whose process ended before: it is the one that is named for half of load_s.
        started: When workers were started, by monotonic seconds, and how long they take.
        is_away: Whether it answers nothing.
        lost: How many of the questions after a change get no answer.
        on_registered: What somebody else does as soon as a version is registered.
        waiting: How many requests wait for any version.
        answer_s: How long each answer takes.
        label: What a version, by its name, reads in a drawing's bytes.
        reads: And what a version of any name reads, where it differs: version -> of a drawing's bytes.
        explained: What an answer says beside its label, such as its explanation.
        changes: Every call that was no GET.
    """

    url: str
    store: Path
    workers: dict[tuple[str, str], int] = field(default_factory=dict)
    files: dict[tuple[str, str], str] = field(default_factory=dict)
    failing: set[str] = field(default_factory=set)
    load_s: float = 0.0
    crashed: set[str] = field(default_factory=set)
    started: dict[tuple[str, str], tuple[float, float]] = field(default_factory=dict)
    is_away: bool = False
    lost: int = 0
    on_registered: Callable[[], object] = lambda: None
    waiting: int = 0
    answer_s: float = 0.0
    label: Callable[[str, bytes], str] = lambda _name, _image: "7"
    reads: dict[str, Callable[[bytes], str]] = field(default_factory=dict)
    explained: dict[str, Any] = field(default_factory=dict)
    changes: list[str] = field(default_factory=list)

    def answer(self, method: str, address: str) -> tuple[int, Any]:
        """Return status and body."""
        parts = urlsplit(address)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        # Decoded before it is split: a model with a slash in its name is listed and cannot be asked for.
        path = unquote(parts.path).strip("/").split("/")[1:]
        if method != "GET":
            self.changes.append(f"{method} {address}")
        if method == "POST":
            return self.register(self.store / query["url"])
        if path[2:] == ["set-default"] and (path[0], path[1]) in self.workers:
            self.set_default(path[0], path[1])
            return 200, {
                "status": f'Default version succesfully updated for model "{path[0]}" to "{path[1]}"'
            }
        if not path:
            return self.page(int(query.get("next_page_token", 0)))
        keys = [key for key in self.workers if key[0] == path[0] and (path[1:] in ([], ["all"], [key[1]]))]
        if not keys:
            return 404, {"code": 404, "message": f"Model not found: {path[0]}"}
        if method == "GET":
            return 200, [self.described(*key) for key in (keys if path[1:] == ["all"] else keys[:1])]
        if method == "DELETE":
            return self.unregister(keys[0])
        return self.start(keys[0], int(query["min_worker"]))

    def predict(self, image: bytes, name: str, version: str = "") -> tuple[int, Any]:
        """Read a drawing, with the default version where none is named."""
        key = next((key for key in self.workers if key[0] == name and version in ("", key[1])), None)
        if key is None:
            return 404, {"code": 404, "message": f"Model not found: {name}"}
        if not self.workers[key]:
            return 503, {"code": 503, "message": f'Model "{name}" has no worker to serve inference request.'}
        label = self.reads[key[1]](image) if key[1] in self.reads else self.label(name, image)
        answer = {**ANSWER, **self.explained, "label": label}
        return 200, {**answer, "model": name, "version": key[1]}

    def set_default(self, name: str, version: str) -> None:
        """Have a version answer where none is named: the first one of the name does."""
        self.workers = {(name, version): self.workers[name, version], **self.workers}

    def page(self, first: int) -> tuple[int, Any]:
        """Return one page of the list of names."""
        names = sorted({name for name, _ in self.workers})
        page: dict[str, Any] = {"models": [{"modelName": name} for name in names[first : first + PAGE_SIZE]]}
        return 200, {
            **page,
            **({"nextPageToken": str(first + PAGE_SIZE)} if names[first + PAGE_SIZE :] else {}),
        }

    def register(self, file: Path) -> tuple[int, Any]:
        """Take an archive in."""
        archive = read_archive(file)
        key = (archive.name, archive.version)
        if key in self.workers:
            return 409, {"code": 409, "message": "is already registered"}
        self.files[key] = file.name
        answer = self.start(key, WORKERS)
        self.on_registered()
        return answer

    def unregister(self, key: tuple[str, str]) -> tuple[int, Any]:
        """Forget a version, unless it is the default one of several."""
        versions = [version for name, version in self.workers if name == key[0]]
        if len(versions) > 1 and versions[0] == key[1]:
            message = f"Cannot remove default version for model {key[0]}"
            return 403, {"code": 403, "type": "InvalidModelVersionException", "message": message}
        del self.workers[key]
        return 200, {"status": "unregistered"}

    def start(self, key: tuple[str, str], workers: int) -> tuple[int, Any]:
        """Start or end workers, and answer before they run."""
        self.started[key] = (time.monotonic(), self.load_s)
        self.workers[key] = workers
        return 202, {"status": "Processing worker updates..."}

    def described(self, name: str, version: str) -> dict[str, Any]:
        """Return what TorchServe says of a version."""
        count = self.workers[name, version]
        workers = [
            {
                "id": str(9000 + number),
                "memoryUsage": 250_000_000,
                **self.worker(name, version, number / count),
            }
            for number in range(count)
        ]
        return {
            "modelName": name,
            "modelVersion": version,
            "modelUrl": self.files.get((name, version), f"{name}.mar"),
            "minWorkers": count,
            "maxWorkers": count,
            "batchSize": 16,
            "maxBatchDelay": 1,
            "workers": workers,
            "jobQueueStatus": {"remainingCapacity": 1000 - self.waiting, "pendingRequests": self.waiting},
        }

    def worker(self, name: str, version: str, share: float) -> dict[str, Any]:
        """Return what it says of a worker.

        A process that fails is followed by another one, at the worker's share of the time that a process
        takes: no two workers' fail at once.
        """
        began, load_s = self.started[name, version]
        since_s = time.monotonic() - began
        first = 1000 + int(1000 * share)
        if name in self.failing:
            return {"status": "UNLOADING", "pid": first + int(since_s / max(load_s, 0.1) + share)}
        if since_s >= load_s:
            return {"status": "READY", "pid": first}
        has_crashed = name in self.crashed and since_s < load_s / 2
        return {"status": "UNLOADING", "pid": first + 999 if has_crashed else first}


@contextmanager
def managing(store: Path, loaded: list[str]) -> Iterator[Managing]:
    """Serve the model store's archives, the loaded ones with workers."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Head and body in one packet: in two, the second waits 40 ms for the first one's acknowledgement.
        wbufsize = 2**16

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            is_lost = self.command == "GET" and bool(served.changes) and served.lost > 0
            served.lost -= is_lost
            if served.is_away or is_lost:
                self.close_connection = True
                return
            time.sleep(served.answer_s)
            parts = urlsplit(self.path).path.strip("/").split("/")
            if parts[0] in ("predictions", "explanations"):
                status, answered = served.predict(body, *parts[1:])
            else:
                status, answered = served.answer(self.command, self.path)
            content = json.dumps(answered).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815 - as http.server wants them

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    served = Managing(f"http://127.0.0.1:{server.server_address[1]}", store)
    for file in loaded:
        served.register(store / file)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
