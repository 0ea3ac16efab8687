"""What the history shows of a drawing: picture, frame and labels, and how sure of them the answer was."""

import base64
import re

import pytest

from tests.ui.answering import ANSWER, answering
from tests.ui.viewing import session_id, viewed

pytestmark = pytest.mark.integration
__all__ = ["session_id", "viewed"]

PNG_FRAME = "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n and so on").decode()


@pytest.mark.parametrize(
    ("image", "kind", "is_saved"),
    [
        (None, "image/png", False),
        (b"\xff\xd8\xff and so on", "image/jpeg", False),
        (b"<script>alert(1)</script>", "application/octet-stream", True),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "application/octet-stream", True),
    ],
)
def test_a_drawing_is_shown_only_where_it_is_a_picture(
    viewed, make_prediction, session_id, image, kind, is_saved
) -> None:
    page = viewed()
    made = make_prediction(session_id=session_id, **({"drawing": image} if image else {}))
    page.log.write([made])
    answer = page.visitor(session_id).get(f"/history/{made.id}/drawing")
    assert answer.content == made.drawing
    assert answer.headers["Content-Type"] == kind
    assert ("attachment" in answer.headers.get("Content-Disposition", "")) == is_saved
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]


def test_the_frame_is_asked_for_again_and_another_model_may_be_asked(
    viewed, make_prediction, session_id
) -> None:
    with answering({**ANSWER, "frame": PNG_FRAME}) as torchserve:
        page = viewed(torchserve.url)
        page.log.write([made := make_prediction(session_id=session_id)])
        visitor, path = page.visitor(session_id), f"/history/{made.id}"
        frame = visitor.get(f"{path}/frame")
        assert (frame.status_code, frame.headers["Content-Type"]) == (200, "image/png")
        assert torchserve.paths[-1] == "/predictions/digits/1.0.0"
        asked = visitor.get(f"{path}?ask=digits").text
        assert "reads it as <strong>7</strong>, 90.0 % sure" in asked
        assert "not loaded" in visitor.get(f"{path}?ask=other/1.0").text
        assert len(page.drawings.answers(page.drawings.find(made.id, session_id))) == 1
    away = viewed().visitor(session_id)
    assert away.get(f"{path}/frame").status_code == 404
    assert "cannot be reached" in away.get(f"{path}?why=importance").text


def test_no_view_is_sure_of_a_label_of_what_looks_like_no_digit(viewed, make_prediction, session_id) -> None:
    doubted = {**ANSWER, "is_digit": False, "set": ["7"]}
    with answering(doubted) as torchserve:
        page = viewed(torchserve.url)
        made = make_prediction(session_id=session_id, is_digit=False, label_set=("7",))
        page.log.write([made])
        visitor = page.visitor(session_id)
        assert "90.0 %" not in visitor.get("/history").text
        assert "<strong>not a digit, closest to 7</strong></p>" in visitor.get("/history/judge").text
        other = visitor.get(f"/history/{made.id}?ask=digits").text
        assert "reads it as <strong>7</strong>, and doubts that it is a digit. This" in other


def test_of_several_labels_each_view_says_of_which_the_answer_is_so_sure(
    viewed, make_prediction, session_id
) -> None:
    page = viewed()
    page.log.write([make_prediction(session_id=session_id, is_digit=True, label_set=("7", "1"))])
    visitor = page.visitor(session_id)
    assert '<span class="sure">90.0 % for 7</span>' in visitor.get("/history").text
    assert "<strong>7 or 1</strong>, 90.0 % sure of 7</p>" in visitor.get("/history/judge").text


@pytest.mark.parametrize("count", [12, 13])
def test_of_more_than_twelve_labels_one_is_found_by_its_name(
    viewed, make_prediction, session_id, count
) -> None:
    page = viewed()
    names = [f"bird {number:02}" for number in range(count)]
    made = make_prediction(
        session_id=session_id, predicted_label="bird 07", probabilities=dict.fromkeys(names, 1 / count)
    )
    page.log.write([made])
    visitor, path = page.visitor(session_id), f"/history/{made.id}"
    assert ">None of these</a>" in visitor.get("/history").text
    for address in (path, "/history/judge"):
        html = visitor.get(address).text
        buttons = set(re.findall(r'<button[^>]* name="label" value="([^"]+)"', html))
        offered = re.findall(r'<option value="(bird [^"]+)"></option>', html)
        assert (buttons, offered) == (({"bird 07"}, names) if count > 12 else (set(names), [])), address
    form = {"label": "bird 11", "then": "judge", "query": ""}
    assert visitor.post(f"{path}/judge", data=form).headers["Location"] == "/history/judge"
    assert 'value="bird 11" aria-pressed="true"' in visitor.get(path).text
    refused = visitor.post(f"{path}/judge", data={"label": "bird"})
    assert "not a label of this model: choose one of its labels." in refused.text


def test_labels_bring_no_markup_into_a_page(viewed, make_prediction, session_id) -> None:
    page = viewed()
    probabilities = {"<b>": 1.0, "2": 0.0}
    made = make_prediction(
        session_id=session_id, predicted_label="<b>", probabilities=probabilities, model_name="<i>"
    )
    page.log.write([made])
    for path in ("/history", f"/history/{made.id}"):
        text = page.visitor(session_id).get(path).text
        assert "&lt;b&gt;" in text
        assert "<b>" not in text and "<i>" not in text
