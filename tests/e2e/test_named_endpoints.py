"""What programs ask the page by name, through the client that they use, before the real services."""

import base64
import io
from pathlib import Path

import pytest
import requests
from gradio_client import Client
from gradio_client.exceptions import AppError
from PIL import Image, ImageDraw
from sqlalchemy import text

from db import engine
from db.embedded import Server
from db.log import HISTORY_ROWS
from db.schema import NETWORK_BYTES
from launch.temporary import TorchServe
from tests.docs.documents import blocks
from tests.e2e.page import SEVEN, running_page, wait_until
from tests.reading.written import png, sheet

pytestmark = pytest.mark.integration

VISITOR, OTHER = "5a" * 16, "5b" * 16


@pytest.fixture(scope="module")
def client(page_address: str) -> Client:
    return Client(page_address, verbose=False)


@pytest.fixture(scope="module")
def seven() -> str:
    """A drawn 7 as PNG, in base64."""
    image, file = Image.new("L", (280, 280), 255), io.BytesIO()
    ImageDraw.Draw(image).line([(280 * x, 280 * y) for x, y in SEVEN], 0, 22, "curve")
    image.save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def test_they_are_listed_and_nothing_else_is(page_address: str) -> None:
    listed = requests.get(f"{page_address}/gradio_api/info", timeout=10).json()
    assert set(listed["named_endpoints"]) == {"/predict", "/read_number", "/feedback", "/history"}
    assert listed["unnamed_endpoints"] == {}
    written = Path("docs/api.md").read_text(encoding="utf-8")
    assert all(f'api_name="{name}"' in written for name in listed["named_endpoints"])
    history = listed["named_endpoints"]["/history"]["description"]
    assert f"last {HISTORY_ROWS} drawings" in history and f"the last {HISTORY_ROWS} drawings" in written


def test_a_picture_is_read_judged_and_found_again(client: Client, seven: str) -> None:
    answer = client.predict(seven, visitor=VISITOR, api_name="/predict")
    assert (answer["label"], answer["set"], answer["is_digit"], answer["is_kept"]) == ("7", ["7"], True, True)
    assert answer["frame"].startswith("data:image/png")
    judged = client.predict(answer["prediction"], "1", visitor=VISITOR, api_name="/feedback")
    assert judged == {"is_kept": True}
    (row,) = client.predict(visitor=VISITOR, api_name="/history")
    assert (row["prediction"], row["label"], row["true_label"]) == (answer["prediction"], "7", "1")
    client.predict(answer["prediction"], kind="not_a_digit", visitor=VISITOR, api_name="/feedback")
    (row,) = client.predict(visitor=VISITOR, api_name="/history")
    assert (row["true_label"], row["is_judged_no_digit"]) == (None, True)
    assert client.predict(visitor=OTHER, api_name="/history") == []


def test_the_documented_lines_do_what_they_say(page_address: str, seven: str) -> None:
    (block,) = [block for block in blocks("docs/api.md") if block.language == "python"]
    assert "http://127.0.0.1:7860" in block.text
    known = {"picture": seven}
    exec(block.text.replace("http://127.0.0.1:7860", page_address), known)
    assert known["rows"][0]["is_judged_no_digit"] is True
    assert (known["number"]["text"], known["number"]["digits"][0]["set"]) == ("7", ["7"])


def test_several_digits_are_read_as_a_number_and_nothing_of_them_is_kept(client: Client) -> None:
    before = client.predict(visitor=VISITOR, api_name="/history")
    picture = base64.b64encode(png(sheet("2026"))).decode()
    for given in (picture, f"data:image/png;base64,{picture}"):
        answer = client.predict(given, api_name="/read_number")
        assert (answer["text"], answer["is_sure"], answer["model"]) == ("2026", True, "digits")
        assert [digit["label"] for digit in answer["digits"]] == list("2026")
    assert client.predict(visitor=VISITOR, api_name="/history") == before


def test_without_a_visitor_or_a_wish_to_keep_it_nothing_is_kept(client: Client, seven: str) -> None:
    assert client.predict(f"data:image/png;base64,{seven}", api_name="/predict")["is_kept"] is False
    assert client.predict(seven, visitor=OTHER, keep=False, api_name="/predict")["is_kept"] is False
    assert client.predict(visitor=OTHER, api_name="/history") == []


def test_a_refusal_says_why(client: Client, seven: str) -> None:
    prediction = client.predict(seven, visitor=VISITOR, api_name="/predict")["prediction"]
    for asked, why in [
        ({"picture": "no picture", "api_name": "/predict"}, "damaged"),
        ({"picture": "", "api_name": "/predict"}, "That is not a picture"),
        ({"picture": "AAAA", "api_name": "/predict"}, "PNG"),
        ({"picture": "AAAA", "api_name": "/read_number"}, "PNG"),
        ({"picture": "", "api_name": "/read_number"}, "empty"),
        ({"picture": seven, "model": "x/1", "api_name": "/read_number"}, "no model 'x/1'"),
        (
            {"prediction": prediction, "label": "77", "visitor": VISITOR, "api_name": "/feedback"},
            "not a label",
        ),
        (
            {"prediction": prediction, "kind": "x", "visitor": VISITOR, "api_name": "/feedback"},
            "not a kind of judgement",
        ),
        ({"prediction": prediction, "label": "7", "visitor": OTHER, "api_name": "/feedback"}, "not in your"),
    ]:
        with pytest.raises(AppError, match=why):
            client.predict(**asked)


def test_of_what_strangers_say_the_network_is_known_and_no_address(
    database: Server, torchserve: TorchServe, seven: str
) -> None:
    near, too, far = "198.51.100.7", "198.51.100.200", "203.0.113.7"
    ids = {}
    with running_page(database.url, torchserve, PUBLISHED_AT="203.0.113.1", SIGN_IN="off") as page:
        config = requests.get(f"{page.url}/config", timeout=10).json()
        events = {name: one["id"] for one in config["dependencies"] for _, name in one["targets"]}
        for place, address in enumerate((near, too, far)):
            visitor, sender = f"{place:032x}", {"X-Forwarded-For": address}
            asked = Client(page.url, verbose=False, headers=sender)
            answer = asked.predict(seven, visitor=visitor, api_name="/predict")
            ids[address] = answer["prediction"]
            if address == too:  # as the page's own script does it
                said = {"prediction": ids[address], "label": "1", "kind": "label", "asked": 1}
                body = {"data": [visitor], "fn_index": events["judge"], "event_data": said}
                url = f"{page.url}/gradio_api/run/predict"
                requests.post(url, json=body, headers=sender, timeout=60).raise_for_status()
            else:
                asked.predict(ids[address], "1", visitor=visitor, api_name="/feedback")

    def networks() -> dict[str, bytes]:
        query = text("SELECT prediction_id, network FROM feedback WHERE network IS NOT NULL")
        with engine.opened(database.url) as opened, opened.connect() as connection:
            found = {str(id_): bytes(network) for id_, network in connection.execute(query)}
            return {address: found[id_] for address, id_ in ids.items() if id_ in found}

    wait_until(lambda: len(networks()) == 3, "all of it is written")
    known = networks()
    assert known[near] == known[too] != known[far]
    assert {len(network) for network in known.values()} == {NETWORK_BYTES}
