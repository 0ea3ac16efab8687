"""What happens to requests when one of several containers is killed, busy or replaced."""

import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack

import pytest
import requests

from system.ports import free_ports
from tests.deploy.names import Names, running_names
from tests.deploy.proxy import PATH, Proxy, running_proxy
from tests.deploy.upstream import Asked, Upstream, running_upstream

pytestmark = pytest.mark.integration

ADDRESSES = ["127.0.0.2", "127.0.0.3", "127.0.0.4"]
ASKED = 300


@pytest.fixture
def names() -> Iterator[Names]:
    """A name server that knows three containers of TorchServe and one page."""
    with running_names({"torchserve": list(ADDRESSES), "ui": ["127.0.0.1"]}) as running:
        yield running


def keeps_idle_connections() -> bool:
    """Say whether this nginx leaves a client's idle connection open for a while after a reload."""
    nginx = shutil.which("nginx", path=PATH)
    said = subprocess.run([nginx, "-v"], capture_output=True, text=True).stderr if nginx else ""
    version = re.search(r"nginx/(\d+)\.(\d+)\.(\d+)", said)
    return version is not None and tuple(map(int, version.groups())) >= (1, 27, 4)


def proxy_by_name(names: Names, port: int, **more: str) -> AbstractContextManager[Proxy]:
    return running_proxy(f"torchserve:{port}", f"ui:{port}", RESOLVER=f"127.0.0.1:{names.port}", **more)


def asked_by(upstreams: list[Upstream]) -> list[int]:
    return [len(upstream.asked) for upstream in upstreams]


def ask(proxy: Proxy, count: int, clients: int = 8) -> list[int]:
    """Return the statuses of so many predictions, half of them by the internal listener."""
    urls = [f"{proxy.url}/predict", f"{proxy.internal_url}/predictions/digits"]

    def one(number: int) -> int:
        return requests.post(urls[number % 2], b"x", timeout=60).status_code

    with ThreadPoolExecutor(clients) as pool:
        return list(pool.map(one, range(count)))


def test_every_container_of_a_name_gets_its_share(names: Names) -> None:
    (port,) = free_ports(1)
    with ExitStack() as stack:
        upstreams = [stack.enter_context(running_upstream(ip, port)) for ip in ADDRESSES]
        proxy = stack.enter_context(proxy_by_name(names, port))
        assert ask(proxy, ASKED) == [200] * ASKED
        assert min(asked_by(upstreams)) > ASKED / 6


def test_a_killed_container_of_three_loses_no_request(names: Names) -> None:
    (port,) = free_ports(1)
    killed = threading.Event()
    with ExitStack() as stack:
        # One breaks every connection, as a killed process does, and is then gone while its name still has it.
        doomed = stack.enter_context(ExitStack())
        doomed.enter_context(
            running_upstream(ADDRESSES[0], port, delay_s=0.01, breaks=lambda _: killed.is_set())
        )
        others = [stack.enter_context(running_upstream(ip, port, delay_s=0.01)) for ip in ADDRESSES[1:]]
        proxy = stack.enter_context(proxy_by_name(names, port))

        def kill() -> None:
            time.sleep(0.3)
            killed.set()
            time.sleep(0.3)
            doomed.close()

        killer = threading.Thread(target=kill)
        killer.start()
        statuses = ask(proxy, 3 * ASKED)
        killer.join()
        assert statuses + ask(proxy, ASKED) == [200] * 4 * ASKED
        assert sum(asked_by(others)) > 2 * ASKED


def test_an_address_that_does_not_answer_costs_one_second_and_no_request(names: Names) -> None:
    (port,) = free_ports(1)
    names.addresses["torchserve"] = [ADDRESSES[0], "192.0.2.1"]  # RFC 5737: nobody is there
    with running_upstream(ADDRESSES[0], port), proxy_by_name(names, port) as proxy:
        started = time.monotonic()
        assert ask(proxy, 16) == [200] * 16
        assert time.monotonic() - started < 20


def test_containers_come_and_go_without_a_reload(names: Names) -> None:
    (port,) = free_ports(1)
    names.addresses["torchserve"] = [ADDRESSES[0]]
    with (
        running_upstream(ADDRESSES[0], port) as first,
        running_upstream(ADDRESSES[1], port) as second,
        proxy_by_name(names, port) as proxy,
    ):
        assert ask(proxy, 20) == [200] * 20
        assert asked_by([first, second]) == [20, 0]
        names.addresses["torchserve"] = [ADDRESSES[1]]
        time.sleep(4)
        ask(proxy, 20)
        before = len(first.asked)
        assert ask(proxy, 20) == [200] * 20
        assert len(first.asked) == before


def test_a_full_queue_is_not_tried_against_a_second_one(names: Names) -> None:
    (port,) = free_ports(1)
    names.addresses["torchserve"] = ADDRESSES[:2]
    with (
        running_upstream(ADDRESSES[0], port, status=503) as first,
        running_upstream(ADDRESSES[1], port, status=503) as second,
        proxy_by_name(names, port) as proxy,
    ):
        answer = requests.post(f"{proxy.url}/predict", b"x")
        assert answer.status_code == 503
        assert answer.headers["Retry-After"] == "2"
        assert sum(asked_by([first, second])) == 1


def test_a_prediction_is_asked_again_once_and_no_more(names: Names) -> None:
    (port,) = free_ports(1)

    def breaks(_: Asked) -> bool:
        return True

    with ExitStack() as stack:
        upstreams = [stack.enter_context(running_upstream(ip, port, breaks=breaks)) for ip in ADDRESSES]
        proxy = stack.enter_context(proxy_by_name(names, port))
        answer = requests.post(f"{proxy.url}/predict", b"x", headers={"X-Request-Id": "twice"})
        assert answer.status_code == answer.json()["code"] == 502
        assert answer.headers["Retry-After"] == "2"
        assert sum(asked_by(upstreams)) == 2
        assert proxy.log("twice")["upstream_status"] == "502, 502"


def test_of_the_page_only_what_changes_nothing_is_asked_again(names: Names) -> None:
    (port,) = free_ports(1)
    names.addresses["ui"] = ADDRESSES[:2]
    with (
        running_upstream(ADDRESSES[0], port, breaks=lambda _: True) as first,
        running_upstream(ADDRESSES[1], port, breaks=lambda _: True) as second,
        proxy_by_name(names, port) as proxy,
    ):
        for method, times in [("POST", 1), ("GET", 2)]:
            before = sum(asked_by([first, second]))
            answer = requests.request(method, f"{proxy.url}/gradio_api/run/predict")
            assert answer.status_code == 502
            assert answer.headers["Content-Type"].startswith("text/html")
            assert sum(asked_by([first, second])) - before == times


def test_what_is_not_there_is_said_in_words(names: Names) -> None:
    (port,) = free_ports(1)
    names.addresses.clear()
    with proxy_by_name(names, port) as proxy:
        for answer in (
            requests.post(f"{proxy.url}/predict", b"x"),
            requests.post(f"{proxy.internal_url}/predictions/digits", b"x"),
            requests.get(f"{proxy.url}/health"),
        ):
            assert answer.status_code == 502
            assert answer.json()["type"] == "Unreachable"
            assert "in 2 seconds" in answer.json()["message"]
        assert requests.get(f"{proxy.url}/").status_code == 502


def test_the_proxy_is_moved_to_other_containers_without_losing_a_request() -> None:
    with (
        running_upstream("127.0.0.2", delay_s=0.01) as old,
        running_upstream("127.0.0.3", delay_s=0.01) as new,
        running_proxy(old.target, old.target) as proxy,
    ):
        statuses: list[int] = []
        asking = threading.Thread(target=lambda: statuses.extend(ask(proxy, 3 * ASKED)))
        asking.start()
        time.sleep(0.3)
        for target in (new.target, old.target, new.target):
            before = proxy.workers()
            proxy.move(target, target)
            time.sleep(0.3)
        asking.join()
        proxy.wait_for_the_end_of(before)
        assert statuses == [200] * 3 * ASKED
        moved = len(new.asked)
        assert ask(proxy, 10) == [200] * 10
        assert len(new.asked) == moved + 10


@pytest.mark.skipif(
    not keeps_idle_connections(), reason="needs nginx 1.27.4 or newer (keepalive_min_timeout)"
)
def test_a_reload_cuts_no_connection_that_a_client_keeps() -> None:
    with (
        running_upstream(delay_s=0.005) as upstream,
        running_proxy(upstream.target, upstream.target) as proxy,
        ThreadPoolExecutor(8) as pool,
    ):
        stopped = threading.Event()

        def one_client() -> list[int]:
            statuses = []
            with requests.Session() as session:
                while not stopped.is_set():
                    statuses.append(session.post(f"{proxy.url}/predict", b"x", timeout=60).status_code)
            return statuses

        clients = [pool.submit(one_client) for _ in range(8)]
        for _ in range(5):
            time.sleep(0.6)
            proxy.move(upstream.target, upstream.target)
        stopped.set()
        assert {status for client in clients for status in client.result()} == {200}
