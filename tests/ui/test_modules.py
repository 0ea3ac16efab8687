"""The pad's modules, as the page's application serves them."""

import re

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from ui.draw.canvas import DrawingPad
from ui.draw.modules import FIRST, FOLDER, add_to, modules, version


@pytest.fixture(scope="module")
def client() -> TestClient:
    web = FastAPI()
    add_to(web)
    return TestClient(web)


def test_each_module_is_served_as_it_is_and_need_not_be_asked_for_again(client: TestClient) -> None:
    assert next(iter(modules())) == FIRST
    for path in FOLDER.glob("*.js"):
        answer = client.get(f"/pad/{version()}/{path.name}")
        assert answer.content == path.read_bytes()
        assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
        assert "immutable" in answer.headers["Cache-Control"]


def test_a_page_of_another_version_gets_these_modules_and_keeps_none(client: TestClient) -> None:
    answer = client.get(f"/pad/{'0' * 16}/{FIRST}")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "file", ["", "pad.js", "x/y.js", "x/../modules.py", "x/%2e%2e/modules.py", "x/x/pad.js"]
)
def test_nothing_else_is_served(client: TestClient, file: str) -> None:
    assert client.get(f"/pad/{file}").status_code == 404


def test_the_address_changes_with_any_module(monkeypatch: pytest.MonkeyPatch) -> None:
    changed = {**modules(), "keys.js": b"// other"}
    before = version()
    monkeypatch.setattr("ui.draw.modules.modules", lambda: changed)
    version.cache_clear()
    try:
        assert version() != before
    finally:
        version.cache_clear()


def test_the_pad_loads_all_modules_at_once_and_they_import_none_from_elsewhere() -> None:
    script = DrawingPad().js_on_load
    assert script is not None and f"/pad/{version()}/" in script and "@" not in script
    for name, content in modules().items():
        assert f'"{name}"' in script
        for imported in re.findall(r'\bfrom "(.*?)"', content.decode()):
            assert imported.removeprefix("./") in modules()


def test_no_module_is_long() -> None:
    assert max(content.count(b"\n") for content in modules().values()) <= 200
