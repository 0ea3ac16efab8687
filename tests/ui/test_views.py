"""The frame of the views beside the pad: their files, who asks, and what is said if they cannot be shown."""

import re

import pytest
from fastapi import FastAPI
from starlette.responses import JSONResponse
from starlette.testclient import TestClient

from db.errors import DatabaseUnavailable
from db.user_rows import User
from tests.ui.answering import SESSION
from ui.shell import views as views_module
from ui.shell.views import Views
from ui.shell.visit import VISITOR, Visit
from ui.sign_in.who import USER


def visiting(
    user: User | str | None = "nobody has to",
    client: str = "127.0.0.1",
    root: str = "",
    is_for_this_machine: bool = False,
) -> TestClient:
    """Return a client of an application with one view; `user` is who the sign-in says is there."""
    web = FastAPI(root_path=root)
    views = Views(web, root, has_sign_in=False, is_for_this_machine=is_for_this_machine)
    views.link("/analytics", "Analytics")

    def seen(visit: Visit) -> JSONResponse:
        return JSONResponse([visit.session_id, visit.is_operator, visit.user_name, visit.form])

    def away(_visit: Visit) -> JSONResponse:
        raise DatabaseUnavailable("away")

    def for_operators(visit: Visit) -> JSONResponse:
        visit.require_operator()
        return JSONResponse("welcome")

    views.get("/analytics", seen)
    views.post("/analytics/do", seen)
    views.get("/analytics/away", away)
    views.get("/analytics/operators", for_operators)

    async def app(scope, receive, send):
        if scope["type"] == "http" and user != "nobody has to":
            scope[USER] = user
        await web(scope, receive, send)

    return TestClient(app, "http://127.0.0.1", client=(client, 1))


def test_a_browser_is_known_by_its_cookie() -> None:
    client = visiting()
    assert client.get("/analytics").json() == [None, True, "", {}]
    client.cookies.set(VISITOR, SESSION)
    assert client.get("/analytics").json()[0] == SESSION
    client.cookies.set(VISITOR, "user:1")
    assert client.get("/analytics").json()[0] is None


def test_a_user_is_known_by_the_sign_in_and_not_by_the_cookie() -> None:
    client = visiting(User(7, "ada", "visitor"), client="203.0.113.1")
    client.cookies.set(VISITOR, SESSION)
    assert client.get("/analytics").json() == ["user:7", False, "ada", {}]
    assert visiting(User(8, "grace", "operator"), client="203.0.113.1").get("/analytics").json()[1] is True
    assert visiting(None).get("/analytics").json() == [None, False, "", {}]


@pytest.mark.parametrize(
    ("client", "is_operator"), [("127.0.0.1", True), ("::1", True), ("203.0.113.1", False)]
)
def test_without_sign_in_operators_are_on_this_machine(client: str, is_operator: bool) -> None:
    asking = visiting(client=client)
    assert asking.get("/analytics").json()[1] is is_operator
    answer = asking.get("/analytics/operators")
    assert answer.status_code == (200 if is_operator else 403)
    assert is_operator or "This page is for operators" in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "rebound.example"},
        {"X-Forwarded-For": "127.0.0.1"},
        {"Forwarded": "for=127.0.0.1"},
        {"Via": "x"},
    ],
)
def test_what_a_strangers_name_or_a_proxy_brings_here_is_no_operator(headers: dict[str, str]) -> None:
    assert visiting().get("/analytics", headers=headers).json()[1] is False
    assert visiting(is_for_this_machine=True).get("/analytics", headers=headers).json()[1] is True


def test_where_a_hundred_wait_the_next_is_told_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views_module, "MOST_WAITING", 0)
    answer = visiting().get("/analytics")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")


def test_a_form_is_read_with_its_empty_fields() -> None:
    answer = visiting().post("/analytics/do", content=b"label=7&label=8&empty=&name=%C3%A9")
    assert answer.json()[3] == {"label": "8", "empty": "", "name": "é"}


def test_without_the_database_a_view_says_so_within_its_frame() -> None:
    answer = visiting().get("/analytics/away")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "The database is unavailable" in answer.text
    assert 'href="/analytics" aria-current="page"' in answer.text


def test_files_are_kept_for_good_until_one_changes() -> None:
    client = visiting(root="/sketch")
    page = client.get("/sketch/analytics/away")
    (address,) = re.findall(r'href="([^"]+shell\.css)"', page.text)
    assert re.fullmatch(r"/sketch/files/[0-9a-f]{16}/shell/shell\.css", address)
    file = client.get(address)
    assert file.headers["Content-Type"].startswith("text/css")
    assert "immutable" in file.headers["Cache-Control"]
    assert client.get("/sketch/files/0123456789abcdef/shell/shell.css").headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "name", ["../pyproject.toml", "app.py", "shell/base.html", "%2e%2e/%2e%2e/etc/passwd", ""]
)
def test_nothing_but_scripts_style_sheets_and_icons_is_served(name: str) -> None:
    assert visiting().get(f"/files/x/{name}").status_code == 404
