"""What is taken of the judged drawings, what is left out and why, and what operators are shown first."""

from collections import Counter

from loop.choosing import MOST_OF_KIND, MOST_OF_PROVEN, MOST_OF_SESSION, choose, closeness, is_gate_session
from tests.loop.judging import OF_THE_GATE, OF_TRAINING, corrected, judged, picture, reviewed, sure, unsure

ADA, GRACE, JOAN = OF_TRAINING[:3]
HELEN = OF_THE_GATE[0]


def parts(choice):
    return Counter(one.part for one in choice.examples)


def test_what_is_plausible_is_taken_with_what_was_said():
    one = judged(ADA, "7", unsure("4", "7"))
    other = judged(ADA, "1", sure("1"))
    choice = choose([one, other], set(), set())
    assert {(of.prediction_id, of.part, of.label) for of in choice.examples} == {
        (one.id, "train", "7"),
        (other.id, "train", "1"),
    }
    assert choice.new == {one.picture, other.picture}
    assert choice.left_out == {}


def test_a_fifth_of_the_sessions_only_ever_measures():
    gate = [is_gate_session(f"session {number}") for number in range(5_000)]
    assert 0.18 < sum(gate) / len(gate) < 0.22
    drawn = [judged(session, "7", unsure("4", "7")) for session in (ADA, HELEN)]
    assert [one.part for one in choose(drawn[:1], set(), set()).examples] == ["train"]
    assert [one.part for one in choose(drawn[1:], set(), set()).examples] == ["gate"]


def test_a_picture_that_a_session_of_the_gate_drew_never_trains():
    same = [judged(session, "7", unsure("4", "7"), picture=picture("same")) for session in (ADA, HELEN)]
    assert parts(choose(same, set(), set())) == {"gate": 1}
    # Nor where that session's judgement counts for nothing, or its drawing was deleted after a run took it.
    liar = [judged(HELEN, "9", sure("1")) for _ in range(9)]
    assert parts(choose([*liar, *same], set(), set())) == {"gate": 1}
    assert parts(choose(same[:1], set(), {picture("same")})) == {"gate": 1}


def test_a_picture_counts_once():
    same = [judged(session, "7", unsure("4", "7"), picture=picture("same")) for session in (ADA, GRACE, ADA)]
    choice = choose(same, set(), set())
    assert [one.prediction_id for one in choice.examples] == [same[0].id]
    assert choice.left_out == {"duplicate": 2}


def test_what_sessions_contradict_each_other_in_is_for_an_operator_first_of_all():
    both = [judged(session, "7", unsure("4", "7"), picture=picture("both")) for session in (ADA, GRACE)]
    other = judged(JOAN, "4", unsure("4", "7"), picture=picture("both"))
    odd = judged("another", "9", sure("1"))
    choice = choose([odd, *both, other], set(), set())
    assert choice.examples == []
    assert [(one.prediction_id, one.why) for one in choice.reviews] == [
        (both[0].id, "contradicted"),
        (odd.id, "improbable"),
    ]
    # What an operator says of one of them holds for the picture.
    decided = choose([odd, *both, reviewed(other, "7")], set(), set())
    assert [(one.label, one.picture) for one in decided.examples] == [("7", picture("both"))]


def test_what_the_model_held_for_nearly_impossible_is_for_an_operator():
    rare = judged(ADA, "7", unsure("4", "7", 0.0011))
    impossible = [
        judged(ADA, "7", unsure("4", "7", 0.0009)),
        judged(ADA, "seven", unsure("4", "7")),
        judged(ADA, None, sure("4")),
    ]
    # One at a time: together they speak against their session.
    assert len(choose([rare], set(), set()).examples) == 1
    for one in impossible:
        choice = choose([one], set(), set())
        assert choice.examples == []
        assert [(of.prediction_id, of.why) for of in choice.reviews] == [(one.id, "improbable")]


def test_improbable_ones_are_shown_by_their_nearness_to_another_answer():
    near = judged(ADA, "7", {"4": 0.5, "9": 0.4996, "7": 0.0004})
    far = judged(GRACE, "7", sure("4"))
    assert [one.prediction_id for one in choose([far, near], set(), set()).reviews] == [near.id, far.id]
    assert closeness({"4": 0.5, "9": 0.5}) == 1.0
    assert closeness({"4": 1.0}) == 0.0
    assert closeness({}) == 1.0


def test_an_operators_word_counts_without_any_bound():
    drawn = [judged(ADA, "8", sure("3")) for _ in range(300)]
    choice = choose([reviewed(one, "3") for one in drawn], set(), set())
    assert Counter(one.label for one in choice.examples) == {"3": 300}
    in_the_history = [corrected(judged(None, None, sure("8"), drawn_by=ADA), "3") for _ in range(300)]
    assert parts(choose(in_the_history, set(), set())) == {"train": 300}
    decided = judged(None, None, unsure("4", "7"), drawn_by=ADA)
    choice = choose([reviewed(decided, None, "not_a_digit")], set(), set())
    assert [one.label for one in choice.examples] == [None]


def test_of_what_operators_say_of_a_picture_the_latest_counts():
    slip = corrected(reviewed(judged(ADA, "7", unsure("4", "7")), "9"), "7", days=1)
    earlier = corrected(judged(ADA, "3", sure("8")), "3", days=1)
    later = corrected(judged(ADA, "8", sure("8"), picture=earlier.picture), "8")
    found = {one.picture: one.label for one in choose([slip, earlier, later], set(), set()).examples}
    assert found == {slip.picture: "7", earlier.picture: "3"}
    reviewed_later = reviewed(corrected(judged(ADA, "7", unsure("4", "7")), "7", days=-1), "9")
    assert choose([reviewed_later], set(), set()).examples[0].label == "9"


def test_trust_moves_by_what_operators_say_in_the_history_too():
    liar = [corrected(judged(ADA, "7", unsure("4", "7")), "4") for _ in range(3)]
    honest = [corrected(judged(GRACE, "7", unsure("4", "7")), "7") for _ in range(3)]
    trust = choose(liar + honest, set(), set()).trust
    assert (trust[ADA].right, trust[ADA].wrong, trust[ADA].is_enough) == (0, 3, False)
    assert (trust[GRACE].right, trust[GRACE].wrong, trust[GRACE].is_proven) == (3, 0, True)


def test_what_an_operator_skips_is_not_used_and_not_shown_again():
    one = judged(ADA, "7", unsure("4", "7"))
    choice = choose([reviewed(one, None, "skip")], set(), set())
    assert (choice.examples, choice.reviews, choice.left_out) == ([], [], {"skipped": 1})


def test_a_session_trains_with_so_many_a_run_and_corrections_come_first():
    drawn = [judged(ADA, "1", sure("1")) for _ in range(MOST_OF_SESSION)]
    corrections = [judged(ADA, label, unsure("4", label)) for label in "012356789" for _ in range(3)]
    choice = choose(drawn + corrections, set(), set())
    assert len(choice.examples) == MOST_OF_SESSION
    assert {one.prediction_id for one in choice.examples} <= {one.id for one in corrections}
    assert choice.left_out == {"over_cap": 27}
    # What has trained already is no longer new, and the next ones follow.
    learnt = {(one.picture, one.label) for one in choice.examples}
    again = choose(drawn + corrections, learnt, set())
    assert len(again.examples) == 2 * MOST_OF_SESSION
    assert len(again.new) == MOST_OF_SESSION


def test_a_session_that_operators_confirmed_may_say_more():
    confirmed = [reviewed(judged(ADA, "7", sure("4")), "7") for _ in range(3)]
    more = [judged(ADA, label, unsure("4", label)) for label in "012356789" for _ in range(MOST_OF_KIND)]
    choice = choose(confirmed + more, set(), set())
    assert len(choice.examples) == 3 + MOST_OF_PROVEN
    assert choice.left_out == {"over_cap": 9 * MOST_OF_KIND - MOST_OF_PROVEN}
    of_one_kind = [judged(ADA, "7", unsure("4", "7")) for _ in range(MOST_OF_KIND + 1)]
    others = [judged(session, "7", unsure("4", "7")) for session in OF_TRAINING[50:80] for _ in range(2)]
    assert len(choose(confirmed + of_one_kind + others, set(), set()).examples) == 3 + 2 * MOST_OF_KIND


def test_of_every_session_one_correction_is_looked_at_and_nobody_knows_which():
    drawn = {
        session: [judged(session, "7", unsure("4", "7")) for _ in range(3)] for session in OF_TRAINING[:5]
    }
    drawn[ADA] += [reviewed(judged(ADA, "7", sure("4")), "7") for _ in range(3)]
    everything = [one for some in drawn.values() for one in some]
    seen = set()
    for salt in map(str, range(20)):
        reviews = choose(everything, set(), set(), salt=salt).reviews
        looked_at = {one.prediction_id for one in reviews}
        assert {one.why for one in reviews} == {"informative"}
        assert [sum(one.id in looked_at for one in some) for some in drawn.values()] == [1] * 5
        seen |= looked_at
    assert len(seen) == 15


def test_those_after_a_sessions_first_have_to_wait():
    many = [judged(ADA, "9", {"4": 0.5, "1": 0.4996, "9": 0.0004}) for _ in range(5)]
    one = judged(GRACE, "9", {"4": 0.7, "1": 0.2996, "9": 0.0004})
    reviews = [of.prediction_id for of in choose([*many, one], set(), set()).reviews]
    assert reviews.index(one.id) == 1


def test_what_nobody_judged_is_asked_about_where_that_tells_most():
    nobody = judged(None, None, unsure("4", "7", 0.5))
    other = judged(None, None, unsure("4", "7", 0.4))
    choice = choose([], set(), set(), [(one.id, one.probabilities) for one in (other, nobody)])
    assert [one.prediction_id for one in choice.reviews] == [nobody.id, other.id]


def test_the_same_drawings_give_the_same_choice_in_whatever_order_they_are_equal():
    drawn = [
        judged(session, label, unsure("4", label), created_at=None)
        for session in OF_TRAINING[:30]
        for label in "79"
    ]
    assert choose(drawn, set(), set()) == choose(drawn, set(), set())
    taken = {one.prediction_id for one in choose(drawn, set(), set()).examples}
    assert taken == {one.prediction_id for one in choose(drawn[::-1], set(), set()).examples}
    assert len(taken) == 2 * MOST_OF_KIND
