"""How the drawing pad's modules get onto the page."""

import re

from fastapi import FastAPI
from starlette.testclient import TestClient

from ui.draw.canvas import FOLDER, DrawingPad
from ui.shell.files import Files

MODULES = {path.name: path.read_text() for path in (FOLDER / "pad").glob("*.js")}


def test_the_pad_loads_all_its_modules_at_once_from_where_they_are_served() -> None:
    script = DrawingPad().js_on_load
    assert script is not None
    paths = re.findall(r'"(files/[^"]+)"', script)
    assert paths[0].endswith("/draw/pad/pad.js")
    web = FastAPI()
    Files().add_to(web)
    client = TestClient(web)
    served = {path.rpartition("/")[2]: client.get(path).text for path in paths}
    assert served == MODULES
    assert "immutable" in client.get(paths[0]).headers["Cache-Control"]


def test_the_modules_import_each_other_alone_and_none_is_long() -> None:
    assert len(MODULES) > 5
    for name, text in MODULES.items():
        assert {imported.removeprefix("./") for imported in re.findall(r'\bfrom "(.*?)"', text)} < set(
            MODULES
        )
        assert text.count("\n") <= 200, name
