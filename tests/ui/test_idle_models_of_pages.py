"""A model that nobody asks any more loses its workers, whichever page gave them and whoever asked where."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from db import engine as database
from db.model_uses import ModelUses
from tests.ui.managing import Managing
from tests.ui.several_models import IDLE_S, VIT, age, found, listed
from ui.models.in_use import LOOK_EVERY
from ui.models.listing import Models
from ui.models.loading import Loader

pytestmark = pytest.mark.integration
# What other pages' visitors asked since these looked is not known.
IDLE_FOR_ALL_S = (1 + LOOK_EVERY) * IDLE_S
# Nobody is at this port.
AWAY = "postgresql://nobody:nothing@127.0.0.1:9/nowhere"


@dataclass(frozen=True)
class OnePage:
    """The models of a page, and what loads them."""

    models: Models
    loader: Loader

    def load(self) -> None:
        """Have the second model loaded by a visitor."""
        self.loader.load(found(self.models, "digits-vit/1.0.0"))

    def use(self) -> None:
        """Have a visitor ask it."""
        self.loader.used(found(self.models, "digits-vit/1.0.0"))


@pytest.fixture
def engine(postgres_url: str) -> Iterator[Engine]:
    """The database of both pages, in which no model is used yet."""
    with database.opened(postgres_url) as opened:
        with opened.begin() as connection:
            connection.execute(text("DELETE FROM model_uses"))
        yield opened


@pytest.fixture
def pages(torchserve: Managing, store: Path, engine: Engine) -> list[OnePage]:
    """Two pages before one TorchServe."""
    return [OnePage(*listed(torchserve, store, uses=ModelUses(engine))) for _ in range(2)]


def pass_time(engine: Engine, pages: list[OnePage], seconds: float) -> None:
    """Nobody asks anything for so long, without waiting for it."""
    with engine.begin() as connection:
        later = text("UPDATE model_uses SET used_at = used_at - make_interval(secs => :seconds)")
        connection.execute(later, {"seconds": seconds})
    for page in pages:
        age(page.loader, seconds)


def wait_until_shared(loader: Loader) -> None:
    """Have it known what was loaded: a page tells it a moment after its visitor, in the thread that loads."""
    for thread in threading.enumerate():
        if thread.name == "load-model":
            thread.join()
    assert loader._in_use.share()


def test_a_model_that_visitors_of_one_page_ask_is_not_unloaded_by_the_other(
    torchserve: Managing, pages: list[OnePage], engine: Engine
) -> None:
    first, second = pages
    first.load()
    wait_until_shared(first.loader)
    for _ in range(3):
        pass_time(engine, pages, 0.9 * IDLE_FOR_ALL_S)
        second.use()
        second.loader.scale_down_idle()
        first.loader.scale_down_idle()
    assert torchserve.workers[VIT] == 2
    pass_time(engine, pages, IDLE_FOR_ALL_S)
    for page in (first, second):
        page.loader.scale_down_idle()
    assert torchserve.workers[VIT] == 0
    assert [change for change in torchserve.changes if "min_worker=0" in change] == [
        "PUT /models/digits-vit/1.0.0?min_worker=0&max_worker=0&synchronous=false"
    ]


def test_what_a_page_that_has_ended_loaded_loses_its_workers_and_gets_as_many_back(
    torchserve: Managing, pages: list[OnePage], engine: Engine
) -> None:
    ended, other = pages
    ended.load()
    wait_until_shared(ended.loader)
    other.loader.scale_down_idle()
    assert torchserve.workers[VIT] == 2
    pass_time(engine, [other], IDLE_FOR_ALL_S)
    other.loader.scale_down_idle()
    assert torchserve.workers[VIT] == 0
    other.load()
    assert torchserve.workers[VIT] == 2


def test_what_an_operator_takes_over_at_one_page_keeps_its_workers_at_the_other(
    torchserve: Managing, pages: list[OnePage], engine: Engine
) -> None:
    first, second = pages
    first.load()
    wait_until_shared(first.loader)
    second.loader.scale_down_idle()
    first.loader.leave("digits-vit/1.0.0")
    # The second page still takes it for a visitor's.
    age(second.loader, IDLE_FOR_ALL_S)
    assert not second.loader._in_use.claim("digits-vit/1.0.0")
    second.loader.scale_down_idle()
    assert torchserve.workers[VIT] == 2


def test_while_the_database_is_away_models_are_loaded_and_none_loses_its_workers(
    torchserve: Managing, store: Path
) -> None:
    with database.opened(AWAY) as nowhere:
        page = OnePage(*listed(torchserve, store, uses=ModelUses(nowhere)))
        page.load()
        assert torchserve.workers[VIT] == 2
        age(page.loader, 10 * IDLE_FOR_ALL_S)
        page.loader.scale_down_idle()
        assert torchserve.workers[VIT] == 2
