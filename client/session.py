"""How a server of this machine, or of the platform's own network, is asked over HTTP."""

from pathlib import Path

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
