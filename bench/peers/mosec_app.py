"""mosec: HTTP and batching in Rust, the handler in Python processes behind it.

A bad picture gets 200 with the handler's message: mosec's errors are for a whole batch.
"""

import os
from pathlib import Path

from mosec import Server, Worker

from bench.served_archive import BATCH, FOLDER_VARIABLE, answers, load_handler

# mypy: disable-error-code="import-not-found"
WORKERS = 2
WAIT_MS = 1  # as TorchServe's


class Digits(Worker):
    """One process with the handler."""

    def __init__(self) -> None:
        super().__init__()
        self.handler = load_handler(Path(os.environ[FOLDER_VARIABLE]))

    def deserialize(self, data: bytes) -> bytes:
        """Return the request's body as it is; mosec would take it for JSON."""
        return data

    def serialize(self, data: bytes) -> bytes:
        """Return the answer as it is: it is JSON already."""
        return data

    def forward(self, data: list[bytes]) -> list[bytes]:
        """Return the answer for each request of a batch."""
        return [body for _, body in answers(self.handler, data)]


def main() -> None:
    """Serve until told to end; mosec reads --port and its other options itself."""
    server = Server()
    server.append_worker(Digits, num=WORKERS, max_batch_size=BATCH, max_wait_time=WAIT_MS)
    server.run()


if __name__ == "__main__":
    main()
