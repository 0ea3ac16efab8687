"""The page below a path, in a real Chromium behind a real nginx that leaves the path in what it asks.

The project's own proxy strips it: tests/deploy/test_proxy_browser.py.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from playwright.sync_api import BrowserContext, Response, expect

from db import embedded
from launch.temporary import TorchServe
from system.ports import free_ports
from tests.e2e.page import SEVEN, draw, opened, running_page, wait_until

pytestmark = [pytest.mark.integration, pytest.mark.browser]

# A slash after the page's address would have nginx leave /sketch/ out of what it asks.
CONFIGURATION = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        location /sketch/ {{
            proxy_pass {page};
            proxy_http_version 1.1;
            proxy_buffering off;
            proxy_read_timeout 1h;
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_set_header X-Forwarded-Host $http_host;
            proxy_set_header X-Forwarded-Prefix /sketch;
        }}
    }}
}}
"""


@contextmanager
def nginx_before(page: str, folder: Path) -> Iterator[str]:
    """Run nginx before a page until the end of the `with`, and give the address below its path."""
    program = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        reason = "nginx is not on this machine: apt-get install nginx"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    (port,) = free_ports(1)
    file = folder / "nginx.conf"
    file.write_text(CONFIGURATION.format(folder=folder, port=port, page=page))
    url = f"http://127.0.0.1:{port}/sketch"
    with subprocess.Popen(
        [program, "-p", str(folder), "-c", str(file), "-e", f"{folder}/error.log"]
    ) as nginx:
        try:
            wait_until(lambda: nginx.poll() is not None or answers(url), url, 60)
            yield url
        finally:
            nginx.terminate()


def answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/livez", timeout=5).ok
    except requests.RequestException:
        return False


def test_a_digit_is_read_and_kept_below_a_path(
    visitor: BrowserContext, database: embedded.Server, torchserve: TorchServe, tmp_path: Path
) -> None:
    with (
        running_page(database.url, torchserve, UI_ROOT_PATH="/sketch") as running,
        nginx_before(running.url, tmp_path) as url,
    ):
        seen: list[Response] = []
        visitor.on("response", lambda response: seen.append(response))
        page = opened(visitor, f"{url}/")
        draw(page, SEVEN)
        expect(page.get_by_test_id("label")).to_have_text("7")
        # The history comes by an event stream.
        expect(page.locator(".history li")).to_have_count(1)
        expect(page.get_by_label("Model")).to_be_enabled()  # by another
        assert [response.url for response in seen if response.status >= 400] == []
        assert {response.url.startswith(f"{url}/") for response in seen} == {True}
        assert any("/queue/data" in response.url for response in seen)
