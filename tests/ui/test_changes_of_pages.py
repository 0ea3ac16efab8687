"""A version of a model is changed by one page at a time."""

import pytest

from client.errors import LoadFailed
from db import engine as database
from db.serving import ServingRows
from ui.models.rollouts import Rollouts

pytestmark = pytest.mark.integration


def test_a_version_is_changed_by_one_page_at_a_time_and_others_meanwhile(postgres_url: str) -> None:
    with database.opened(postgres_url) as one, database.opened(postgres_url) as other:
        here, there = Rollouts(one), Rollouts(other)
        with here.alone("digits/2.0.0"):
            with pytest.raises(LoadFailed, match="on another page"), there.alone("digits/2.0.0"):
                pytest.fail("both pages change it")
            with there.alone("digits/3.0.0"), ServingRows(other).alone() as may_drive:
                assert may_drive
        with there.alone("digits/2.0.0"):
            pass


def test_an_operator_can_change_a_version_while_the_database_is_away() -> None:
    with database.opened("postgresql://nobody:nothing@127.0.0.1:9/nowhere") as nowhere:
        with Rollouts(nowhere).alone("digits/2.0.0"):
            pass
        with pytest.raises(LoadFailed, match="its own reason"), Rollouts(nowhere).alone("digits/2.0.0"):
            raise LoadFailed("its own reason")
