"""How a server of this machine, or of the platform's own network, is asked over HTTP."""

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
