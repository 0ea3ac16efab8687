"""What is to be served, in the view of the models: seen by operators, and decided by them."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from db import engine as database
from db.serving import ServingRows
from db.user_rows import User
from db.versions import Version, Versions
from rollout.changes import Desk
from tests.ui.managing import Managing, managing
from tests.ui.operating import ELSEWHERE, Operating, change, fields, operating, words
from tests.ui.several_models import backend as models_and_loader
from tests.ui.several_models import put_archive
from ui.backend import Backend

pytestmark = pytest.mark.integration

OLD, NEW = "1.0.0", "1.1.0"
ADA = User(8, "ada", "operator")


@pytest.fixture
def engine(postgres_url: str) -> Iterator[Engine]:
    created = database.create(postgres_url, statement_timeout_ms=60_000)

    def forget() -> None:
        with created.begin() as connection:
            for table in ("serving", "looks", "verdicts", "model_versions"):
                connection.execute(text(f"DELETE FROM {table}"))

    forget()
    yield created
    forget()
    created.dispose()


@pytest.fixture
def torchserve(tmp_path: Path) -> Iterator[Managing]:
    for version in (OLD, NEW):
        put_archive(tmp_path, f"digits-{version}.mar", "digits", version)
    with managing(tmp_path, loaded=[f"digits-{OLD}.mar", f"digits-{NEW}.mar"]) as server:
        yield server


@pytest.fixture
def page(
    make_backend: Callable[..., Backend],
    torchserve: Managing,
    tmp_path: Path,
    postgres_url: str,
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
) -> Operating:
    monkeypatch.setattr("ui.models.desk.WAIT_S", 60.0)
    monkeypatch.setattr("ui.models.rollouts.WAIT_S", 60.0)
    models, loader = models_and_loader(torchserve.url, tmp_path)
    backend = replace(make_backend(torchserve.url), models=models, loader=loader)
    return operating(backend, torchserve, tmp_path, postgres_url)


def verdict(engine: Engine, champion: str, outcome: str) -> None:
    """Write a verdict of the gate on the new version."""
    Versions(engine).note(Version("digits", NEW, f"digits-{NEW}.mar", "0" * 64))
    with engine.begin() as connection:
        said = "INSERT INTO verdicts (model_name, model_version, champion_version, outcome, checks, reason) "
        values = f"VALUES ('digits', '{NEW}', '{champion}', '{outcome}', '[]', 'all is well')"
        connection.execute(text(said + values))


def test_a_version_that_is_made_the_default_stays_it_and_can_be_taken_back(
    page: Operating, engine: Engine
) -> None:
    ada, rows = page.client(ADA, ELSEWHERE), ServingRows(engine)
    assert "What is to be served" not in words(ada.get("/models").text)
    assert change(ada, "default", f"digits/{NEW}").status_code == 303
    serving = rows.find("digits")
    assert serving is not None
    assert (serving.version, serving.previous) == (NEW, OLD)
    assert serving.reason == "ada: forced, although the gate has not seen it."
    # After a restart both can be registered again.
    assert {one.version: one.archive for one in Versions(engine).all("digits")} == {
        OLD: f"digits-{OLD}.mar",
        NEW: f"digits-{NEW}.mar",
    }
    seen = words(ada.get("/models").text)
    assert "digits 1.1.0 is the default, and is watched: 0 of 200 answers, 0 of 10 sessions." in seen
    assert "The gate has not seen it." in seen
    assert change(ada, "rollback", f"digits/{NEW}").status_code == 303
    serving = rows.find("digits")
    assert serving is not None
    assert (serving.version, serving.candidate, serving.share) == (OLD, NEW, 0)
    assert "ada: Roll back digits 1.1.0 done" in words(ada.get("/models").text)


def test_a_version_that_is_tried_is_seen_by_operators_and_can_be_made_the_default(
    page: Operating, engine: Engine
) -> None:
    rows, versions = ServingRows(engine), Versions(engine)
    verdict(engine, OLD, "passed")
    Desk(rows, versions).try_out("digits", NEW, OLD, "run 1")
    visitor = page.client(User(9, "bob", "visitor"), ELSEWHERE)
    assert "is being tried on" not in words(visitor.get("/models").text)
    assert visitor.post("/models/change", data={"verb": "rollback"}).status_code == 403
    ada = page.client(ADA, ELSEWHERE)
    seen = words(ada.get("/models").text)
    assert "digits 1.1.0 is being tried on 5 % of sessions: 0 of 200 answers, 0 of 10 sessions." in seen
    assert "The gate said passed: all is well." in seen
    assert "1.1.0, 5 %: held run 1: it is tried on 5 % of sessions." in seen
    change(ada, "default", f"digits/{NEW}")
    serving = rows.find("digits")
    assert serving is not None
    assert (serving.version, serving.share, serving.reason) == (NEW, 0, "ada: promoted.")


def test_what_the_gate_has_not_passed_is_made_the_default_once_its_reason_was_confirmed(
    page: Operating, engine: Engine, torchserve: Managing
) -> None:
    ada, rows = page.client(ADA, ELSEWHERE), ServingRows(engine)
    asked = ada.get("/models/change", params={"verb": "default", "path": f"digits/{NEW}"}).text
    assert "Not passed: the gate has not seen it. You can still make it the default." in words(asked)
    form = fields(asked)
    unread = ada.post("/models/change", data={**form, "despite": ""})
    assert unread.status_code == 409
    assert "digits 1.1.0 was not made the default: the gate has not seen it." in words(unread.text)
    # The gate says another thing than it did when it was confirmed.
    verdict(engine, "1.0.5", "passed")
    other = ada.post("/models/change", data=form)
    assert other.status_code == 409
    said = "the gate compared it with 1.0.5, and 1.0.0 is the default now"
    assert said in words(other.text)
    assert (rows.find("digits"), torchserve.changes) == (None, [])
    assert change(ada, "default", f"digits/{NEW}").status_code == 303
    serving = rows.find("digits")
    assert serving is not None
    assert (serving.version, serving.reason) == (NEW, f"ada: forced, although {said}.")


def test_a_new_default_gets_as_many_workers_as_the_one_before_it(
    page: Operating, torchserve: Managing
) -> None:
    torchserve.start(("digits", OLD), 4)
    ada = page.client(ADA, ELSEWHERE)
    asked = ada.get("/models/change", params={"verb": "default", "path": f"digits/{NEW}"}).text
    assert "It gets 2 workers more, to have as many as the present default." in words(asked)
    ada.post("/models/change", data=fields(asked))
    assert torchserve.workers == {("digits", NEW): 4, ("digits", OLD): 4}


def test_what_is_unloaded_is_not_loaded_again(page: Operating, engine: Engine) -> None:
    ada, rows = page.client(ADA, ELSEWHERE), ServingRows(engine)
    change(ada, "default", f"digits/{NEW}")
    change(ada, "unload", f"digits/{OLD}")
    serving = rows.find("digits")
    assert serving is not None
    assert (serving.version, serving.previous) == (NEW, None)


def test_nothing_to_take_back_is_said(page: Operating, torchserve: Managing) -> None:
    ada = page.client(ADA, ELSEWHERE)
    change(ada, "rollback", f"digits/{NEW}")
    assert "no version of digits is being tried, and no earlier version is kept" in words(
        ada.get("/models").text
    )
