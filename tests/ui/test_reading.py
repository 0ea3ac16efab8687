"""The answer as HTML."""

import re
from collections.abc import Callable

from db.records import Prediction
from ui.outcome import BLANK, NoReading, Reading
from ui.reading import reading_html

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


def test_buttons_work_only_where_there_is_a_prediction(make_prediction: MakePrediction) -> None:
    assert reading_html(BLANK, DIGITS).count(" disabled>") == 10
    assert " disabled>" not in reading_html(Reading(make_prediction(), "", is_kept=True), DIGITS)


def test_every_state_has_the_same_elements(make_prediction: MakePrediction) -> None:
    answer = reading_html(Reading(make_prediction(), "data:image/png;base64,AAAA", is_kept=True), DIGITS)
    message = reading_html(NoReading("The model is busy or still starting.", "Add a stroke."), DIGITS)
    assert tags(answer) == tags(message) == tags(reading_html(BLANK, DIGITS))


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
