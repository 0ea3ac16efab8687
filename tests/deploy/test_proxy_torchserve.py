"""What a real TorchServe must be spared, and what it must still be able to do behind the proxy."""

import base64
import json
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from launch.temporary import TorchServe
from system.files import PROJECT
from tests.deploy.proxy import Proxy, exchange, running_proxy

pytestmark = pytest.mark.integration

MIB = 1024**2
SEVEN_FILE = PROJECT / "docs" / "seven.png"
SEVEN = SEVEN_FILE.read_bytes()
HEAD = b"POST /predict HTTP/1.1\r\nHost: x\r\n"


@pytest.fixture(scope="module")
def proxy(torchserve: TorchServe) -> Iterator[Proxy]:
    """The proxy before the real TorchServe; no page is behind it."""
    with running_proxy(torchserve.inference_url.removeprefix("http://"), "127.0.0.1:1") as proxy:
        yield proxy


def test_every_form_of_the_contract_is_answered(proxy: Proxy) -> None:
    url = f"{proxy.url}/predict"
    encoded = base64.b64encode(SEVEN).decode()
    for answer in (
        requests.post(url, SEVEN),
        requests.put(url, SEVEN),
        requests.post(url, SEVEN, headers={"Content-Type": "image/png"}),
        requests.post(url, files={"data": ("seven.png", SEVEN, "image/png")}),
        requests.post(url, files={"note": b"first", "data": ("seven.png", SEVEN, "image/png")}),
        requests.post(url, files={"data": SEVEN, "note": bytes(3 * MIB)}),
        requests.post(url, iter([SEVEN[:9], SEVEN[9:]])),
        requests.post(url, json={"image": encoded}),
        requests.post(url, json={"image": f"data:image/png;base64,{encoded}"}),
    ):
        assert answer.status_code == 200, answer.text
        assert answer.json()["label"] == "7"
    explained = requests.post(f"{proxy.url}/explain", SEVEN)
    assert explained.json()["label"] == "7"
    assert "frame" in requests.post(url, SEVEN, headers={"X-Frame": "1"}).json()
    assert len(requests.post(url, SEVEN, headers={"X-Top": "3"}).json()["top"]) == 3


@pytest.mark.parametrize(
    ("options", "status", "kind"),
    [
        (["-T", SEVEN_FILE], 200, None),
        (["-F", f"data=@{SEVEN_FILE}"], 200, None),
        (["-H", "Content-Type: image/png", "--data-binary", f"@{SEVEN_FILE}"], 200, None),
        (["-H", "Content-Type:", "--data-binary", f"@{SEVEN_FILE}"], 200, None),
        (["--data-binary", f"@{SEVEN_FILE}"], 200, None),
        (["-d", "a=1"], 400, "BadImage"),
        (["-F", f"image=@{SEVEN_FILE}"], 200, None),
        (["-F", f"picture=@{SEVEN_FILE}"], 400, "BadImage"),
    ],
)
def test_curl_is_answered_or_told_what_to_write(
    proxy: Proxy, options: list[object], status: int, kind: str | None
) -> None:
    words = [str(option) for option in options]
    said = subprocess.run(
        ["curl", "-s", "-w", "\n%{http_code}", *words, f"{proxy.url}/predict"], capture_output=True, text=True
    )
    body, _, code = said.stdout.rpartition("\n")
    assert int(code) == status, said
    if kind:
        assert json.loads(body)["type"] == kind
        assert "curl -T digit.png" in json.loads(body)["message"]


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
        b"Content-Length: 4\r\nContent-Length: 5\r\n",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        b"Transfer-Encoding: xchunked\r\n",
        b"Content-Length: +4\r\n",
        b"Content-Length: 4 4\r\n",
    ],
)
def test_a_body_of_two_lengths_is_refused_and_nothing_hidden_in_it_is_asked(
    proxy: Proxy, head: bytes
) -> None:
    hidden = b"GET /models HTTP/1.1\r\nHost: x\r\nX-Request-Id: smuggled\r\n\r\n"
    answer = exchange(proxy.address, HEAD + head + b"\r\n0\r\n\r\n" + hidden)
    assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 501")), answer
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b'"code": 400' in answer or b"501" in answer
    assert "smuggled" not in proxy.output()


def test_pipelined_requests_are_answered_in_their_order(proxy: Proxy) -> None:
    # A slow answer first: a large body, and an explanation.
    asked = b""
    for number in range(40):
        route, body = (b"/explain", SEVEN) if number % 4 == 0 else (b"/predict", b"no image")
        asked += b"POST %s HTTP/1.1\r\nHost: x\r\nX-Request-Id: n%02d\r\n" % (route, number)
        asked += b"Connection: close\r\n" if number == 39 else b""
        asked += b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
    answer = exchange(proxy.address, asked, limit_s=60, silence_s=60)
    numbers = [line[-2:] for line in answer.split(b"\r\n") if line.lower().startswith(b"x-request-id: n")]
    assert numbers == [b"%02d" % number for number in range(40)]
    assert answer.count(b"HTTP/1.1 200") == 10
    assert answer.count(b"HTTP/1.1 400") == 30


@pytest.mark.parametrize(
    ("kind", "part"),
    [
        ("application/x-www-form-urlencoded", b"a=1&"),
        ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n'),
    ],
)
def test_a_form_of_thousands_of_parts_makes_nobody_wait(proxy: Proxy, kind: str, part: bytes) -> None:
    # TorchServe takes 1 to 10 s over one of these, in which it answers nobody else.
    body = part * (4 * MIB // len(part) - 1)
    requests.post(f"{proxy.url}/predict", SEVEN)
    with ThreadPoolExecutor(1) as pool:
        attack = pool.submit(
            lambda: [
                requests.post(f"{proxy.url}/predict", body, headers={"Content-Type": kind}) for _ in range(5)
            ]
        )
        took_s = []
        while not attack.done():
            started = time.monotonic()
            assert requests.post(f"{proxy.url}/predict", SEVEN, timeout=60).status_code == 200
            took_s.append(time.monotonic() - started)
        assert {answer.status_code for answer in attack.result()} == {413}
    # The median: the machine may be busy with other things.
    assert not took_s or sorted(took_s)[len(took_s) // 2] < 1


def test_what_torchserve_says_itself_passes_unchanged(proxy: Proxy, torchserve: TorchServe) -> None:
    direct = requests.post(f"{torchserve.inference_url}/predictions/digits", b"no image")
    behind = requests.post(f"{proxy.url}/predict", b"no image")
    assert (behind.status_code, behind.json()) == (direct.status_code, direct.json())
    missing = requests.post(f"{proxy.internal_url}/predictions/missing", SEVEN)
    assert missing.status_code == 404
    assert missing.json()["type"] == "ModelNotFoundException"
