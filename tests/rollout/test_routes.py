"""Who gets which version, and what is counted of it."""

import uuid
from datetime import UTC, datetime

import pytest

from client.errors import Busy, NotLoaded, Unreachable
from db.serving import Serving
from rollout.routes import DEFAULT, Routes, Tally, is_tried_on

SESSIONS = [uuid.UUID(int=number).hex for number in range(10_000)]
TRIED = Serving("digits", "1.0.0", None, "1.1.0", 5, 0, "", datetime(2026, 1, 1, tzinfo=UTC))
WATCHED = Serving("digits", "1.1.0", "1.0.0", None, 0, 0, "", datetime(2026, 1, 1, tzinfo=UTC))
READY = {("digits", "1.0.0"), ("digits", "1.1.0")}


def tried_on(share: int, version: str = "1.1.0") -> set[str]:
    return {session for session in SESSIONS if is_tried_on(session, "digits", version, share)}


def routes(serving: Serving, ready: set[tuple[str, str]] = READY) -> Routes:
    found = Routes()
    found.update([serving], ready)
    return found


@pytest.mark.parametrize("share", [5, 25, 100])
def test_a_version_is_tried_on_its_share_of_sessions(share: int) -> None:
    # Four standard deviations of a binomial share.
    assert abs(len(tried_on(share)) / len(SESSIONS) - share / 100) <= 4 * (share * (100 - share)) ** 0.5 / 1e4


def test_who_has_a_version_keeps_it_as_the_share_grows() -> None:
    assert tried_on(0) == set()
    assert tried_on(5) < tried_on(25) < tried_on(100) == set(SESSIONS)


def test_another_version_is_tried_on_others() -> None:
    both = tried_on(5) & tried_on(5, "1.2.0")
    assert len(both) < 0.2 * len(tried_on(5))


def test_a_session_that_is_among_them_asks_the_candidate_and_then_the_default() -> None:
    one = min(tried_on(5))
    other = min(set(SESSIONS) - tried_on(5))
    assert routes(TRIED).versions("digits", one) == ["1.1.0", DEFAULT]
    assert routes(TRIED).versions("digits", other) == [DEFAULT]
    assert routes(TRIED).versions("digits", None) == [DEFAULT]
    assert routes(TRIED).versions("fashion", one) == [DEFAULT]
    assert Routes().versions("digits", one) == [DEFAULT]


def test_a_candidate_that_has_no_worker_is_not_asked() -> None:
    assert routes(TRIED, {("digits", "1.0.0")}).versions("digits", min(tried_on(5))) == [DEFAULT]


def test_where_a_new_default_fails_the_one_before_it_is_asked() -> None:
    assert routes(WATCHED).versions("digits", None) == [DEFAULT, "1.0.0"]
    assert routes(WATCHED, {("digits", "1.1.0")}).versions("digits", None) == [DEFAULT]


def test_what_failed_is_counted_once() -> None:
    found = routes(TRIED)
    found.asked("digits", "1.1.0")
    found.asked("digits", "1.1.0", Unreachable("The model could not answer (status 500)."))
    found.asked("digits", "1.1.0", Busy("busy"))
    assert found.taken("digits", "1.1.0") == Tally(3, 1, 1, "busy")
    assert found.taken("digits", "1.1.0") == Tally()


def test_a_new_default_is_counted_by_its_version() -> None:
    found = routes(WATCHED)
    found.asked("digits", DEFAULT, Unreachable("gone"))
    assert found.taken("digits", "1.1.0") == Tally(1, 1, 0, "gone")


def test_a_torchserve_that_was_started_again_is_no_fault_of_the_candidates() -> None:
    found, session = routes(TRIED), min(tried_on(5))
    found.asked("digits", "1.1.0", NotLoaded("The model is not loaded."))
    assert found.taken("digits", "1.1.0") == Tally()
    # It is asked again once it is seen ready.
    assert found.versions("digits", session) == [DEFAULT]
    found.update([TRIED], READY)
    assert found.versions("digits", session) == ["1.1.0", DEFAULT]
