"""The web app manifest: what it names is there, and below the page's own path."""

import io
import re
from urllib.parse import urljoin

import pytest
from PIL import Image

from tests.ui.test_views import visiting
from ui.shell.files import FOLDER
from ui.shell.manifest import COLOUR

# All icons together.
MOST_BYTES = 20_000


@pytest.mark.parametrize("root", ["", "/sketch"])
def test_every_view_names_it_and_asks_for_it_with_the_cookie_of_a_sign_in(root: str) -> None:
    page = visiting(root=root).get(f"{root}/analytics/away").text
    assert f'<link rel="manifest" href="{root}/manifest.json" crossorigin="use-credentials">' in page
    colours = re.findall(r"--page: (#\w{6});", (FOLDER / "shell" / "colours.css").read_text())
    assert re.findall(r'name="theme-color" content="([^"]+)"', page) == colours
    assert colours[0] == COLOUR


@pytest.mark.parametrize("root", ["", "/sketch"])
def test_all_that_it_names_is_below_the_pages_path(root: str) -> None:
    client = visiting(root=root)
    answer = client.get(f"{root}/manifest.json")
    assert answer.headers["Content-Type"] == "application/manifest+json"
    manifest, address = answer.json(), f"{root}/manifest.json"
    assert manifest["display"] == "standalone"
    assert {urljoin(address, manifest[name]) for name in ("start_url", "scope")} == {f"{root}/"}
    # It would be below the host: the pages of one host would all be one app.
    assert "id" not in manifest
    kinds, size = set(), 0
    for icon in manifest["icons"]:
        file = client.get(urljoin(address, icon["src"]))
        assert file.headers["Content-Type"] == icon["type"], icon
        size += len(file.content)
        if icon["type"] == "image/png":
            picture = Image.open(io.BytesIO(file.content))
            assert icon["sizes"] == "{}x{}".format(*picture.size)
            # A system cuts its own shape out of a maskable one, which may have no corners of its own.
            assert (picture.convert("RGBA").getpixel((0, 0))[3] == 255) == (icon["purpose"] == "maskable")
        kinds.add((icon["sizes"], icon["purpose"]))
    assert {("192x192", "any"), ("512x512", "any"), ("512x512", "maskable"), ("any", "any")} == kinds
    assert size < MOST_BYTES
