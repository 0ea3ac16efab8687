"""A minute of `make chaos`, always the same one."""

import pytest

from tests.chaos.script import play

pytestmark = [pytest.mark.integration, pytest.mark.alone, pytest.mark.timeout(600)]
SEED = 1


def test_what_the_page_took_is_in_the_database_once_whatever_was_killed_cut_and_filled() -> None:
    journal = play(SEED, seconds=60, requests=500)
    print(journal.table())
    assert journal.problems == [], "\n".join([f"SEED={SEED}", *journal.last, *journal.problems])
    assert all(count.accepted == count.found > 0 for count in journal.found.values())
