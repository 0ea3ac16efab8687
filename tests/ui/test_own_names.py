"""By which names the page answers while nobody signs in: a stranger's name may lead here, too."""

import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient, WebSocketDenialResponse

from ui.server import before
from ui.settings import from_environment

ALONE = {"UI_HOST": "127.0.0.1"}
IN_A_CONTAINER = {"UI_HOST": "0.0.0.0", "PUBLISHED_AT": "127.0.0.1"}
BY_NAME = {"UI_HOST": "127.0.0.1", "PUBLISHED_AT": "Sketch.example", "SIGN_IN": "off"}
TO_ALL = {"UI_HOST": "0.0.0.0", "SIGN_IN": "off"}
AT_AN_ADDRESS = {"UI_HOST": "127.0.0.1", "PUBLISHED_AT": "192.168.1.7", "SIGN_IN": "off"}


def browser(env: dict[str, str]) -> TestClient:
    settings = from_environment({"DATABASE_URL": "postgresql://u@h/d", **env})
    return TestClient(before(PlainTextResponse("the page"), settings, None))


@pytest.mark.parametrize("env", [ALONE, IN_A_CONTAINER, {"UI_HOST": "::1", "SIGN_IN": "off"}, BY_NAME])
@pytest.mark.parametrize(
    "host", ["evil.example:7860", "localhost.evil.example", "127.0.0.1.evil.example", ""]
)
def test_a_strangers_name_that_leads_to_the_page_is_refused(env: dict[str, str], host: str) -> None:
    client = browser(env)
    # Of its own origin, as the browser sees it, and so with whatever headers it likes.
    says = {"Host": host, "Origin": f"http://{host}", "X-Forwarded-Host": host, "X-Forwarded-For": "1.2.3.4"}
    for method, path in (("GET", "/"), ("GET", "/config"), ("POST", "/gradio_api/run/predict")):
        answer = client.request(method, path, headers=says)
        assert answer.status_code == 421
        (line,) = answer.text.splitlines()
        name = host.removesuffix(":7860")
        assert line.startswith(
            f"The page was opened as {name!r}, expected an address, localhost or PUBLISHED_AT"
        )
    with (
        pytest.raises(WebSocketDenialResponse),
        client.websocket_connect("/gradio_api/queue/join", headers=says),
    ):
        pass


@pytest.mark.parametrize(
    ("env", "hosts"),
    [
        (ALONE, ["127.0.0.1:7860", "LOCALHOST:7860", "localhost", "[::1]:7860", "10.0.0.1"]),
        (IN_A_CONTAINER, ["127.0.0.1:7860", "localhost"]),
        (BY_NAME, ["sketch.example", "SKETCH.EXAMPLE:7443", "127.0.0.1:7860"]),
        # Other machines know it by names that are not known here.
        (TO_ALL, ["sketch.example", "192.168.1.7:7860", "sketch"]),
        (AT_AN_ADDRESS, ["sketch.example", "192.168.1.7"]),
    ],
)
def test_the_pages_own_names_are_answered(env: dict[str, str], hosts: list[str]) -> None:
    for host in hosts:
        assert browser(env).get("/", headers={"Host": host}).text == "the page", host


def test_programs_ask_how_a_page_behind_a_proxy_is_by_any_name_and_no_browser_does() -> None:
    for path in ("/metrics", "/healthz", "/livez", "/readyz"):
        assert browser(IN_A_CONTAINER).get(path, headers={"Host": "page-metrics:7860"}).status_code == 200
        assert browser(ALONE).get(path, headers={"Host": "evil.example:7860"}).status_code == 421
