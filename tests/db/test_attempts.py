"""Attempts to sign in are counted for all pages together, and come back one by one."""

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, text, update

from db import engine as database
from db.attempts import Attempts, Limit
from db.schema import sign_in_attempts

pytestmark = pytest.mark.integration


@pytest.fixture
def limit():
    """Three attempts within half a minute, of somebody whom no other test knows."""
    return Limit(uuid.uuid4().hex, 3, 30)


@pytest.fixture
def attempts(engine):
    return Attempts(engine)


def pass_time(engine, limit, seconds):
    """Let so many seconds pass for it, without waiting for them."""
    earlier = sign_in_attempts.c.full_at - func.make_interval(0, 0, 0, 0, 0, 0, seconds)
    with engine.begin() as connection:
        is_it = sign_in_attempts.c.key_hash == limit.key_hash
        connection.execute(update(sign_in_attempts).where(is_it).values(full_at=earlier))


def rows(engine, *limits):
    with engine.connect() as connection:
        return [
            connection.scalar(
                text("SELECT full_at FROM sign_in_attempts WHERE key_hash = :key"), {"key": limit.key_hash}
            )
            for limit in limits
        ]


def test_attempts_come_back_one_by_one(attempts, engine, limit):
    for _ in range(3):
        assert attempts.wait_s(limit) == 0
        assert attempts.take([limit]) == 0
    assert 0 < attempts.take([limit]) <= 10
    assert 0 < attempts.wait_s(limit) <= 10
    pass_time(engine, limit, 10)
    assert attempts.wait_s(limit) == 0
    assert attempts.take([limit]) == 0
    assert attempts.take([limit]) > 0
    pass_time(engine, limit, 1000)
    assert [attempts.take([limit]) > 0 for _ in range(4)] == [False, False, False, True]


def test_what_is_given_back_can_be_taken_again_and_is_never_more_than_all(attempts, limit):
    assert attempts.take([limit]) == 0
    for _ in range(3):
        attempts.give_back([limit])
    assert [attempts.take([limit]) > 0 for _ in range(4)] == [False, False, False, True]


def test_a_clock_that_was_hours_ahead_keeps_nobody_out_once_it_is_set_back(attempts, engine, limit):
    for _ in range(3):
        attempts.take([limit])
    pass_time(engine, limit, -7200)
    assert attempts.wait_s(limit) == 0
    assert [attempts.take([limit]) > 0 for _ in range(4)] == [False, False, False, True]
    assert attempts.wait_s(limit) <= 10


def test_an_attempt_that_one_limit_refuses_is_taken_from_none(attempts, engine, limit):
    other = Limit(uuid.uuid4().hex, 1, 3600)
    assert attempts.take([limit, other]) == 0
    before = rows(engine, limit, other)
    assert 3000 < attempts.take([limit, other]) <= 3600
    assert rows(engine, limit, other) == before


def test_of_attempts_at_two_pages_at_once_no_more_are_taken_than_there_are(postgres_url, limit):
    with database.opened(postgres_url) as one, database.opened(postgres_url) as other:
        pages = [Attempts(one), Attempts(other)]
        with ThreadPoolExecutor(8) as pool:
            waits = list(pool.map(lambda number: pages[number % 2].take([limit]), range(24)))
    assert sum(wait == 0 for wait in waits) == 3


def test_whose_attempts_are_all_back_is_forgotten_and_nobody_is_named(attempts, engine, limit):
    attempts.take([limit])
    pass_time(engine, limit, 11)
    other = Limit("a password in the wrong field", 3, 30)
    attempts.take([other])
    assert rows(engine, limit) == [None]
    with engine.connect() as connection:
        assert "password" not in str(connection.execute(text("SELECT * FROM sign_in_attempts")).all())
