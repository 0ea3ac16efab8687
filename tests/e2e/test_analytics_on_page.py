"""The analytics view in a browser: on every screen and in every theme, and without scripts."""

import re
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, expect

from db import drifts, embedded
from db import engine as databases
from db.log import PredictionLog
from db.records import Feedback, Prediction

pytestmark = [pytest.mark.integration, pytest.mark.browser]

SCREENS = {
    "light": {"viewport": {"width": 1200, "height": 900}},
    "dark": {"viewport": {"width": 1200, "height": 900}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 320, "height": 640}},
    "landscape": {"viewport": {"width": 844, "height": 390}},
    "forced colours": {"viewport": {"width": 1200, "height": 900}, "forced_colors": "active"},
}
LABELS = [f"a rather long name of a class, number {i}" for i in range(30)]
# Which drawings are no digit: one of yesterday, and one of last month, both read as the same.
NONE = (1, 31)
PLOTS = ("Drawings a day", "Time to the answer a day", "Doubted drawings a day")
# Of each plot and matrix, what is painted: a bar in the colour of its card is none.
PAINTED = """bar => [
    getComputedStyle(bar).fill, getComputedStyle(bar.closest(".card")).backgroundColor,
]"""


@pytest.fixture(scope="module")
def address(page_address: str, database: embedded.Server) -> str:
    """The view of a model with long labels that has answered for sixty days, and was judged."""
    now, records = datetime.now(UTC), []
    for i in range(180):
        label, really = LABELS[i % 30], LABELS[i * 7 % 30 if i % 9 == 0 else i % 30]
        made = Prediction(
            id=uuid4(),
            created_at=now - timedelta(days=i % 60),
            session_id="s",
            source="sketchpad",
            model_name="words",
            model_version="1.0.0",
            preprocessing="a1b2c3d4",
            predicted_label=label,
            confidence=0.5 + i % 50 / 100,
            probabilities={label: 0.9},
            drawing=b"png",
            pen_colour=None,
            background_colour=None,
            latency_ms=10.0 + i,
            request_id="8a6e",
            is_digit=i % 10 != 0,
            label_set=(label, really) if label != really else (label,),
        )
        said = (
            Feedback(made.id, None, now, "s", "not_a_digit")
            if i in NONE
            else Feedback(made.id, really, now, "s")
        )
        records += [made, said]
    shares = [1 / 30] * 30
    named = drifts.Figure("labels", 0.0, True, 0.4, None, LABELS, shares, [0.5, *[0.5 / 29] * 29])
    with databases.opened(database.url) as engine:
        PredictionLog(engine).write(records)
        drifts.add(engine, drifts.Look("words", "1.0.0", now, now, 2000, [named]))
    return f"{page_address}/analytics?model=words/1.0.0&days=30"


@pytest.mark.parametrize("screen", SCREENS)
def test_each_plot_is_seen_heard_and_read_on_every_screen(
    chromium: Browser, address: str, screen: str
) -> None:
    with chromium.new_context(java_script_enabled=screen != "landscape", **SCREENS[screen]) as context:
        page = context.new_page()
        page.goto(address)
        for name in (*PLOTS, "How often answers are right, by confidence"):
            expect(page.get_by_role("img", name=re.compile(f"^{name}"))).to_be_visible()
            expect(page.get_by_text(f"{name} as a table", exact=True)).to_be_visible()
        training = page.get_by_role("region", name="Similar to training?")
        expect(training.get_by_text("Drawings and training as a table", exact=True)).to_be_visible()
        expect(training.get_by_role("list", name="Labels, drawn and in training")).to_be_visible()
        expect(training.get_by_role("img", name=LABELS[0])).to_be_visible()
        fill, card = page.locator("#h-drawings ~ figure rect").first.evaluate(PAINTED)
        assert fill != card
        # Sideways only what is wide scrolls, and the keyboard gets there.
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        matrix = page.get_by_role("region", name="Confusion matrix")
        matrix.focus()
        expect(matrix).to_be_focused()
        assert matrix.evaluate("element => element.scrollWidth > element.clientWidth")
        page.get_by_text("Drawings a day as a table", exact=True).click()
        table = page.get_by_role("region", name="Drawings a day, table", exact=True)
        expect(table.get_by_role("row")).to_have_count(31)


def test_model_and_days_are_chosen_and_stay_in_the_address(chromium: Browser, address: str) -> None:
    with chromium.new_context() as context:
        page = context.new_page()
        page.goto(address)
        page.get_by_role("link", name="7 days").click()
        expect(page).to_have_url(address.replace("/1.0.0", "%2F1.0.0").replace("days=30", "days=7"))
        expect(page.get_by_role("link", name="7 days")).to_have_attribute("aria-current", "true")
        expect(page.get_by_label("Model")).to_have_value("words/1.0.0")
        page.go_back()
        page.get_by_label("Model").select_option("words 1.0.0")
        page.get_by_role("button", name="Show").click()
        expect(page).to_have_url(address.replace("/1.0.0", "%2F1.0.0"))


@pytest.mark.parametrize(
    "cell", [f"read as {LABELS[3]}, really {LABELS[21]}", f"read as {LABELS[1]}, really not a digit"]
)
def test_a_number_of_the_matrix_leads_to_as_many_drawings(chromium: Browser, address: str, cell: str) -> None:
    with chromium.new_context() as context:
        page = context.new_page()
        counts = {}
        for days in ("7", "all"):
            page.goto(address.replace("days=30", f"days={days}"))
            link = page.get_by_role("link", name=cell)
            counts[days] = link.inner_text()
            link.click()
            words = "1 drawing" if counts[days] == "1" else f"{counts[days]} drawings"
            expect(page.locator("[data-counted]")).to_have_text(f"{words} by everybody")
        assert counts == {"7": "1", "all": "2"}
