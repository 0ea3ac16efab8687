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


def test_bars_and_buttons_keep_the_models_order(make_prediction: MakePrediction) -> None:
    probabilities = {"Trouser": 0.2, "Bag": 0.7, "Ankle boot": 0.1}
    prediction = make_prediction(predicted_label="Bag", confidence=0.7, probabilities=probabilities)
    html = reading_html(Reading(prediction, "", is_kept=True), DIGITS)
    assert re.findall(r'"bar-name">([^<]+)<', html) == list(probabilities)
    assert re.findall(r'data-label="([^"]+)"', html) == list(probabilities)
    assert "70.0 % sure" in html
    assert "or perhaps Trouser, 20.0 %" in html


def test_several_labels_in_the_set_are_the_headline(make_prediction: MakePrediction) -> None:
    reading = Reading(make_prediction(label_set=("4", "9"), is_digit=True), "", True, coverage=0.99)
    html = reading_html(reading, DIGITS)
    assert '"reading-headline">4 or 9<' in html
    # Of this drawing that is not promised.
    assert "Likeliest first. Of all answers, 99 in 100 name the right one." in html
    assert "99.5 in 100" in reading_html(replace(reading, coverage=0.995), DIGITS)


def test_one_label_in_the_set_is_shown_as_without_a_set(make_prediction: MakePrediction) -> None:
    plain = make_prediction()
    in_set = replace(plain, label_set=("7",), is_digit=True)
    assert reading_html(Reading(in_set, "", True, coverage=0.99), DIGITS) == (
        reading_html(Reading(plain, "", True), DIGITS)
    )


def test_of_many_labels_the_first_are_named(make_prediction: MakePrediction) -> None:
    html = reading_html(Reading(make_prediction(label_set=DIGITS), "", True), DIGITS)
    assert '"reading-headline">0, 1, 2, 3 or one of 6 more<' in html
    assert '"reading-detail">Likeliest first.<' in html
    assert ">0, 1, 2 or 3<" in reading_html(Reading(make_prediction(label_set=DIGITS[:4]), "", True), DIGITS)


def test_what_is_no_digit_is_said_and_can_be_corrected(make_prediction: MakePrediction) -> None:
    reading = Reading(make_prediction(label_set=("4", "9"), is_digit=False), "", True)
    html = reading_html(reading, DIGITS)
    assert "That does not look like a digit" in html
    assert "If it is one: 7, 90.0 % sure" in html
    assert "4 or 9" not in html
    assert " disabled>" not in html


def test_a_model_that_has_to_be_loaded_is_named_for_the_browser() -> None:
    html = reading_html(NoReading("digits-vit was idle", "Wait.", loads="digits-vit/1.0.0"), DIGITS)
    assert 'data-loads="digits-vit/1.0.0"' in html


def test_answers_to_two_drawings_are_never_alike(make_prediction: MakePrediction) -> None:
    for result in (NoReading("digits-vit was idle", "Wait."), Reading(make_prediction(), "", is_kept=True)):
        assert reading_html(result, DIGITS, 1) != reading_html(result, DIGITS, 2)
        assert 'data-sent="2"' in reading_html(result, DIGITS, 2)


def test_labels_of_several_letters_are_written_smaller(make_prediction: MakePrediction) -> None:
    prediction = make_prediction(predicted_label="Bag", probabilities={"Bag": 0.7, "9": 0.3})
    html = reading_html(Reading(prediction, "", is_kept=True), DIGITS)
    assert re.findall(r'class="(is-\w+)" data-label="(\w+)"', html) == [
        ("is-word", "Bag"),
        ("is-letter", "9"),
    ]
    assert '"reading-label is-word"' in html


def test_buttons_work_only_where_there_is_a_prediction(make_prediction: MakePrediction) -> None:
    assert reading_html(BLANK, DIGITS).count(" disabled>") == 10
    assert " disabled>" not in reading_html(Reading(make_prediction(), "", is_kept=True), DIGITS)


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
