"""The review queue: operators alone see it, and what they decide is kept with who and when."""

import re
import uuid
from collections.abc import Callable, Iterator
from html import unescape

import pytest
from sqlalchemy import text

from db import reviews
from db.log import PredictionLog
from db.records import Feedback, Prediction
from db.reviews import Wanted
from tests.ui.signing_in import Guarded, guarded
from ui.review.view import AT_ONCE

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def page(postgres_url: str) -> Iterator[Guarded]:
    """A page that people sign in to, with an operator and a visitor."""
    with guarded(postgres_url) as running:
        running.user("olga", "operator")
        running.user("vera")
        yield running


@pytest.fixture
def waiting(page: Guarded, make_prediction: Callable[..., Prediction]) -> Callable[..., list[Prediction]]:
    """A function that lets new drawings wait, for these reasons, the first one first; nothing else does."""

    def wait(*whys: str, said: str = "1", **values: object) -> list[Prediction]:
        model = f"m{uuid.uuid4().hex[:8]}"
        made = [make_prediction(**{"model_name": model, "is_digit": True, **values}) for _ in whys]
        log = PredictionLog(page.engine)
        log.write([*made, *(Feedback(one.id, said, one.created_at, one.session_id) for one in made if said)])
        with page.engine.begin() as connection:
            connection.execute(text("DELETE FROM reviews"))
            wanted = [
                Wanted(one.id, why, -place) for place, (one, why) in enumerate(zip(made, whys, strict=True))
            ]
            reviews.put(connection, model, wanted)
        return made

    return wait


def decisions(page: Guarded) -> dict[uuid.UUID, tuple]:
    query = (
        "SELECT prediction_id, decision, label, decided_by, decided_at IS NOT NULL AS is_decided FROM reviews"
    )
    with page.engine.connect() as connection:
        return {row[0]: tuple(row[1:]) for row in connection.execute(text(query))}


def shown(page: Guarded) -> tuple[list[str], list[str]]:
    """Return the ids and the claims of what waits."""
    answer = page.signed_in("olga").get("/review")
    assert answer.status_code == 200, answer.text
    ids = re.findall(r'action="/review/([0-9a-f-]{36})"', answer.text)
    claims = re.findall(r"<p>((?:Said to be|Nobody).*?)</p>", answer.text)
    return ids, [unescape(claim) for claim in claims]


def test_only_operators_see_and_decide(page, waiting):
    (one,) = waiting("improbable")
    vera = page.signed_in("vera")
    assert vera.get("/review").status_code == 403
    assert vera.post(f"/review/{one.id}", data={"label": "7"}).status_code == 403
    assert 'href="/review"' not in vera.get("/history").text
    assert 'href="/review"' in page.signed_in("olga").get("/history").text
    assert decisions(page)[one.id] == (None, None, None, False)


def test_the_most_urgent_comes_first_and_says_why(page, waiting):
    whys = ("contradicted", "improbable", "informative", "untrusted", "over_cap")
    made = waiting(*whys)
    ids, claims = shown(page)
    assert ids == [str(one.id) for one in made]
    assert claims == [
        "Said to be 1 by one person, and something else by another",
        f"Said to be 1, but the model gave that {claims[1].rpartition('gave that ')[2]}",
        "Said to be 1",
        "Said to be 1, by somebody whose other judgements look wrong",
        "Said to be 1, like many others",
    ]
    assert re.fullmatch(r"[0-9.]+ %", claims[1].rpartition("gave that ")[2])
    waiting("informative", said="")
    assert shown(page)[1] == ["Nobody has said what it is"]


def test_a_page_has_no_more_than_the_next_ones(page, waiting):
    made = waiting(*["informative"] * (AT_ONCE + 3))
    assert shown(page)[0] == [str(one.id) for one in made[:AT_ONCE]]
    assert f"{len(made)} drawings to review" in page.signed_in("olga").get("/review").text


@pytest.mark.parametrize(
    ("form", "decision", "label"),
    [
        ({"label": "7"}, "label", "7"),
        ({"kind": "label", "label": "1"}, "label", "1"),
        ({"kind": "not_a_digit"}, "not_a_digit", None),
        ({"kind": "skip", "label": "7"}, "skip", None),
    ],
)
def test_a_decision_is_kept_and_can_be_taken_back(page, waiting, form, decision, label):
    one, other = waiting("contradicted", "informative")
    olga = page.signed_in("olga")
    answer = olga.post(f"/review/{one.id}", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/review")
    found = decisions(page)
    assert found[one.id][:2] == (decision, label)
    assert re.fullmatch(r"user:\d+", found[one.id][2])
    assert found[other.id] == (None, None, None, False)
    assert shown(page)[0] == [str(other.id)]
    olga.post(f"/review/{one.id}", data={"kind": "taken_back"})
    assert decisions(page)[one.id] == (None, None, None, False)
    assert shown(page)[0] == [str(one.id), str(other.id)]


@pytest.mark.parametrize("form", [{"label": "8 or 9"}, {"kind": "maybe"}, {"kind": "label"}, {}])
def test_what_cannot_be_said_is_refused(page, waiting, form):
    (one,) = waiting("improbable")
    answer = page.signed_in("olga").post(f"/review/{one.id}", data=form)
    assert answer.status_code == 400
    assert "is not an answer here" in answer.text
    assert decisions(page)[one.id][0] is None


@pytest.mark.parametrize("name", [str(uuid.UUID(int=1)), "none"])
def test_what_does_not_wait_is_not_there(page, name):
    assert page.signed_in("olga").post(f"/review/{name}", data={"label": "7"}).status_code == 404


def test_an_empty_queue_says_what_fills_it(page, waiting):
    waiting()
    assert "Nothing to review: make retrain fills the queue." in page.signed_in("olga").get("/review").text
