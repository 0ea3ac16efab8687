"""What the management API's answers say, or why there is none that says anything."""

from typing import Any

import requests

from client.errors import Denied, NotLoaded, Unreachable


def body(response: requests.Response, path: str) -> Any:
    """Return the JSON that the answer to GET `path` holds; raise what fits where it is none."""
    if response.status_code == requests.codes.not_found:
        raise NotLoaded(f"TorchServe has no model {path.removeprefix('/models/')}.")
    if response.status_code != requests.codes.ok:
        kind = Denied if 400 <= response.status_code < 500 else Unreachable
        raise kind(f"{reason(response)} to GET {path}.")
    try:
        return response.json()
    except requests.JSONDecodeError as error:
        raise unknown_form() from error


def unknown_form() -> Unreachable:
    """Return what is to be raised where an answer is JSON, and none that is known."""
    return Unreachable("TorchServe's management API answers in an unknown form.")


def reason(response: requests.Response) -> str:
    """Return why TorchServe refused, in its own words where they say something."""
    try:
        words = str(response.json()["message"]).rstrip(".")
    except (requests.JSONDecodeError, LookupError, TypeError):
        words = ""
    return f"TorchServe answers {response.status_code}{f' ({words})' if words else ''}"
