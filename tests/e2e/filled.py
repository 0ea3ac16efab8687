"""A page where every view has something to show: all kinds of drawings, two models, and who signs in."""

import base64
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from db import embedded, passwords, reviews
from db import engine as databases
from db.log import PredictionLog
from db.records import Feedback, Prediction
from db.reviews import Wanted
from db.schema import REVIEW_REASONS
from db.user_rows import Users
from system.files import PROJECT
from tests.e2e.page import played_torchserve, running_page
from tests.ui.managing import Managing, managing
from tests.ui.several_models import put_archive
from tests.ui.signing_in import PASSWORD
from training.data.drawing import drawing as drawing_of
from training.data.drawing import encoded, png

# More than a page of the history has, over so many days.
DRAWINGS, DAYS = 60, 20
# Of both maps, one value is strong enough to be coloured.
MAP = [[2.0 if (row, column) == (14, 14) else 0.0 for column in range(28)] for row in range(28)]
EXPLAINED = {
    "runner_up": "1",
    "importance": MAP,
    "tip": MAP,
    "box": [0, 0, 280],
    # In gray, as frames of drawings are: a model with coloured ones is taken for one of photographs.
    "frame": "data:image/png;base64,"
    + base64.b64encode(encoded(drawing_of("7", side_px=28, pen_px=2).convert("L"))).decode(),
    "set": ["7", "1"],
    "is_digit": True,
}


@dataclass(frozen=True)
class Filled:
    """The page's address, what plays its TorchServe, and one of ada's drawings that nobody has judged."""

    url: str
    torchserve: Managing
    drawing: str


@contextmanager
def filled_page(database: embedded.Server, store: Path) -> Iterator[Filled]:
    """Run the page; ada, an operator, has drawn, and grace has not."""
    for name in ("digits", "digits-vit", "digits-lenet5"):
        put_archive(store, f"{name}.mar", name)
    (store / "digits.md").write_bytes((PROJECT / "model_store" / "digits.md").read_bytes())
    with databases.opened(database.url) as engine:
        ada = Users(engine).put("ada", passwords.hashed(PASSWORD), "operator")
        Users(engine).put("grace", passwords.hashed(PASSWORD))
        drawn = drawings(f"user:{ada.id}")
        PredictionLog(engine).write([*reversed(drawn), *judgements(drawn)])
        with engine.begin() as connection:
            reviews.put(connection, "digits", reviewable(drawn))
    with managing(store, loaded=["digits.mar", "digits-vit.mar"]) as server:
        server.explained = EXPLAINED
        server.label = lambda name, _image: "7" if name == "digits" else "1"
        torchserve = played_torchserve(server.url)
        with running_page(database.url, torchserve, MODEL_STORE=str(store), SIGN_IN="on") as running:
            yield Filled(running.url, server, str(drawn[0].id))


def drawings(session_id: str) -> list[Prediction]:
    """Return drawings of all digits, the newest first: sure, unsure and doubted ones, and earlier answers."""
    now = datetime.now(UTC)
    return [drawing(session_id, number, now - timedelta(days=number % DAYS)) for number in range(DRAWINGS)]


def drawing(session_id: str, number: int, at: datetime) -> Prediction:
    """Return one of them."""
    digit, other = str(number % 10), str((number + 3) % 10)
    confidence = (0.999, 0.97, 0.62)[number % 3]
    rest = {str(label): (1 - confidence) / 9 for label in range(10)}
    file = png(digit)
    return Prediction(
        id=uuid.uuid4(),
        created_at=at,
        session_id=session_id,
        source="sketchpad",
        model_name="digits",
        model_version="1.0.0",
        preprocessing="a1b2c3d4",
        predicted_label=digit,
        confidence=confidence,
        probabilities={**rest, digit: confidence},
        drawing=file,
        thumbnail=file,
        pen_colour="#000000",
        background_colour="#ffffff",
        latency_ms=20.0 + number,
        request_id="8a6e",
        is_digit=number % 7 != 6,
        label_set=(digit, other) if number % 3 == 2 else (digit,),
        drawing_id=uuid.UUID(int=number // 2 + 1) if number < 4 else None,
    )


def judgements(drawn: list[Prediction]) -> list[Feedback]:
    """Return what was said of two thirds of them: most are right, one in five is wrong, one in nine none."""
    said: list[dict[str, Any]] = []
    for number, one in enumerate(drawn):
        if number % 3 == 0:
            continue
        wrong = str((number + 3) % 10)
        label = wrong if number % 5 == 0 else one.predicted_label
        kind = "not_a_digit" if number % 9 == 1 else "label"
        said.append({"prediction_id": one.id, "true_label": label if kind == "label" else None, "kind": kind})
    return [Feedback(**one, created_at=datetime.now(UTC), session_id=drawn[0].session_id) for one in said]


def reviewable(drawn: list[Prediction]) -> list[Wanted]:
    """Return what waits for an operator: of each reason one drawing, the most urgent first."""
    judged = [one for number, one in enumerate(drawn) if number % 15 == 5]
    return [
        Wanted(one.id, why, -number)
        for number, (why, one) in enumerate(zip(REVIEW_REASONS, [*judged, drawn[12]], strict=True))
    ]


def sign_in(page: Page, address: str, name: str) -> None:
    """Sign in as a user of the page."""
    page.goto(address)
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.locator("html[data-paper]").wait_for()
