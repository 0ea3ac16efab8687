"""Places for work: so many in all, and so many for one client."""

from contextlib import ExitStack

import pytest
from starlette.requests import Request

from db.user_rows import User
from ui.shares import Shares, TooMany
from ui.sign_in.who import USER


def asking(address: str, user: User | None = None) -> Request:
    return Request({"type": "http", "headers": [], "client": (address, 1), **({USER: user} if user else {})})


def test_one_client_has_its_share_and_leaves_the_rest_to_others() -> None:
    shares = Shares(places=3, each=2)
    with ExitStack() as held:
        for _ in range(2):
            held.enter_context(shares.one(asking("192.0.2.1")))
        with pytest.raises(TooMany):
            held.enter_context(shares.one(asking("192.0.2.1")))
        held.enter_context(shares.one(asking("192.0.2.2")))
        with pytest.raises(TooMany):
            held.enter_context(shares.one(asking("192.0.2.3")))
    with shares.one(asking("192.0.2.1")):
        pass


def test_a_user_is_one_client_wherever_they_are() -> None:
    shares, ada = Shares(places=3, each=1), User(1, "ada", "visitor")
    with shares.one(asking("192.0.2.1", ada)):
        with pytest.raises(TooMany), shares.one(asking("192.0.2.2", ada)):
            pass
        with shares.one(asking("192.0.2.1", User(2, "grace", "visitor"))):
            pass
