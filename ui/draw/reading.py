"""The answer as HTML: label, confidence, bars in the model's order, the frame, and buttons to correct it."""

from collections.abc import Sequence
from html import escape

from ui.draw.outcome import NoReading, Reading

# More labels than these would fill the headline.
MOST_NAMED = 4
PRIVATE = "not stored, as you chose"
NOT_KEPT = "not in the history: there is no room for it now"


def reading_html(reading: Reading | NoReading, labels: Sequence[str], sent: int = 0) -> str:
    """Return the panel for an answer, or for why there is none.

    Args:
        reading: What became of a drawing.
        labels: They are shown while there is no answer.
        sent: The drawing's number, from `read_sent`; by it reading.js knows whether a newer one was sent.

    Every state has the same elements in the same order, so that the browser changes them in place and
    the bars glide from one answer to the next.
    """
    if isinstance(reading, NoReading):
        return _panel(
            state="message" if reading.title else "blank",
            headline=reading.title or "Draw one of these",
            detail=reading.advice or "It is read as the pen lifts. A picture of one will do, too.",
            probabilities=dict.fromkeys(labels, 0.0),
            loads=reading.loads,
            sent=sent,
        )
    prediction = reading.prediction
    meta = f"{prediction.model_name} {prediction.model_version} · {prediction.latency_ms:.0f} ms"
    if not (reading.is_kept or reading.is_interim):
        meta += f" · {PRIVATE if reading.is_private else NOT_KEPT}"
    headline, detail = _words(reading)
    return _panel(
        state="answer is-doubted" if prediction.is_digit is False else "answer",
        headline=headline,
        detail=detail,
        probabilities=prediction.probabilities,
        sent=sent,
        # What is not stored can be neither corrected nor explained.
        prediction_id="" if reading.is_private else str(prediction.id),
        label=prediction.predicted_label,
        frame=reading.frame,
        meta=meta,
    )


def _panel(
    state: str,
    headline: str,
    detail: str,
    probabilities: dict[str, float],
    sent: int,
    prediction_id: str = "",
    label: str = "",
    frame: str = "",
    meta: str = "",
    loads: str = "",
) -> str:
    is_disabled = "" if prediction_id else " disabled"
    bars = "".join(_bar(name, p, is_top=name == label) for name, p in probabilities.items())
    buttons = "".join(
        f'<button type="button" class="{_size(name)}" data-label="{escape(name)}" '
        f'aria-pressed="false"{is_disabled}>'
        f"{escape(name)}</button>"
        for name in probabilities
    )
    # A 1x1 transparent GIF keeps the element where there is no frame.
    source = escape(frame) or "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="
    return (
        f'<section class="reading is-{state}" data-prediction="{prediction_id}" data-sent="{sent}" '
        f'data-loads="{escape(loads)}">'
        f'<div class="reading-head" aria-live="polite">'
        f'<div class="reading-label {_size(label)}" data-testid="label">{escape(label)}</div>'
        f'<div class="reading-words"><p class="reading-headline">{escape(headline)}</p>'
        f'<p class="reading-detail">{escape(detail)}</p></div>'
        f'<figure class="reading-frame"><img alt="The 28 by 28 frame that the network saw" src="{source}">'
        f"<figcaption>what the network saw</figcaption></figure></div>"
        f'<ol class="bars" aria-label="Probability of each label">{bars}</ol>'
        f'<div class="judge" role="group" aria-label="What it really was">'
        f'<p class="judge-question">It really was</p><div class="judge-labels">{buttons}</div></div>'
        f'<p class="reading-meta">{escape(meta)}</p></section>'
    )


def _bar(name: str, probability: float, is_top: bool) -> str:
    width = f"{100 * probability:.2f}%"
    return (
        f'<li class="bar{" is-top" if is_top else ""}"><span class="bar-name">{escape(name)}</span>'
        f'<span class="bar-track"><span class="bar-fill" style="width: {width}"></span></span>'
        f'<span class="bar-value">{_percent(probability)}</span></li>'
    )


def _words(reading: Reading) -> tuple[str, str]:
    """Return headline and detail: how sure the model is, which labels it leaves open, or that it doubts."""
    prediction = reading.prediction
    sure = f"{_percent(prediction.confidence)} sure"
    if prediction.is_digit is False:
        return "That does not look like a digit", f"If it is one: {prediction.predicted_label}, {sure}"
    if len(label_set := prediction.label_set or ()) > 1:
        return _one_of(label_set), f"Likeliest first.{_promise(reading.coverage)}"
    return sure, _runner_up(prediction.probabilities, prediction.predicted_label)


def _promise(coverage: float | None) -> str:
    """Return how often sets hold the right label: over all answers, since of hard ones that says little."""
    return "" if coverage is None else f" Of all answers, {100 * coverage:g} in 100 name the right one."


def _one_of(labels: Sequence[str]) -> str:
    """Return the labels as people list them; of many the first ones, and how many more."""
    named, others = labels[:MOST_NAMED], len(labels) - MOST_NAMED
    if others > 0:
        return f"{', '.join(named)} or one of {others} more"
    return f"{', '.join(named[:-1])} or {named[-1]}"


def _size(label: str) -> str:
    """Return the class of a label: one of several letters is written smaller."""
    return "is-word" if len(label) > 2 else "is-letter"


def _percent(probability: float) -> str:
    """Return a probability as people read it; only what is certain is called 100 %."""
    percent = 100 * probability
    if 99.9 < percent < 100:
        return "> 99.9 %"
    return f"{percent:.1f} %"


def _runner_up(probabilities: dict[str, float], label: str) -> str:
    """Return the second guess in words, or "" when there is hardly one."""
    others = {name: p for name, p in probabilities.items() if name != label}
    second = max(others, key=others.__getitem__, default=None)
    if second is None or others[second] < 0.01:
        return "no other guess comes near"
    return f"or perhaps {second}, {_percent(others[second])}"
