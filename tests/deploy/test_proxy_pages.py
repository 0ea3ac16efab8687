"""Several pages behind the proxy: a browser stays with one, and goes on with another where that is gone."""

import re
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import requests

from tests.deploy.proxy import Proxy, running_proxy
from tests.deploy.test_proxy_tls import certificate
from tests.deploy.upstream import Upstream, running_upstream

__all__ = ["certificate"]

pytestmark = pytest.mark.integration
BROWSERS, CALLS = 40, 5
COOKIE = r"sketchserve-page=[0-9a-f]{32}; Path=/; HttpOnly; SameSite=Lax"


@pytest.fixture
def pages() -> Iterator[tuple[Proxy, list[Upstream], ExitStack]]:
    """A proxy in front of two pages, of which the second ends with the stack."""
    with ExitStack() as stack:
        first, torchserve = (stack.enter_context(running_upstream()) for _ in range(2))
        doomed = stack.enter_context(ExitStack())
        second = doomed.enter_context(running_upstream())
        proxy = stack.enter_context(running_proxy(torchserve.target, f"{first.target},{second.target}"))
        yield proxy, [first, second], doomed


def browser(proxy: Proxy) -> requests.Session:
    """Return a browser that has opened the page."""
    session = requests.Session()
    assert session.get(f"{proxy.url}/", timeout=30).ok
    return session


def asked(page: Upstream) -> list[str]:
    return [one.path for one in page.asked]


def test_a_browsers_calls_all_come_to_one_page_and_browsers_to_both(
    pages: tuple[Proxy, list[Upstream], ExitStack],
) -> None:
    proxy, upstreams, _ = pages
    for number in range(BROWSERS):
        with browser(proxy) as session:
            for _ in range(CALLS):
                assert session.post(f"{proxy.url}/gradio_api/queue/join?{number}", b"{}", timeout=30).ok
    for number in range(BROWSERS):
        calls = [asked(page).count(f"/gradio_api/queue/join?{number}") for page in upstreams]
        assert sorted(calls) == [0, CALLS]
    shares = [sum("join" in path for path in asked(page)) for page in upstreams]
    assert min(shares) >= CALLS * BROWSERS / 10


def test_who_takes_no_cookie_stays_with_a_page_by_the_address(
    pages: tuple[Proxy, list[Upstream], ExitStack],
) -> None:
    proxy, upstreams, _ = pages
    for _ in range(20):
        assert requests.get(f"{proxy.url}/", timeout=30).ok
    assert sorted(len(page.asked) for page in upstreams) == [0, 20]


def test_where_a_page_is_gone_its_browsers_go_on_with_the_other(
    pages: tuple[Proxy, list[Upstream], ExitStack],
) -> None:
    proxy, (first, second), doomed = pages
    browsers = [browser(proxy) for _ in range(BROWSERS)]
    of_second = [
        session
        for session in browsers
        if session.get(f"{proxy.url}/who", timeout=30).ok
        and asked(second)[-1:] == ["/who"]
        and second.asked.pop()
    ]
    assert of_second
    doomed.close()
    for session in browsers:
        # A call changes something: it is asked anew only where it cannot have begun, as here.
        assert session.post(f"{proxy.url}/gradio_api/run/predict", b"{}", timeout=30).ok
    assert asked(first).count("/gradio_api/run/predict") == BROWSERS


def test_the_cookie_is_given_once_on_the_pages_own_routes_alone(
    pages: tuple[Proxy, list[Upstream], ExitStack],
) -> None:
    proxy, _, _ = pages
    with requests.Session() as session:
        given = session.get(f"{proxy.url}/", timeout=30).headers["Set-Cookie"]
        assert re.fullmatch(COOKIE, given)
        assert "Set-Cookie" not in session.get(f"{proxy.url}/", timeout=30).headers
    for url in (f"{proxy.url}/predict", f"{proxy.internal_url}/predictions/digits"):
        assert "Set-Cookie" not in requests.post(url, b"x", timeout=30).headers
    # What is none is no key: whoever sent it would be with everybody else who does.
    odd = {"Cookie": "sketchserve-page=;DROP"}
    assert re.fullmatch(COOKIE, requests.get(f"{proxy.url}/", headers=odd, timeout=30).headers["Set-Cookie"])


def test_over_tls_and_below_a_path_the_cookie_is_for_these_alone(certificate: tuple[bytes, bytes]) -> None:
    with (
        running_upstream() as page,
        running_proxy(page.target, page.target, certificate, UI_ROOT_PATH="/sketch") as proxy,
    ):
        answer = requests.get(f"{proxy.tls_url}/sketch/", verify=False, timeout=30)
        assert answer.headers["Set-Cookie"].endswith("; Path=/sketch/; HttpOnly; SameSite=Lax; Secure")
        # One that came without encryption would stay: HTTPS gives none to who has one.
        sent_on = requests.get(f"{proxy.url}/sketch/", allow_redirects=False, timeout=30)
        assert (sent_on.status_code, sent_on.headers.get("Set-Cookie")) == (308, None)


def test_the_proxy_is_moved_to_several_pages(pages: tuple[Proxy, list[Upstream], ExitStack]) -> None:
    proxy, (first, second), _ = pages
    with running_upstream() as third:
        before = proxy.workers()
        proxy.move(third.target, f"{second.target},{third.target}")
        proxy.wait_for_the_end_of(before)
        for _ in range(BROWSERS):
            with browser(proxy) as session:
                assert session.get(f"{proxy.url}/", timeout=30).ok
        assert first.asked == []
        assert len(second.asked) + len(third.asked) == 2 * BROWSERS
        assert min(len(second.asked), len(third.asked)) > 0
