"""How a server of this machine, or of the platform's own network, is asked over HTTP."""

from pathlib import Path
from typing import Any

import requests
from requests.adapters import HTTPAdapter


def local_session(connections: int = 10) -> requests.Session:
    """Return a session that asks no proxy of the environment, which would not find a neighbour.

    Args:
        connections: How many are kept open for the next requests, to each server.
    """
    session = requests.Session()
    session.trust_env = False
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(pool_maxsize=connections))
    return session


def authorization(token_file: Path) -> dict[str, str]:
    """Return the header that a token's file holds, as `curl -H @FILE` sends it; none if it cannot be read."""
    try:
        name, _, value = token_file.read_text(encoding="ascii").partition(":")
    except (OSError, UnicodeDecodeError):
        return {}
    return {name.strip(): value.strip()}


def ask_authorized(
    session: requests.Session, token_file: Path | None, method: str, url: str, **options: Any
) -> requests.Response:
    """Return the answer to a request with the header of a token's file, or without one.

    A server that is starting makes the token, or renews it, between its reading and its use: a request that
    is denied is sent again where the file says something else by then.

    Args:
        session: Sends it.
        token_file: As `authorization` takes it; None for a server without tokens.
        method: Of the request.
        url: Whom it asks.
        options: As `requests.Session.request` takes them.

    Raises:
        requests.RequestException: There was no answer.
    """

    def header() -> dict[str, str]:
        return {} if token_file is None else authorization(token_file)

    sent = header()
    response = session.request(method, url, headers=sent, **options)
    if response.status_code == requests.codes.unauthorized and (known := header()) != sent:
        return session.request(method, url, headers=known, **options)
    return response
