"""Who is answered by which version while one is tried, and that nobody sees it fail."""

import base64
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from client.errors import NotLoaded
from db.serving import Serving
from reading import finder as finder_module
from reading.piece import Piece
from rollout.routes import Tally, is_tried_on
from tests.ui.managing import Managing, managing
from tests.ui.several_models import backend as models_and_loader
from tests.ui.several_models import put_archive
from ui import number
from ui.backend import Backend
from ui.draw.outcome import NoReading, Reading, predict
from ui.routing import Choice

NEW = "1.1.0"
SESSIONS = [uuid.UUID(int=number).hex for number in range(200)]
TRIED = next(one for one in SESSIONS if is_tried_on(one, "digits", NEW, 25))
OTHER = next(one for one in SESSIONS if not is_tried_on(one, "digits", NEW, 25))
PNG = base64.b64encode(b"\x89PNG a drawing").decode()


@dataclass
class Page:
    """A page while a version is tried on a quarter of sessions."""

    backend: Backend
    torchserve: Managing

    def version(self, session_id: str | None, **value: object) -> str:
        """Return the version that answered."""
        said = {"image": f"data:image/png;base64,{PNG}", "source": "sketchpad", **value}
        found = predict(self.backend, said, session_id)
        assert isinstance(found, Reading), found
        return found.prediction.model_version

    def serve(self, serving: Serving) -> None:
        """Let it know what is to be served, and what TorchServe has."""
        ready = {key for key, workers in self.torchserve.workers.items() if workers}
        self.backend.routes.update([serving], ready)

    @property
    def tally(self) -> Tally:
        """What was counted of the version that is tried."""
        return self.backend.routes.taken("digits", NEW)


@pytest.fixture
def page(make_backend: Callable[..., Backend], tmp_path: Path) -> Iterator[Page]:
    for version in ("1.0.0", NEW):
        put_archive(tmp_path, f"digits-{version}.mar", "digits", version, coverage=0.9)
    with managing(tmp_path, loaded=["digits-1.0.0.mar", f"digits-{NEW}.mar"]) as server:
        models, loader = models_and_loader(server.url, tmp_path)
        models.listing()
        page = Page(replace(make_backend(server.url), models=models, loader=loader), server)
        page.serve(Serving("digits", "1.0.0", None, NEW, 25, 0, "", datetime.now(UTC)))
        yield page


def test_who_chose_no_model_may_get_the_version_that_is_tried(page: Page) -> None:
    for path in ("", "digits"):
        assert page.version(TRIED, model=path) == NEW
        assert page.version(OTHER, model=path) == "1.0.0"
    assert page.version(None) == "1.0.0"
    assert page.tally == Tally(2)


def test_a_number_is_read_by_the_version_that_the_session_has(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    piece = Piece(0, 1, (0.0, 5.0, 30.0, 50.0), (0.6, 1.0), b"png")
    monkeypatch.setattr(finder_module.Finder, "pieces", lambda *_: [piece])
    desks = number.Desks(page.backend)
    try:
        own = page.backend.models.own()
        read = [desks.pad.read(b"a picture", Choice(own, one))[1].version for one in (TRIED, OTHER)]
        pinned = desks.pad.read(b"a picture", Choice(own, TRIED, has_version=True))[1].version
    finally:
        desks.close()
    assert (read, pinned) == ([NEW, "1.0.0"], "1.0.0")


def test_who_chose_a_version_gets_that_one(page: Page) -> None:
    assert page.version(TRIED, model="digits/1.0.0") == "1.0.0"
    assert page.version(OTHER, model=f"digits/{NEW}") == NEW
    assert page.tally == Tally()


@pytest.mark.parametrize(
    ("status", "kind", "counted"),
    [
        (500, "Other", Tally(1, 1)),
        (400, "BadImage", Tally(1, 1)),
        (503, "InternalServerException", Tally(1, 1)),
        (503, "ServiceUnavailableException", Tally(1, 0, 1)),
        # TorchServe was started again, and gets it back.
        (404, "ModelNotFoundException", Tally()),
    ],
)
def test_where_the_version_that_is_tried_fails_the_default_one_answers_at_once(
    page: Page, monkeypatch: pytest.MonkeyPatch, status: int, kind: str, counted: Tally
) -> None:
    answers = page.torchserve.predict

    def broken(image: bytes, name: str, version: str = "") -> tuple[int, object]:
        refusal = {"code": status, "type": kind, "message": "it is broken"}
        return (status, refusal) if version == NEW else answers(image, name, version)

    monkeypatch.setattr(page.torchserve, "predict", broken)
    assert page.version(TRIED) == "1.0.0"
    assert replace(page.tally, why="") == counted


def test_where_the_default_one_fails_too_it_is_nobodys_fault(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page.torchserve, "predict", lambda *_: (500, {"message": "no"}))
    said = {"image": f"data:image/png;base64,{PNG}", "source": "sketchpad"}
    assert isinstance(predict(page.backend, said, TRIED), NoReading)
    assert page.tally == Tally()


def test_where_a_new_default_fails_the_one_before_answers(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    page.torchserve.set_default("digits", NEW)
    page.backend.models.listing()
    page.serve(Serving("digits", NEW, "1.0.0", None, 0, 0, "", datetime.now(UTC)))
    answers = page.torchserve.predict
    monkeypatch.setattr(
        page.torchserve,
        "predict",
        lambda image, name, version="": answers(image, name, version) if version else (500, {}),
    )
    assert page.version(OTHER) == "1.0.0"
    assert replace(page.tally, why="") == Tally(1, 1)


def test_a_torchserve_that_lost_the_candidate_is_asked_for_it_once(page: Page) -> None:
    del page.torchserve.workers["digits", NEW]
    assert page.version(TRIED) == "1.0.0"
    assert page.backend.routes.versions("digits", TRIED) == [""]
    with pytest.raises(NotLoaded):
        page.backend.inference.predict(b"\x89PNG", f"digits/{NEW}")
