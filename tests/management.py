"""TorchServe's management API, asked by tests."""

import requests

from client.session import authorization
from launch.temporary import TorchServe


def manage(server: TorchServe, method: str, path: str = "", **query: object) -> requests.Response:
    """Return the answer to a request for `/models` and the path below it, sent with the server's token."""
    return requests.request(
        method,
        f"{server.management_url}/models{path}",
        params=query,  # type: ignore[arg-type]
        headers=authorization(server.token_file),
        timeout=120,
    )
