"""Whoever wants to teach the model what is wrong gets nothing in, or no more than a stated bound."""

from collections import Counter

import pytest

from db.judged import FORGOTTEN
from loop.choosing import (
    MOST_OF_KIND,
    MOST_OF_NETWORK,
    MOST_OF_SESSION,
    MOST_REVIEWS_OF_SESSION,
    choose,
)
from loop.trust import BOUND, EASY_WORTH, PROVEN, Trust
from tests.loop.judging import OF_THE_GATE, OF_TRAINING, judged, picture, reviewed, sure, unsure

HONEST, LIARS = OF_TRAINING[:20], OF_TRAINING[20:40]


def honest_visitors():
    """Return what visitors do: each confirms twelve digits, and corrects three crossed sevens and a one."""
    return [
        one
        for session in HONEST
        for one in [
            *[judged(session, label, sure(label)) for label in "012345678900"],
            *[judged(session, "7", unsure("4", "7", 0.02)) for _ in range(3)],
            judged(session, "1", unsure("7", "1", 0.3)),
        ]
    ]


def of_session(example, judgements):
    """Return who said what was taken."""
    return next(one.said_by for one in judgements if one.id == example.prediction_id)


def of_liars(choice):
    """Return what is taken of what is not so."""
    return [one for one in choice.examples if one.label == "8"]


def test_one_session_that_calls_every_three_an_eight_gets_nothing_in():
    honest = honest_visitors()
    alone = choose(honest, set(), set())
    # Most threes are plain ones, and some are not.
    lies = [judged(LIARS[0], "8", sure("3")) for _ in range(190)]
    lies += [judged(LIARS[0], "8", unsure("3", "8")) for _ in range(10)]
    choice = choose(honest + lies, set(), set())
    assert choice.trust[LIARS[0]].mean < 0.03
    taken = {(one.prediction_id, one.label) for one in choice.examples}
    assert taken == {(one.prediction_id, one.label) for one in alone.examples}
    assert choice.left_out == {**alone.left_out, "improbable": 190, "untrusted": 10}
    # Nor does it hide others from the operators.
    shown = Counter(one.prediction_id in {lie.id for lie in lies} for one in choice.reviews)
    assert shown[True] == MOST_REVIEWS_OF_SESSION


def test_twenty_colluding_sessions_get_nothing_plain_in():
    lies = [judged(session, "8", sure("3")) for session in LIARS for _ in range(10)]
    choice = choose(honest_visitors() + lies, set(), set())
    assert of_liars(choice) == [one for one in choice.examples if one.label == "8"][: len(HONEST)]
    assert {one.prediction_id for one in choice.examples}.isdisjoint(lie.id for lie in lies)
    assert all(not choice.trust[session].is_enough for session in LIARS)


def test_twenty_who_lie_of_doubtful_pictures_alone_are_bounded_together():
    lies = [judged(session, "8", unsure("3", "8")) for session in LIARS for _ in range(10)]
    choice = choose(lies, set(), set())
    assert len(of_liars(choice)) == MOST_OF_KIND
    # Each of them is shown to an operator, and one look is enough for all that a session said.
    audited = {one.prediction_id for one in choice.reviews if one.why == "informative"}
    assert len(audited) == len(LIARS)
    looked_at = [reviewed(one, "3") if one.id in audited else one for one in lies]
    learnt = {(one.picture, one.label) for one in choice.examples}
    assert of_liars(choose(looked_at, learnt, set())) == []


def test_all_kinds_of_lies_of_one_session_are_bounded_together():
    kinds = [(read_as, label) for read_as in "0123456789" for label in "0123456789" if read_as != label]
    lies = [judged(LIARS[0], label, unsure(read_as, label)) for read_as, label in kinds]
    assert len(choose(lies, set(), set()).examples) == MOST_OF_SESSION


def all_kinds_of_lies(sessions, network):
    """Return a lie of each of 90 kinds of each session: no bound of a kind holds up so many."""
    kinds = [(read_as, label) for read_as in "0123456789" for label in "0123456789" if read_as != label]
    return [
        judged(session, label, unsure(read_as, label), network=network)
        for session in sessions
        for read_as, label in kinds
    ]


@pytest.mark.parametrize("network", [b"n" * 16, FORGOTTEN], ids=["known", "forgotten"])
def test_twenty_behind_one_network_have_no_more_weight_than_one(network):
    lies = all_kinds_of_lies(LIARS, network)
    choice = choose(lies, set(), set())
    assert len(choice.examples) == MOST_OF_NETWORK == MOST_OF_SESSION
    # By turns: one of them does not keep the others out.
    assert len({of_session(one, lies) for one in choice.examples}) == len(LIARS)
    # Those of other networks have their own, whatever these do.
    honest = [judged(session, "7", unsure("4", "7"), network=session.encode()) for session in HONEST[:10]]
    both = choose(lies + honest, set(), set())
    assert {one.id for one in honest} <= {one.prediction_id for one in both.examples}
    assert len(both.examples) == MOST_OF_NETWORK + len(honest)


def test_a_session_that_operators_confirmed_is_not_held_up_by_its_network():
    ada, network = HONEST[0], b"n" * 16
    confirmed = [reviewed(judged(ada, "7", sure("4")), "7") for _ in range(4)]
    hers = [judged(ada, "7", unsure("4", "7"), network=network) for _ in range(15)]
    choice = choose(all_kinds_of_lies(LIARS, network) + confirmed + hers, set(), set())
    assert {one.id for one in hers} <= {one.prediction_id for one in choice.examples}


def agreeing(sessions, networks, count):
    """Return what sessions say alike of as many pictures, of which the model was not sure."""
    return [
        judged(session, "8", unsure("3", "8"), picture=picture(("shared", number)), network=network)
        for session, network in zip(sessions, networks, strict=True)
        for number in range(count)
    ]


def test_sessions_of_different_networks_that_agree_are_trusted_more():
    networks = [session.encode() for session in HONEST[:2]]
    odd = judged(HONEST[0], "9", sure("1"))
    assert not choose([odd, *agreeing(HONEST[:1], networks[:1], 10)], set(), set()).trust[HONEST[0]].is_enough
    agreed = choose([odd, *agreeing(HONEST[:2], networks, 10)], set(), set())
    assert agreed.trust[HONEST[0]] == Trust(easy=10, odd=1)
    assert agreed.trust[HONEST[0]].is_enough
    # Two of one network may be one person.
    same = choose([odd, *agreeing(HONEST[:2], networks[:1] * 2, 10)], set(), set())
    assert same.trust[HONEST[0]] == Trust(odd=1)


def test_to_agree_on_what_is_improbable_or_contradicted_earns_nothing():
    both = [judged(session, "8", sure("3"), picture=picture("p")) for session in HONEST[:2]]
    assert choose(both, set(), set()).trust[HONEST[0]] == Trust(odd=1)
    three = agreeing(HONEST[:2], [b"1", b"2"], 1)
    other = judged(HONEST[2], "3", unsure("3", "8"), picture=three[0].picture)
    assert choose([*three, other], set(), set()).trust[HONEST[0]] == Trust(odd=1)


def test_twenty_who_agree_among_themselves_gain_what_ten_plain_digits_would_have_given_them():
    networks = [session.encode() for session in LIARS]
    lies = [judged(session, "8", unsure("3", "8")) for session in LIARS for _ in range(10)]
    odd = [judged(session, "8", sure("3")) for session in LIARS for _ in range(2)]
    plain = [judged(session, "1", sure("1")) for session in LIARS for _ in range(1_000)]
    agreed = choose(lies + agreeing(LIARS, networks, 500), set(), set())
    best = choose(lies + plain, set(), set()).trust[LIARS[0]]
    assert all(trust.mean == best.mean for trust in agreed.trust.values())
    assert len(of_liars(agreed)) == MOST_OF_KIND
    # Nor does it make up for two that are improbable.
    doubted = choose(lies + odd + agreeing(LIARS, networks, 500), set(), set())
    assert (of_liars(doubted), doubted.trust[LIARS[0]].is_enough) == ([], False)


def test_who_was_confirmed_and_lies_then_is_bounded_and_found_out():
    truths = [reviewed(judged(LIARS[0], "7", sure("4")), "7") for _ in range(4)]
    lies = [judged(LIARS[0], "8", unsure("3", "8")) for _ in range(100)]
    choice = choose(truths + lies, set(), set())
    assert len(of_liars(choice)) == MOST_OF_KIND
    # A look at each of two runs, and nothing that it says is used any more.
    for _ in range(2):
        shown = {one.prediction_id for one in choice.reviews if one.why == "informative"}
        lies = [reviewed(one, "3") if one.id in shown else one for one in lies]
        learnt = {(one.picture, one.label) for one in choice.examples}
        choice = choose(truths + lies, learnt, set())
    assert choice.trust[LIARS[0]] == Trust(right=4, wrong=2)
    assert of_liars(choice) == []


def test_who_confirms_a_thousand_easy_ones_first_gains_next_to_nothing():
    easy = [judged(LIARS[0], "1", sure("1")) for _ in range(1_000)]
    lies = [judged(LIARS[0], "8", sure("3")) for _ in range(2)]
    lies += [judged(LIARS[0], "8", unsure("3", "8")) for _ in range(10)]
    choice = choose(easy + lies, set(), set())
    assert (choice.examples, choice.left_out) == ([], {"improbable": 2, "untrusted": 1_010})


def test_who_confirms_what_is_wrong_is_bounded_as_well():
    lies = [judged(session, "4", unsure("4", "7")) for session in LIARS for _ in range(10)]
    assert len(choose(lies, set(), set()).examples) == MOST_OF_KIND


def test_sessions_that_were_picked_to_measure_are_bounded_as_well():
    lies = [judged(session, "8", unsure("3", "8")) for session in OF_THE_GATE for _ in range(10)]
    choice = choose(lies, set(), set())
    assert [one.part for one in choice.examples] == ["gate"] * MOST_OF_KIND


def test_honest_sessions_get_through():
    choice = choose(honest_visitors(), set(), set())
    assert all(trust.is_enough for trust in choice.trust.values())
    labels = Counter(one.label for one in choice.examples)
    assert labels["7"] == 2 * MOST_OF_KIND  # those that were read as 4, and those that were read as 7
    assert labels["1"] == 2 * MOST_OF_KIND


def test_a_visitor_whose_sevens_the_model_cannot_read_is_believed_once_an_operator_has_looked():
    writer = HONEST[0]
    sevens = [judged(writer, "7", sure("4")) for _ in range(30)]
    assert choose(sevens, set(), set()).examples == []
    shown = {one.prediction_id for one in choose(sevens, set(), set()).reviews}
    confirmed = [reviewed(one, "7") if one.id in shown else one for one in sevens]
    plausible = [judged(writer, "7", unsure("4", "7")) for _ in range(5)]
    choice = choose(confirmed + plausible, set(), set())
    assert choice.trust[writer] == Trust(right=MOST_REVIEWS_OF_SESSION, odd=30 - MOST_REVIEWS_OF_SESSION)
    # The other improbable ones wait for the next looks.
    assert len(choice.examples) == MOST_REVIEWS_OF_SESSION + 5
    assert choice.left_out == {"improbable": 20}


@pytest.mark.parametrize(
    ("trust", "is_enough"),
    [
        (Trust(), True),
        (Trust(odd=1), False),
        (Trust(odd=1, easy=10), True),
        (Trust(odd=2, easy=10_000), False),
        (Trust(wrong=2, easy=10_000), False),
        (Trust(wrong=1), False),
        (Trust(wrong=1, right=1), False),
        (Trust(wrong=1, right=2), True),
        (Trust(wrong=2, right=4), False),
        (Trust(right=2, odd=2), False),
        (Trust(right=3, odd=20), True),
    ],
)
def test_one_lie_costs_more_than_a_truth_earns(trust, is_enough):
    assert trust.is_enough == is_enough, (trust.mean, BOUND, EASY_WORTH)
    assert trust.is_proven == (is_enough and trust.right >= PROVEN)
