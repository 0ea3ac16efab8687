"""The history as a view: who sees which drawings, what may be said of them and done with them."""

import re
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from starlette.testclient import TestClient

from db.records import Feedback
from tests.ui.conftest import NO_DATABASE
from tests.ui.signing_in import ELSEWHERE
from tests.ui.viewing import HERE, ids, session_id, viewed

pytestmark = pytest.mark.integration
__all__ = ["session_id", "viewed"]


def test_a_list_has_the_visitors_own_drawings_and_never_anothers(viewed, make_prediction, session_id) -> None:
    page = viewed()
    mine = make_prediction(session_id=session_id)
    # Of now: everybody's list shows the newest first, and other tests have drawn here too.
    theirs = make_prediction(session_id=uuid.uuid4().hex, created_at=datetime.now(UTC))
    page.log.write([mine, theirs])
    visitor = page.visitor(session_id)
    listed = visitor.get("/history")
    assert (ids(listed.text), listed.status_code) == ([str(mine.id)], 200)
    assert "1 drawing<" in listed.text
    assert visitor.get("/history?of=all").status_code == 403
    assert "Nothing yet" in TestClient(page.web, client=(ELSEWHERE, 1)).get("/history").text
    everybodys = page.operator(session_id).get("/history?of=all").text
    assert str(theirs.id) in everybodys


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ""), ("GET", "/drawing"), ("GET", "/frame"), ("POST", "/judge"), ("POST", "/delete")],
)
def test_nobody_reaches_anothers_drawing_by_its_id(viewed, make_prediction, session_id, method, path) -> None:
    page = viewed()
    page.log.write([theirs := make_prediction(session_id=session_id)])
    stranger = page.visitor(uuid.uuid4().hex)
    without_id = TestClient(page.web, client=(ELSEWHERE, 1))
    for client in (stranger, without_id):
        answer = client.request(method, f"/history/{theirs.id}{path}", data={"label": "1"} if path else None)
        assert answer.status_code == 404
        assert "Drawing not found" in answer.text
    assert stranger.get("/history/no-id-at-all").status_code == 404
    assert page.drawings.find(theirs.id, session_id).true_label is None


def test_pages_filters_and_their_addresses(viewed, make_prediction, session_id) -> None:
    page = viewed()
    made = [make_prediction(session_id=session_id) for _ in range(53)]
    said = [Feedback(made[at].id, "1", datetime.now(UTC), session_id) for at in (0, 1)]
    none = Feedback(made[2].id, None, datetime.now(UTC), session_id, "not_a_digit")
    page.log.write([*made, *said, none])
    visitor = page.visitor(session_id)
    first = visitor.get("/history")
    assert ids(first.text) == [str(one.id) for one in reversed(made[3:])]
    assert "53 drawings" in first.text
    (older,) = re.findall(r'rel="next" href="([^"]+)"', first.text)
    assert ids(visitor.get(older.replace("&amp;", "&")).text) == [str(one.id) for one in reversed(made[:3])]
    for query, count in {
        "show=wrong": 3,
        "show=open": 50,
        "show=none": 1,
        "show=none&true=1": 0,
        "label=7&true=1": 2,
        "true=7": 0,
        "time=30": 0,
        "time=2020-01-01": 53,
        "time=2100-01-01": 0,
    }.items():
        found = visitor.get(f"/history?{query}").text
        assert f"{count or 'No'} drawing" in found or f"{count} drawings" in found, query
    for odd in (
        "show=x",
        "before=x",
        "model=x",
        "time=x",
        "time=2026-13-01",
        "zone=x",
        "before=9" + "9" * 30 + "-" + "0" * 32,
        "label=%00",
    ):
        assert visitor.get(f"/history?{odd}").status_code == 200, odd


def test_a_day_that_the_list_begins_with_is_named_and_can_be_left(viewed, session_id) -> None:
    visitor = viewed().visitor(session_id)
    listed = visitor.get("/history?time=2026-01-02").text
    assert '<option value="2026-01-02" selected>Since 2026-01-02</option>' in listed
    assert '<a class="button" href="/history">Show all</a>' in listed
    assert "Since" not in visitor.get("/history?time=2026-13-02").text


def test_today_begins_at_midnight_of_the_browser(viewed, make_prediction, session_id) -> None:
    page = viewed()
    made = make_prediction(session_id=session_id, created_at=datetime.now(UTC) - timedelta(hours=20))
    page.log.write([made])
    visitor = page.visitor(session_id)
    hours = {hour: ids(visitor.get(f"/history?time=today&zone={60 * hour}").text) for hour in (-12, 14)}
    now = datetime.now(UTC)
    for hour, found in hours.items():
        local = now + timedelta(hours=hour)
        assert bool(found) == (local.hour >= 20), (hour, found)


def test_a_drawing_is_judged_taken_back_and_deleted_and_each_is_seen_at_once(
    viewed, make_prediction, session_id
) -> None:
    page = viewed()
    made = make_prediction(session_id=session_id)
    page.backend.writer.submit(made)  # and not waited for
    visitor, path = page.visitor(session_id), f"/history/{made.id}"
    assert "Nobody has said yet" in visitor.get(path).text
    judged = visitor.post(f"{path}/judge", data={"label": "1"})
    assert (judged.status_code, judged.headers["Location"]) == (303, path)
    assert "It was 1: the answer was wrong." in visitor.get(path).text
    visitor.post(f"{path}/judge", data={"kind": "not_a_digit"})
    assert "It was not a digit" in visitor.get(path).text
    visitor.post(f"{path}/judge", data={"kind": "taken_back"})
    assert "Nobody has said yet" in visitor.get(path).text
    refused = visitor.post(f"{path}/judge", data={"label": "x"})
    assert (refused.status_code, "not a label of this model" in refused.text) == (400, True)
    assert visitor.post(f"{path}/delete").status_code == 303
    assert visitor.get(path).status_code == 404
    assert ids(visitor.get("/history").text) == []


def test_an_operator_says_what_anothers_drawing_was(viewed, make_prediction, session_id) -> None:
    page = viewed()
    page.log.write([theirs := make_prediction(session_id=session_id)])
    operator = page.operator(uuid.uuid4().hex)
    assert operator.post(f"/history/{theirs.id}/judge", data={"label": "1"}).status_code == 303
    assert "somebody else" in operator.get(f"/history/{theirs.id}").text
    assert page.drawings.find(theirs.id, session_id).true_label == "1"
    nobody = TestClient(page.web, HERE, client=("127.0.0.1", 1), follow_redirects=False)
    assert nobody.post(f"/history/{theirs.id}/judge", data={"label": "2"}).status_code == 303
    nobody.get("/history")
    assert page.drawings.find(theirs.id, session_id).true_label == "2"


def test_a_visitor_deletes_all_of_theirs_and_nobody_elses(viewed, make_prediction, session_id) -> None:
    page = viewed()
    mine, theirs = make_prediction(session_id=session_id), make_prediction(session_id=uuid.uuid4().hex)
    page.log.write([mine, theirs])
    assert page.visitor(session_id).post("/history/delete").status_code == 303
    assert ids(page.visitor(session_id).get("/history").text) == []
    assert ids(page.visitor(theirs.session_id).get("/history").text) == [str(theirs.id)]


def test_without_the_database_the_history_says_so(viewed, session_id) -> None:
    answer = viewed(database_url=NO_DATABASE).visitor(session_id).get("/history")
    assert (answer.status_code, "The database is unavailable" in answer.text) == (503, True)


def test_whoever_labels_gets_what_nobody_judged_and_comes_back_for_the_next(
    viewed, make_prediction, session_id
) -> None:
    page = viewed()
    made = [make_prediction(session_id=session_id) for _ in range(3)]
    page.log.write([*made, Feedback(made[1].id, "1", datetime.now(UTC), session_id)])
    visitor = page.visitor(session_id)

    def pieces(text: str) -> list[str]:
        return re.findall(r'src="/history/([0-9a-f-]{36})/drawing"', text)

    assert pieces(visitor.get("/history/judge").text) == [str(made[2].id), str(made[0].id)]
    form = {"label": "7", "then": "judge", "query": "?label=7"}
    judged = visitor.post(f"/history/{made[2].id}/judge", data=form)
    assert judged.headers["Location"] == "/history/judge?label=7"
    assert pieces(visitor.get("/history/judge?label=7").text) == [str(made[0].id)]
    form["query"] = "//elsewhere.example"
    last = visitor.post(f"/history/{made[0].id}/judge", data=form)
    assert last.headers["Location"] == "/history/judge"
    assert "All of them have been judged" in visitor.get("/history/judge").text
    assert visitor.get("/history/judge?of=all").status_code == 403
