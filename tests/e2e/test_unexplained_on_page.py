"""The button "Why?" while no explanation comes: it takes its time, there is none, or the model is idle.

TorchServe is played by a small server with a prepared answer, of its own for each test.
"""

import threading
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.explained import BODY, LINE, NO_DATABASE, colour, page_before, visit
from tests.e2e.page import draw, played_torchserve, running_page, wait_until
from tests.ui.answering import answering
from tests.ui.managing import managing
from tests.ui.several_models import put_archive

pytestmark = [pytest.mark.integration, pytest.mark.browser]


def test_an_explanation_does_not_hold_up_the_next_stroke(chromium: Browser) -> None:
    turns = threading.Semaphore(0)
    with (
        answering(BODY, slow="/explanations/", turns=turns) as server,
        page_before(server) as url,
        visit(chromium, url) as page,
    ):
        draw(page, LINE)
        page.get_by_role("button", name="Why?").click()
        expect(page.locator(".why-words")).to_have_text("Asking the model …")
        asked = len(server.paths)
        draw(page, [(0.8, 0.2), (0.8, 0.3)])
        expect(page.get_by_role("button", name="Why?")).to_have_attribute(
            "aria-pressed", "false", timeout=1_000
        )
        wait_until(
            lambda: any("/predictions/" in path for path in server.paths[asked:]), "the stroke is read"
        )
        turns.release()
        # What was asked about the first drawing is not laid over the second.
        page.wait_for_timeout(2_000)
        assert colour(page, 105, 205) == ""
        expect(page.locator(".why-words")).to_have_text("")


def test_why_there_is_no_explanation_is_said_beside_the_button(chromium: Browser) -> None:
    with answering({**BODY, "box": None}) as server, page_before(server) as url, visit(chromium, url) as page:
        draw(page, LINE)
        for _ in range(2):  # the same complaint twice is shown twice
            page.get_by_role("button", name="Why?").click()
            expect(page.locator(".why-words")).to_contain_text("in an unknown form")
        expect(page.get_by_role("button", name="Why?")).to_have_attribute("aria-pressed", "false")
        expect(page.locator(".toast-body")).to_have_count(0)


def test_an_idle_model_is_loaded_again_before_it_explains(chromium: Browser, tmp_path: Path) -> None:
    for name in ("digits", "digits-vit"):
        put_archive(tmp_path, f"{name}.mar", name)
    vit = ("digits-vit", "1.0.0")
    body = {**BODY, "model": "digits-vit"}
    with (
        managing(tmp_path, loaded=["digits.mar", "digits-vit.mar"]) as management,
        answering(body, busy="/explanations/") as server,
        running_page(
            NO_DATABASE,
            played_torchserve(server.url, management.url),
            MODEL_STORE=str(tmp_path),
        ) as running,
        visit(chromium, running.url) as page,
    ):
        page.get_by_label("Model").select_option("digits-vit/1.0.0")
        chosen = page.locator(".chooser:not(.is-loading)")
        expect(chosen).to_have_attribute("data-model", "digits-vit/1.0.0")
        draw(page, LINE)
        expect(page.locator(".reading-meta")).to_contain_text("digits-vit 1.0.0")
        management.workers[vit] = 0
        management.load_s = 1_000.0
        asked = len(server.paths)
        page.get_by_role("button", name="Why?").click()
        expect(page.locator(".why-words")).to_contain_text("digits-vit 1.0.0 was idle")
        expect(page.locator(".chooser-notice")).to_contain_text("Loading digits-vit 1.0.0 again")
        wait_until(lambda: management.workers[vit] > 0, "its workers are started")
        management.started[vit] = (0.0, 0.0)  # and now they run
        # Once it is there it reads the drawing anew, and may be asked.
        expect(page.locator(".chooser-notice")).to_have_text("")
        assert management.workers[vit] > 0
        expect(page.locator(".why-words")).to_have_text("")
        page.get_by_role("button", name="Why?").click()
        expect(page.locator(".why-words")).to_have_text(
            "The model is busy or still starting. Try again in a moment."
        )
        assert "/predictions/digits-vit/1.0.0" in server.paths[asked:]
