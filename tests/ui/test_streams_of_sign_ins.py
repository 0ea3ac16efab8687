"""An open page hears nothing more once the sign-in that it was opened with has ended."""

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from sqlalchemy import Engine, text

from db import engine as database
from db import passwords
from db.user_rows import Users
from tests.services.postgres import postgres_server, postgres_url
from tests.ui.managing import managing
from tests.ui.several_models import put_archive
from tests.ui.signing_in import PASSWORD
from tests.ui.test_page_as_service import open_stream, page_before, read_until

pytestmark = pytest.mark.integration
__all__ = ["postgres_server", "postgres_url"]

SOON_S = 10.0


@dataclass(frozen=True)
class Page:
    """A running page that people sign in to."""

    url: str
    log: Path
    users: Users

    def signed_in(self, name: str) -> requests.Session:
        """Return the browser of a new user."""
        self.users.put(name, passwords.hashed(PASSWORD), "operator")
        browser = requests.Session()
        browser.post(
            f"{self.url}/sign-in", {"name": name, "password": PASSWORD}, timeout=60
        ).raise_for_status()
        return browser


@pytest.fixture(scope="module")
def page(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A page before a TorchServe that takes a minute to load the model vit."""
    folder = tmp_path_factory.mktemp("page")
    for name in ("digits", "vit"):
        put_archive(folder, f"{name}.mar", name)
    told = {"DATABASE_URL": postgres_url, "SIGN_IN": "on", "MODEL_STORE": str(folder)}
    with database.opened(postgres_url) as engine:
        Users(engine).put("first", passwords.NOBODYS)  # without anybody it would not start
        yield from _page(folder, engine, told)


def _page(folder: Path, engine: Engine, told: dict[str, str]) -> Iterator[Page]:
    with (
        managing(folder, loaded=["digits.mar"]) as torchserve,
        page_before(torchserve.url, folder / "ui.log", **told) as running,
    ):
        torchserve.load_s = 60
        yield Page(running.url, folder / "ui.log", Users(engine))


def wait_for_vit(page: Page, browser: requests.Session, session_hash: str) -> None:
    """Choose the model, whose loading is told by the queue's event stream."""
    config = browser.get(f"{page.url}/config", timeout=60).json()
    (choose,) = [
        one["id"] for one in config["dependencies"] if one["targets"] and one["targets"][0][1] == "choose"
    ]
    wanted = {"wanted": "vit/1.0.0", "active": "digits", "asked": 1}
    event = {"data": [], "fn_index": choose, "session_hash": session_hash, "event_data": wanted}
    browser.post(f"{page.url}/gradio_api/queue/join", json=event, timeout=60).raise_for_status()


def signed_out(page: Page, browser: requests.Session, _name: str) -> None:
    # As a form in another tab, which has the same cookie.
    assert requests.post(f"{page.url}/sign-out", cookies=browser.cookies, timeout=60).ok


def expired(page: Page, _browser: requests.Session, name: str) -> None:
    mine = "user_id = (SELECT id FROM users WHERE name = :name)"
    with page.users._engine.begin() as connection:
        connection.execute(text(f"UPDATE sign_ins SET expires_at = now() WHERE {mine}"), {"name": name})


def removed(page: Page, _browser: requests.Session, name: str) -> None:
    assert page.users.delete(name)


@pytest.mark.parametrize("ended", [signed_out, expired, removed])
def test_the_streams_of_a_sign_in_that_ends_end_soon_and_others_stay(
    page: Page, ended: Callable[[Page, requests.Session, str], None]
) -> None:
    one, other = f"one-{ended.__name__}", f"other-{ended.__name__}"
    browsers = {name: page.signed_in(name) for name in (one, other)}
    with ExitStack() as stack:
        beats, queues = {}, {}
        for name, browser in browsers.items():
            session_hash = uuid.uuid4().hex
            wait_for_vit(page, browser, session_hash)
            beat = f"{page.url}/gradio_api/heartbeat/{session_hash}"
            queue = f"{page.url}/gradio_api/queue/data?session_hash={session_hash}"
            beats[name] = stack.enter_context(open_stream(beat, browser))
            queues[name] = stack.enter_context(open_stream(queue, browser))
            assert b"Loading vit" in read_until(queues[name], b"Loading vit")
        ended(page, browsers[one], one)
        deadline = time.monotonic() + SOON_S
        for stream in (beats[one], queues[one]):
            for _ in stream.iter_content(None):  # to its end, which is in order
                assert time.monotonic() < deadline
        assert time.monotonic() < deadline
        assert browsers[one].get(f"{page.url}/config", timeout=60).status_code == 401
        # Who is still there still hears the beat of the next seconds.
        assert beats[other].raw.read(4)
        assert browsers[other].get(f"{page.url}/config", timeout=60).status_code == 200
    assert "Traceback" not in page.log.read_text()
