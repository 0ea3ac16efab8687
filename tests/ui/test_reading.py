"""The answer as HTML."""

import re
from collections.abc import Callable
from dataclasses import replace

from db.records import Prediction
from ui.draw.outcome import BLANK, NoReading, Reading
from ui.draw.reading import reading_html

MakePrediction = Callable[..., Prediction]
DIGITS = tuple("0123456789")


def tags(html: str) -> list[str]:
    return re.findall(r"<(\w+)", html)


def answer(make_prediction: MakePrediction, coverage: float | None = None, **changes: object) -> str:
    return reading_html(Reading(make_prediction(**changes), "", is_kept=True, coverage=coverage), DIGITS)


def said(html: str) -> tuple[str, str]:
    (found,) = re.findall(r'"reading-headline">([^<]+)</p><p class="reading-detail">([^<]+)<', html)
    return found


def many(count: int, top: int) -> dict[str, float]:
    """Return as many labels, of which one is likely and the others are the less so the later they come."""
    others = {f"label {i:02}": 0.3 * (count - i) / count**2 for i in range(count)}
    return {**others, f"label {top:02}": 0.8}


def bars(html: str) -> list[tuple[str, str]]:
    """Return each bar's class and name, in the document's order."""
    return re.findall(r'<li class="([^"]+)".*?class="bar-name"[^>]*>([^<]+)<', html)


def test_up_to_12_bars_keep_the_models_order(make_prediction: MakePrediction) -> None:
    html = answer(make_prediction, predicted_label="label 09", probabilities=many(12, top=9))
    assert [name for _, name in bars(html)] == list(many(12, top=9))
    assert "--rank" not in html
    assert 'class="bars-more" aria-expanded="false" hidden' in html


def test_of_more_bars_the_ten_likeliest_come_first_and_the_others_unfold(
    make_prediction: MakePrediction,
) -> None:
    html = answer(make_prediction, predicted_label="label 24", probabilities=many(30, top=24))
    ranks = dict(zip(re.findall(r"--rank: (\d+)", html), bars(html), strict=True))
    assert ranks["0"] == ("bar is-top", "label 24")
    assert [ranks[str(rank)][1] for rank in range(1, 5)] == ["label 00", "label 01", "label 02", "label 03"]
    rest = {int(rank) for rank, (kind, _) in ranks.items() if "is-rest" in kind}
    assert rest == set(range(10, 30))
    assert ">All 30 labels</button>" in html
    # Each stays the bar that it is, whatever its rank: it glides.
    assert [name for _, name in bars(html)] == list(many(30, top=24))


def test_long_labels_are_written_smaller_and_have_more_room(make_prediction: MakePrediction) -> None:
    long = "Long-tailed broadbill (male, adult)"
    html = answer(make_prediction, predicted_label=long, probabilities={long: 0.9, "9": 0.1})
    assert '"reading-label is-long"' in html
    assert "has-long-labels" in html
    html = answer(make_prediction, predicted_label="Bag", probabilities={"Bag": 0.9, "9": 0.1})
    assert '"reading-label is-word"' in html
    assert "has-long-labels" not in html


def test_one_label_in_the_set_is_shown_as_without_a_set(make_prediction: MakePrediction) -> None:
    plain = make_prediction()
    in_set = replace(plain, label_set=("7",), is_digit=True)
    assert reading_html(Reading(in_set, "", True, coverage=0.99), DIGITS) == (
        reading_html(Reading(plain, "", True), DIGITS)
    )
    assert said(reading_html(Reading(plain, "", True), DIGITS)) == ("90.0 % sure", "or perhaps 0, 1.1 %")


def test_what_else_it_may_be_is_said_beside_how_sure_it_is(make_prediction: MakePrediction) -> None:
    sure = {"confidence": 0.988, "predicted_label": "1"}
    html = answer(make_prediction, 0.99, label_set=("1", "7"), is_digit=True, **sure)
    # Of this drawing that is not promised.
    promise = "Across all answers, 99 in 100 include the right label."
    assert said(html) == ("It may also be 7", f"98.8 % sure it is 1. {promise}")
    assert "99.5 in 100" in answer(make_prediction, 0.995, label_set=("1", "7"), **sure)
    html = answer(make_prediction, label_set=("1", "7", "4"), **sure)
    assert said(html) == ("It may also be 7 or 4", "98.8 % sure it is 1.")


def test_of_more_than_three_labels_the_nearest_are_named(make_prediction: MakePrediction) -> None:
    html = answer(make_prediction, 0.99, predicted_label="9", label_set=tuple("97541"))
    assert said(html) == ("Hard to say: most likely 9, 7 or 5", "5 of 10 labels cannot be ruled out.")


def test_labels_that_an_answer_left_out_have_their_places(make_prediction: MakePrediction) -> None:
    labels = [f"sign {number}" for number in range(300)]
    told = {"sign 20": 0.5, "sign 7": 0.2, "sign 120": 0.1}
    changes = {"predicted_label": "sign 20", "probabilities": told, "label_set": tuple(labels[20:25])}
    reading = Reading(make_prediction(**changes), "", is_kept=True, label_count=300)
    html = reading_html(reading, labels)
    assert [name for _, name in bars(html)] == labels
    shown = {name for kind, name in bars(html) if "is-rest" not in kind}
    assert len(shown) == 10
    assert set(told) < shown
    assert said(html)[1] == "5 of 300 labels cannot be ruled out."
    # Of a model whose labels nobody told it has what came.
    assert [name for _, name in bars(reading_html(reading, ()))] == list(told)


def test_what_is_no_digit_is_said_without_a_certainty(make_prediction: MakePrediction) -> None:
    html = answer(make_prediction, label_set=("4", "9"), is_digit=False)
    assert said(html) == ("That does not look like a digit", "If it is one, it is most likely 7.")
    assert "is-doubted" in html
    assert 'data-none="Not a digit"' in html


def test_models_of_other_things_do_not_speak_of_digits(make_prediction: MakePrediction) -> None:
    html = answer(
        make_prediction, predicted_label="Bag", probabilities={"Bag": 0.7, "9": 0.3}, is_digit=False
    )
    nearest = "If it is one of these, it is most likely Bag."
    assert said(html) == ("Unlike anything this model was trained on", nearest)
    assert 'data-none="None of these"' in html


def test_a_model_that_has_to_be_loaded_is_named_for_the_browser() -> None:
    html = reading_html(NoReading("digits-vit was idle", "Wait.", loads="digits-vit/1.0.0"), DIGITS)
    assert 'data-loads="digits-vit/1.0.0"' in html


def test_answers_to_two_drawings_are_never_alike(make_prediction: MakePrediction) -> None:
    for result in (NoReading("digits-vit was idle", "Wait."), Reading(make_prediction(), "", is_kept=True)):
        assert reading_html(result, DIGITS, 1) != reading_html(result, DIGITS, 2)
        assert 'data-sent="2"' in reading_html(result, DIGITS, 2)


def test_only_who_may_have_an_answer_later_can_ask_again(make_prediction: MakePrediction) -> None:
    again = NoReading("The model cannot be reached.", "Your drawing is still there.", can_ask_again=True)
    assert 'class="reading-again">' in reading_html(again, DIGITS)
    refused = NoReading("Nothing to read yet", "Nothing is drawn.")
    for html in (reading_html(refused, DIGITS), reading_html(BLANK, DIGITS), answer(make_prediction)):
        assert 'class="reading-again" hidden>' in html


def test_what_is_not_stored_cannot_be_judged(make_prediction: MakePrediction) -> None:
    private = Reading(make_prediction(), "", is_kept=False, is_private=True)
    assert 'data-prediction=""' in reading_html(private, DIGITS)


def test_every_state_has_the_same_elements(make_prediction: MakePrediction) -> None:
    answer = reading_html(Reading(make_prediction(), "data:image/png;base64,AAAA", is_kept=True), DIGITS)
    message = reading_html(NoReading("The model is busy or still starting.", "Add a stroke."), DIGITS)
    doubted = Reading(make_prediction(label_set=("4", "9"), is_digit=False), "", True)
    assert tags(answer) == tags(message) == tags(reading_html(BLANK, DIGITS))
    assert tags(answer) == tags(reading_html(doubted, DIGITS))


def test_what_is_nearly_certain_is_not_called_certain(make_prediction: MakePrediction) -> None:
    prediction = make_prediction(confidence=0.99996)
    assert "&gt; 99.9 % sure" in reading_html(Reading(prediction, "", is_kept=True), DIGITS)


def test_an_answer_that_is_not_recorded_says_so(make_prediction: MakePrediction) -> None:
    assert "not in the history" in reading_html(Reading(make_prediction(), "", is_kept=False), DIGITS)


def test_texts_from_the_server_cannot_bring_markup_into_the_page(make_prediction: MakePrediction) -> None:
    prediction = make_prediction(
        predicted_label="<b>",
        probabilities={"<b>": 1.0},
        model_version='"><i>',
    )
    html = reading_html(Reading(prediction, '"><u>', is_kept=True), DIGITS)
    refused = reading_html(NoReading("Nothing to read yet", "<em>"), DIGITS)
    assert not {"b", "i", "u", "em"} & {*tags(html), *tags(refused)}
