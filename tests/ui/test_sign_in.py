"""Who is let in: every route, cookies, sign-out, the database's outages, and whose history is whose."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text
from starlette.routing import Mount
from starlette.testclient import TestClient, WebSocketDenialResponse

from db import engine as database
from db.errors import DatabaseUnavailable
from db.sign_ins import SignIns
from db.user_rows import Users
from tests.services.postgres import postgres_server, postgres_url
from tests.ui.answering import SESSION
from tests.ui.asking import stroke
from tests.ui.signing_in import ELSEWHERE, Guarded, built, guarded, page, sign_in
from ui.server import before
from ui.settings import from_environment
from ui.sign_in import form as form_module
from ui.sign_in import sessions as sessions_module
from ui.sign_in.admission import FORM, OPEN

pytestmark = pytest.mark.integration
__all__ = ["page", "postgres_server", "postgres_url"]

RUN = "/gradio_api/run/predict"


def every_route(routes: list, above: str = "") -> Iterator[tuple[str, str]]:
    """Yield method and path of each route, Gradio's own included, with x for what varies."""
    for route in routes:
        if included := getattr(route, "original_router", None):  # how FastAPI keeps a router of Gradio's
            yield from every_route(included.routes, above + route.include_context.prefix)
            continue
        path = above + re.sub(r"{\w+(:\w+)?}", "x", route.path)
        if isinstance(route, Mount):
            yield "GET", f"{path}/x"
            yield from every_route(getattr(route, "routes", []), path)
        else:
            for method in sorted(getattr(route, "methods", None) or {"GET"}):
                yield method, path or "/"


@pytest.mark.parametrize("cookie", ["", "sketchserve=", f"sketchserve={'A' * 43}", "sketchserve=\u00e9\x01"])
def test_an_anonymous_request_to_every_route_is_refused(page: Guarded, cookie: str) -> None:
    found = set(every_route(page.routes))
    assert {("GET", "/"), ("POST", RUN.replace("predict", "x")), ("GET", "/metrics")} < found
    assert len(found) > 80
    client = page.client()
    for method, path in found:
        answer = client.request(method, path, headers={"Cookie": cookie.encode()} if cookie else {})
        if path in OPEN:
            assert (answer.status_code == 401) == (method == "POST")  # without name and password
        elif path in ("/", "/sign-out"):
            assert (answer.status_code, answer.headers["Location"]) == (303, FORM)
        else:
            assert answer.status_code == 401, (method, path)
            assert answer.headers.get("Set-Cookie") is None


def test_what_is_not_there_and_web_sockets_are_refused_too(page: Guarded) -> None:
    client = page.client()
    for path in (
        "/nothing",
        "/config/",
        "/CONFIG",
        "/sign-in/../config",
        "/sign-in/x",
        "/livez/x",
    ):
        assert client.get(path).status_code == 401, path
    with pytest.raises(WebSocketDenialResponse) as denied, client.websocket_connect("/gradio_api/queue/join"):
        pass
    assert denied.value.status_code == 401


def test_who_signs_in_is_let_in_until_they_sign_out(page: Guarded) -> None:
    client = page.client()
    answer = sign_in(client, "Ada ")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert client.get("/config").status_code == 200
    assert client.get("/").headers["Cache-Control"] == "no-store"
    token = client.cookies["sketchserve"]
    out = client.post("/sign-out")
    assert "You are signed out." in out.text
    assert list(client.cookies) == ["sketchserve-known"]
    # Who kept the cookie is out, too.
    assert page.client().get("/config", headers={"Cookie": f"sketchserve={token}"}).status_code == 401


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_cookies_are_for_this_host_alone_and_the_token_for_no_script(page: Guarded, scheme: str) -> None:
    client = page.client(url=f"{scheme}://sketch.example")
    said = sign_in(client, "ada").headers.get_list("Set-Cookie")
    assert len(said) == 3
    for one in said:
        name, *flags = one.split("; ")
        assert {"Path=/", "SameSite=lax"} < set(flags)
        assert ("HttpOnly" in flags) == ("-user=" not in name)
        assert "Domain" not in one
        assert ("Secure" in flags) == name.startswith("__Host-") == (scheme == "https")
    assert client.get("/config").status_code == 200
    # Nobody can pass a cookie that came without encryption off as the other.
    value = said[0].split("; ")[0].partition("=")[2]
    other = page.client(url=f"{scheme}://sketch.example")
    wrong = "sketchserve" if scheme == "https" else "__Host-sketchserve"
    assert other.get("/config", headers={"Cookie": f"{wrong}={value}"}).status_code == 401


@pytest.mark.parametrize("origin", ["https://evil.example", "http://sketch.example:8000", "null", ""])
def test_what_another_site_sends_is_refused(page: Guarded, origin: str) -> None:
    client = page.signed_in("grace")
    for path in (FORM, "/sign-out", RUN, "/gradio_api/queue/join"):
        answer = client.post(path, headers={"Origin": origin}, content=b"{}")
        assert answer.status_code == 403, path
    assert client.get("/config").status_code == 200


@pytest.mark.parametrize(
    "headers", [{"Origin": "http://sketch.example"}, {"Origin": "https://a.b", "X-Forwarded-Host": "a.b"}]
)
def test_what_the_page_itself_sends_is_taken(page: Guarded, headers: dict[str, str]) -> None:
    assert sign_in(page.client(), "grace", **headers).status_code == 303


def test_a_deleted_user_is_out_soon_and_a_new_role_counts_soon(
    page: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    page.user("brief")
    client = page.signed_in("brief")
    Users(page.engine).delete("brief")
    assert client.get("/config").status_code == 200
    monkeypatch.setattr(sessions_module, "FRESH_S", 0.0)
    assert client.get("/config").status_code == 401


def away(*_: object) -> None:
    raise DatabaseUnavailable("PostgreSQL is away: test")


def test_an_outage_of_the_database_throws_nobody_out_who_is_in(
    page: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = page.signed_in("grace")
    monkeypatch.setattr(sessions_module, "FRESH_S", 0.0)
    for method in ("find", "begin", "end"):
        monkeypatch.setattr(SignIns, method, away)
    monkeypatch.setattr(Users, "find", away)
    assert client.get("/config").status_code == 200
    unknown = page.client().get("/config", headers={"Cookie": f"sketchserve={'B' * 43}"})
    assert (unknown.status_code, unknown.headers["Retry-After"]) == (503, "5")
    refused = sign_in(page.client("192.0.2.70"), "grace")
    assert (refused.status_code, form_module.AWAY in refused.text) == (503, True)
    token = client.cookies["sketchserve"]
    assert form_module.ENDED_HERE in client.post("/sign-out").text
    # Here it ends at once, whatever the database knows.
    monkeypatch.undo()
    assert page.client().get("/config", headers={"Cookie": f"sketchserve={token}"}).status_code == 401


def test_nobody_who_is_in_waits_long_for_a_database_that_hangs(
    page: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = page.signed_in("grace")
    monkeypatch.setattr(sessions_module, "FRESH_S", 0.0)
    monkeypatch.setattr(sessions_module, "PATIENCE_S", 0.1)
    with ThreadPoolExecutor(1) as pool:
        release = pool.submit(page.engine.connect).result()
        with release.begin():
            release.execute(text("LOCK TABLE sign_ins IN ACCESS EXCLUSIVE MODE"))
            assert client.get("/config").elapsed.total_seconds() < 3
            assert client.get("/config").status_code == 200
        release.close()


def test_figures_and_faults_are_for_those_inside(page: Guarded, postgres_url: str) -> None:
    here, stranger = page.client("127.0.0.1"), page.client()
    assert here.get("/metrics").status_code == 200
    assert "torchserve" in here.get("/healthz").json()
    assert stranger.get("/metrics").status_code == stranger.get("/healthz").status_code == 401
    assert "torchserve" in page.signed_in("ada").get("/healthz").json()
    with guarded(postgres_url, PUBLISHED_AT="0.0.0.0") as behind_proxy:
        assert behind_proxy.client("172.18.0.9").get("/metrics").status_code == 200
        # The proxy asks this for anybody, as /health.
        assert list(behind_proxy.client("172.18.0.9").get("/healthz").json()) == ["status"]


def drawn(client: TestClient, drawing: bytes, visitor_id: str = SESSION) -> str:
    """Draw, and return the id of the prediction."""
    answer = client.post(RUN, json=stroke(drawing, visitor_id))
    assert answer.status_code == 200, answer.text
    return re.search(r'data-prediction=\\"([0-9a-f-]{36})\\"', answer.text)[1]


def judged(page: Guarded, client: TestClient, prediction: str, visitor_id: str = SESSION) -> str:
    """Say that the drawing was a 1, and return what the page answers."""
    config = client.get("/config").json()
    (judge,) = [
        one["id"] for one in config["dependencies"] if one["targets"] and one["targets"][0][1] == "judge"
    ]
    event = {"prediction": prediction, "label": "1"}
    body = {"data": [visitor_id], "fn_index": judge, "session_hash": "x", "event_data": event}
    return client.post(RUN, json=body).json()["data"][0]["complaint"]


def test_a_history_is_its_users_whatever_the_browser_says(page: Guarded, drawing: bytes) -> None:
    ada, grace = page.signed_in("ada"), page.signed_in("grace")
    prediction = drawn(ada, drawing)
    # In another browser of hers, with another id.
    again = page.signed_in("ada")
    assert judged(page, again, prediction, "f" * 32) == ""
    for claimed in (SESSION, "user:1", f"user:{Users(page.engine).find('ada')[0].id}"):
        assert "not in your history" in judged(page, grace, prediction, claimed)


def test_without_sign_in_the_page_is_open_and_the_form_is_not_there(
    postgres_url: str, tmp_path: Path
) -> None:
    settings = from_environment({"DATABASE_URL": postgres_url, "VAR_DIR": str(tmp_path)})
    web = before(built(settings, database.create(postgres_url), None), settings, None)
    client = TestClient(web, "http://localhost", client=(ELSEWHERE, 1))
    assert client.get("/config").status_code == 200
    assert client.get(FORM).status_code == 404
    assert "torchserve" in client.get("/healthz").json()
