"""Where the proxy passes what, under which names, and with which headers."""

# Fixtures are imported by name.
# ruff: noqa: F401, F811

import pytest
import requests

from tests.deploy.proxy import exchange, running_proxy
from tests.deploy.stand import Stand, stand
from tests.deploy.upstream import running_upstream
from ui.security_headers import HEADERS, NOTHING, POLICY

pytestmark = pytest.mark.integration

PNG = b"\x89PNG the proxy does not look inside"
FOR_THOSE_INSIDE = ("/metrics", "/healthz", "/livez", "/readyz", "/gradio_api/upload")


@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize(
    ("route", "path"), [("/predict", "/predictions/digits"), ("/explain", "/explanations/digits")]
)
def test_predictions_reach_torchserve_as_a_post_with_nothing_but_what_it_needs(
    stand: Stand,
    method: str,
    route: str,
    path: str,
) -> None:
    sent = {"Cookie": "a=b", "X-Request-Start": "t=1", "Authorization": "Basic eA=="}
    sent |= {"X-Frame": "1", "X-Top": "3", "X-Request-Id": "of-a-client"}
    # TorchServe's access log has a request's path and none of its headers.
    path += "?request_id=of-a-client"
    answer = requests.request(method, f"{stand.proxy.url}{route}?customized=true", data=PNG, headers=sent)
    assert answer.json() == {"from": "127.0.0.1", "path": path}
    asked = stand.torchserve.asked[-1]
    assert (asked.method, asked.path, asked.body) == ("POST", path, PNG)
    assert {name.lower() for name, _ in asked.headers} == {
        *("host", "content-length"),
        *("x-request-id", "x-request-start", "x-frame", "x-top"),
        *("authorization", "x-forwarded-for"),  # for the guard
    }
    start = asked.header("X-Request-Start") or ""
    assert start.startswith("t=1") and len(start) == len("t=1700000000.000")


def test_the_guard_gets_the_content_type_and_the_body_as_they_came(stand: Stand) -> None:
    for kind in ("application/json", "image/png", "application/x-www-form-urlencoded", "multipart/form-data"):
        requests.post(f"{stand.proxy.url}/predict", PNG, headers={"Content-Type": kind})
        asked = stand.torchserve.asked[-1]
        assert (asked.header("Content-Type"), asked.body) == (kind, PNG)


def test_a_connection_to_torchserve_is_kept_for_the_next_request(stand: Stand) -> None:
    before = len(stand.torchserve.asked)
    for _ in range(20):
        assert requests.post(f"{stand.proxy.url}/predict", PNG).status_code == 200
    # Each of nginx's two processes has its own.
    assert len({asked.peer for asked in stand.torchserve.asked[before:]}) <= 2


def test_health_is_the_page_s_and_the_rest_is_the_page(stand: Stand) -> None:
    assert requests.get(f"{stand.proxy.url}/health?x=1").json()["path"] == "/healthz"
    assert requests.head(f"{stand.proxy.url}/health").status_code == 200
    assert requests.get(f"{stand.proxy.url}/config?x=%20").json()["path"] == "/config?x=%20"
    asked = stand.page.asked[-1]
    host = stand.proxy.url.removeprefix("http://")
    assert asked.header("Host") == asked.header("X-Forwarded-Host") == host
    assert asked.header("X-Forwarded-Proto") == "http"
    assert asked.header("X-Forwarded-Prefix") is None


@pytest.mark.parametrize(
    ("status", "said", "expected"), [(429, "60", "60"), (503, "5", "5"), (503, None, "2")]
)
def test_what_answers_knows_best_when_to_come_back(status: int, said: str | None, expected: str) -> None:
    headers = (("Retry-After", said),) if said else ()
    with (
        running_upstream(status=status, headers=headers) as upstream,
        running_proxy(upstream.target, upstream.target) as proxy,
    ):
        for answer in (requests.get(f"{proxy.url}/"), requests.post(f"{proxy.url}/predict", b"x")):
            assert (answer.status_code, answer.headers["Retry-After"]) == (status, expected)


def test_a_client_cannot_say_where_it_comes_from(stand: Stand) -> None:
    said = {"X-Forwarded-For": "10.0.0.1", "Forwarded": "for=10.0.0.1", "X-Forwarded-Prefix": "/evil"}
    requests.get(f"{stand.proxy.url}/", headers=said)
    asked = stand.page.asked[-1]
    assert asked.header("X-Forwarded-For") == "127.0.0.1"
    assert asked.header("Forwarded") is None
    assert asked.header("X-Forwarded-Prefix") is None


def test_only_grafana_may_change_the_protocol_and_only_to_web_sockets(stand: Stand) -> None:
    change = {"Connection": "Upgrade", "Upgrade": "websocket"}
    requests.get(f"{stand.proxy.url}/ws", headers=change)
    assert stand.page.asked[-1].header("Upgrade") is None
    with (
        running_upstream() as grafana,
        running_proxy(grafana.target, grafana.target, GRAFANA=grafana.target) as proxy,
    ):
        for upgrade, expected in [("websocket", "websocket"), ("h2c", None)]:
            url = f"http://127.0.0.1:{proxy.place.environment['GRAFANA_PORT']}/ws"
            requests.get(url, headers={**change, "Upgrade": upgrade})
            assert grafana.asked[-1].header("Upgrade") == expected


@pytest.mark.parametrize("path", FOR_THOSE_INSIDE)
@pytest.mark.parametrize("disguise", ["{}", "/{}", "/x/..{}", "{}/", "{}?x", "/%2e{}"])
def test_what_is_for_those_inside_is_not_found_from_outside(
    stand: Stand,
    path: str,
    disguise: str,
) -> None:
    before = len(stand.page.asked)
    sent = disguise.format(path)
    answer = exchange(
        stand.proxy.address, f"GET {sent} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
    )
    assert answer.startswith((b"HTTP/1.1 404", b"HTTP/1.1 400")), answer
    assert len(stand.page.asked) == before


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/predict", "POST, PUT"),
        ("DELETE", "/explain", "POST, PUT"),
        ("POST", "/health", "GET, HEAD"),
        ("DELETE", "/", "GET, HEAD, POST"),
        ("OPTIONS", "/config", "GET, HEAD, POST"),
        ("TRACE", "/predict", "POST, PUT"),
    ],
)
def test_other_methods_are_refused_with_those_that_are_accepted(
    stand: Stand,
    method: str,
    path: str,
    allowed: str,
) -> None:
    answer = requests.request(method, stand.proxy.url + path)
    assert answer.status_code == 405
    assert answer.headers["Allow"] == allowed
    assert answer.json() == {
        "code": 405,
        "type": "MethodNotAllowed",
        "message": f"The method {method} is not allowed here: use {allowed}.",
    }


def test_the_internal_listener_passes_predictions_unchanged_and_nothing_else(stand: Stand) -> None:
    internal = stand.proxy.internal_url
    sent = {"Content-Type": "image/png", "X-Frame": "1", "X-Request-Id": "a.b-c_1"}
    path = "/predictions/fashion/1.2.0?x=1"
    answer = requests.post(internal + path, PNG, headers=sent)
    assert answer.json()["path"] == path
    assert answer.headers["X-Request-Id"] == "a.b-c_1"
    asked = stand.torchserve.asked[-1]
    assert asked.body == PNG
    assert {key: asked.header(key) for key in sent} == sent
    for closed in (
        "/",
        "/models",
        "/ping",
        "/predictions",
        "/predict",
        "/x/../models",
        "/predictions/../models",
    ):
        refused = exchange(
            ("127.0.0.1", int(internal.rpartition(":")[2])),
            f"GET {closed} HTTP/1.1\r\nHost: x\r\n\r\n".encode(),
        )
        assert refused.startswith(b"HTTP/1.1 404"), closed


def test_the_status_listener_has_figures_and_nothing_else(stand: Stand) -> None:
    status = stand.proxy.status_url
    assert requests.get(f"{status}/stub_status").text.startswith("Active connections:")
    assert requests.get(f"{status}/").status_code == 404
    assert requests.get(f"{stand.proxy.url}/stub_status").json()["path"] == "/stub_status"


def test_below_a_path_the_page_is_asked_without_it_and_nothing_else_is_there() -> None:
    with (
        running_upstream() as page,
        running_proxy("127.0.0.1:1", page.target, UI_ROOT_PATH="/a/sketch") as proxy,
    ):
        for beginning in ("/", "/a/sketch"):
            answer = requests.get(f"{proxy.url}{beginning}?__theme=dark", allow_redirects=False)
            assert answer.status_code == 302
            assert answer.headers["Location"] == "/a/sketch/?__theme=dark"
        path = "/a/sketch/gradio_api/queue/data?session_hash=x%2Fy"
        assert requests.get(proxy.url + path).json()["path"] == "/gradio_api/queue/data?session_hash=x%2Fy"
        assert page.asked[-1].header("X-Forwarded-Prefix") == "/a/sketch"
        assert requests.get(f"{proxy.url}/health").json()["path"] == "/healthz"
        assert requests.get(f"{proxy.url}/config").status_code == 404
        # FastAPI takes its root path off what it is asked for, once more.
        for closed in FOR_THOSE_INSIDE:
            for prefix in ("", "/a/sketch", "/a/sketch/a/sketch"):
                assert requests.get(proxy.url + prefix + closed).status_code == 404


def test_the_pages_own_policy_is_passed_on_and_nothing_is_said_twice() -> None:
    own = (*HEADERS.items(), (POLICY, "default-src 'self'; frame-ancestors 'none'"))
    with (
        running_upstream(headers=own) as upstream,
        running_proxy(upstream.target, upstream.target) as proxy,
    ):
        for path, policy in [("/", dict(own)[POLICY]), ("/health", NOTHING)]:
            told = requests.get(proxy.url + path).raw.headers
            assert {name: told.getlist(name) for name, _ in own} == {
                name: [policy if name == POLICY else value] for name, value in own
            }


def test_every_answer_carries_the_security_headers(stand: Stand) -> None:
    for method, path, status in [("GET", "/", 200), ("GET", "/predict", 405), ("GET", "/metrics", 404)]:
        answer = requests.request(method, stand.proxy.url + path)
        assert answer.status_code == status
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "same-origin"
        assert "camera=()" in answer.headers["Permissions-Policy"]
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert "http" not in answer.headers["Content-Security-Policy"]
        assert answer.headers["Server"] == "nginx"
        assert "Strict-Transport-Security" not in answer.headers
