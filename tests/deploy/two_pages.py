"""Two pages that people sign in to, behind the real nginx, with one PostgreSQL and one TorchServe."""

import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import requests

from db import embedded, migrate, passwords
from db import engine as database
from db.user_rows import Users
from launch.temporary import TorchServe
from system.ports import free_ports
from tests.deploy.proxy import Proxy, running_proxy
from tests.e2e.page import RunningPage, running_page
from tests.ui.signing_in import PASSWORD

OPERATORS = ("ada", "grace")


@dataclass
class TwoPages:
    """What runs; PostgreSQL and each page can be ended and started again."""

    folder: Path
    torchserve: TorchServe
    server: embedded.Server
    ports: tuple[int, int]
    proxy: Proxy
    running: list[ExitStack] = field(default_factory=list)
    pages: list[RunningPage] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where visitors come."""
        return self.proxy.url

    def key_of(self, number: int) -> str:
        """Return a cookie's value with which the proxy asks this page."""
        while True:
            key, request_id = secrets.token_hex(16), secrets.token_hex(16)
            told = {"Cookie": f"sketchserve-page={key}", "X-Request-Id": request_id}
            requests.get(f"{self.url}/sign-in", headers=told, timeout=60).raise_for_status()
            if self.proxy.log(request_id)["upstream"] == f"127.0.0.1:{self.ports[number]}":
                return key

    def signed_in(self, name: str) -> dict[str, str]:
        """Return the cookie of a new sign-in."""
        with requests.Session() as browser:
            told = {"name": name, "password": PASSWORD}
            browser.post(f"{self.url}/sign-in", told, timeout=60).raise_for_status()
            return {"sketchserve": browser.cookies["sketchserve"]}

    def start_page(self, number: int) -> None:
        """Start a page, where it was before, with what waited on its disk."""
        stack, var = ExitStack(), self.folder / f"page-{number}"
        var.mkdir(exist_ok=True)
        told = {"UI_PORT": str(self.ports[number]), "VAR_DIR": str(var), "SIGN_IN": "on"}
        page = stack.enter_context(running_page(self.server.url, self.torchserve, var / "log", **told))
        self.running[number : number + 1], self.pages[number : number + 1] = [stack], [page]

    def kill_page(self, number: int) -> None:
        """End a page as a power cut does."""
        self.pages[number].process.kill()
        self.running[number].close()

    def stop_database(self) -> None:
        """End PostgreSQL."""
        self.server.stop(clients_timeout_s=0)

    def start_database(self) -> None:
        """Start it again."""
        self.server = embedded.start(self.server.data_dir, self.server.port)


@contextmanager
def two_pages(folder: Path, torchserve: TorchServe) -> Iterator[TwoPages]:
    """Run them until the end of the block."""
    server = embedded.start(folder / "postgres")
    migrate.upgrade(server.url)
    with database.opened(server.url) as engine:
        for name in OPERATORS:
            Users(engine).put(name, passwords.hashed(PASSWORD), "operator")
    first, second = free_ports(2)
    inference = torchserve.inference_url.removeprefix("http://")
    with running_proxy(inference, f"127.0.0.1:{first},127.0.0.1:{second}") as proxy:
        both = TwoPages(folder, torchserve, server, (first, second), proxy)
        try:
            for number in range(2):
                both.start_page(number)
            yield both
        finally:
            for stack in both.running:
                stack.close()
            both.server.stop(clients_timeout_s=0)
