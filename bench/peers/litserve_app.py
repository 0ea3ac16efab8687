"""LitServe: FastAPI processes that pass requests through queues to batching worker processes."""

import os
import sys
from pathlib import Path
from typing import Annotated, Any

from fastapi import Body, Response
from litserve import LitAPI, LitServer

from bench.served_archive import BATCH, FOLDER_VARIABLE, answers, load_handler

# mypy: disable-error-code="import-not-found"
WORKERS = 2
WAIT_S = 0.001  # as TorchServe's


class Digits(LitAPI):
    """The handler behind LitServe's queue."""

    def setup(self, device: str) -> None:
        """Load the archive, once in each worker."""
        self.handler = load_handler(Path(os.environ[FOLDER_VARIABLE]))

    def decode_request(self, request: Annotated[bytes, Body()]) -> bytes:
        """Return the request's body as it is; LitServe would take it for JSON."""
        return request

    def batch(self, inputs: list[bytes]) -> list[bytes]:
        """Return the batch as it is; LitServe would make an array of it."""
        return inputs

    def predict(self, x: list[bytes], **kwargs: Any) -> list[tuple[int, bytes]]:
        """Return status and body for each request of a batch."""
        return answers(self.handler, x)

    def unbatch(self, output: list[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
        """Return the answers one by one."""
        return output

    def encode_response(self, output: tuple[int, bytes], **kwargs: Any) -> Response:
        """Return the HTTP answer."""
        status, body = output
        return Response(body, status, media_type="application/json")


def main() -> None:
    """Serve on the port that is the only argument, until told to end."""
    api = Digits(max_batch_size=BATCH, batch_timeout=WAIT_S)
    server = LitServer(api, accelerator="cpu", workers_per_device=WORKERS)
    server.run(
        host="127.0.0.1",
        port=int(sys.argv[1]),
        num_api_servers=WORKERS,
        log_level="warning",
        access_log=False,
        generate_client_file=False,
    )


if __name__ == "__main__":
    main()
