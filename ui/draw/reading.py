"""The answer as HTML: label, what is said of it, the frame, and a bar for each label."""

from collections.abc import Sequence
from html import escape

from ui.draw.drawing import NO_PICTURE
from ui.draw.outcome import NoReading, Reading
from ui.draw.words import none_of_these, words
from ui.labels import all_named
from ui.percent import percent

# So many bars are seen at a glance, in the model's order. Of more, only the likeliest are shown at first.
MOST_BARS = 12
FIRST_BARS = 10
# A label of more characters may take two lines.
LONG_LABEL = 14
DRAW = "It is read when you lift the pen. You can also add a picture."
PHOTOS = "Add a photograph of one of these"
GIVE = "Drop or paste it anywhere on the page, or choose several at once."
PRIVATE = "not stored, as you chose"
NOT_KEPT = "not in the history: no room right now"


def reading_html(
    reading: Reading | NoReading, labels: Sequence[str], sent: int = 0, *, of_photos: bool = False
) -> str:
    """Return the panel for an answer, or for why there is none.

    Args:
        reading: What became of a drawing.
        labels: The model's, in its order: shown while there is no answer, and where one left them out.
        sent: The drawing's number, from `read_sent`; by it reading.js knows whether a newer one was sent.
        of_photos: Whether the model reads photographs, which nobody draws.

    Every state has the same elements in the same order, so that the browser changes them in place and
    the bars glide from one answer to the next.
    """
    if isinstance(reading, NoReading):
        return _panel(
            state="message" if reading.title else "blank",
            headline=reading.title or (PHOTOS if of_photos else "Draw one of these"),
            detail=reading.advice or (GIVE if of_photos else DRAW),
            probabilities=dict.fromkeys(labels, 0.0),
            loads=reading.loads,
            sent=sent,
            can_ask_again=reading.can_ask_again,
            of_photos=of_photos,
        )
    prediction = reading.prediction
    meta = f"{prediction.model_name} {prediction.model_version} · {prediction.latency_ms:.0f} ms"
    if not (reading.is_kept or reading.is_interim):
        meta += f" · {PRIVATE if reading.is_private else NOT_KEPT}"
    headline, detail = words(reading)
    return _panel(
        state="answer is-doubted" if prediction.is_digit is False else "answer",
        headline=headline,
        detail=detail,
        probabilities=all_named(prediction.probabilities, labels),
        sent=sent,
        # What is not stored can be neither corrected nor explained.
        prediction_id="" if reading.is_private else str(prediction.id),
        drawing_id=prediction.drawing_id.hex if prediction.drawing_id else "",
        label=prediction.predicted_label,
        frame=reading.frame,
        meta=meta,
        of_photos=of_photos,
    )


def _panel(
    state: str,
    headline: str,
    detail: str,
    probabilities: dict[str, float],
    sent: int,
    prediction_id: str = "",
    drawing_id: str = "",
    label: str = "",
    frame: str = "",
    meta: str = "",
    loads: str = "",
    can_ask_again: bool = False,
    of_photos: bool = False,
) -> str:
    kind = " has-long-labels" if max(map(len, probabilities), default=0) > LONG_LABEL else ""
    kind += " is-photo" if of_photos else ""
    return (
        f'<section class="reading is-{state}{kind}" data-prediction="{prediction_id}" '
        f'data-drawing="{drawing_id}" data-sent="{sent}" '
        f'data-loads="{escape(loads)}" data-none="{none_of_these(probabilities)}">'
        f'<div class="reading-head"><div class="reading-said" aria-live="polite" aria-atomic="true">'
        f'<div class="reading-label {_size(label)}" data-testid="label">{escape(label)}</div>'
        f'<div class="reading-words"><p class="reading-headline">{escape(headline)}</p>'
        f'<p class="reading-detail">{escape(detail)}</p></div></div>'
        f'<p class="reading-wait" aria-hidden="true">Reading …</p>'
        f'<button type="button" class="reading-again"{"" if can_ask_again else " hidden"}>Try again</button>'
        f'<figure class="reading-frame"><img alt="The frame that the network saw" '
        f'src="{escape(frame) or NO_PICTURE}"><figcaption>what the network saw</figcaption></figure></div>'
        f"{_bars(probabilities, label)}"
        f'<p class="reading-meta">{escape(meta)}</p></section>'
    )


def _bars(probabilities: dict[str, float], label: str) -> str:
    """Return a bar for each label; of many, the likeliest first, and what unfolds the rest.

    In the document many bars have the model's order, too: each is moved to its rank by its style, so that it
    stays the same bar from one answer to the next, and glides.
    """
    is_long = len(probabilities) > MOST_BARS
    by_rank = sorted(probabilities, key=probabilities.__getitem__, reverse=True)
    rank = {name: place for place, name in enumerate(by_rank)} if is_long else {}
    bars = "".join(_bar(name, p, name == label, rank.get(name)) for name, p in probabilities.items())
    kind = " is-ranked" if is_long else ""
    return (
        f'<ol class="bars{kind}" style="--count: {len(probabilities)}" '
        f'aria-label="Probability of each label">{bars}</ol>'
        f'<button type="button" class="bars-more" aria-expanded="false"{"" if is_long else " hidden"}>'
        f"All {len(probabilities)} labels</button>"
        f'<input type="search" class="bars-search" placeholder="Find among {len(probabilities)} labels" '
        f'aria-label="Find a label" autocomplete="off"{"" if is_long else " hidden"}>'
    )


def _bar(name: str, probability: float, is_top: bool, rank: int | None) -> str:
    width = f"{100 * probability:.2f}%"
    kind = "bar is-top" if is_top else "bar"
    style = "" if rank is None else f' style="--rank: {rank}"'
    if rank is not None and rank >= FIRST_BARS:
        kind += " is-rest"
    return (
        f'<li class="{kind}"{style}><span class="bar-name" title="{escape(name)}">{escape(name)}</span>'
        f'<span class="bar-track"><span class="bar-fill" style="width: {width}"></span></span>'
        f'<span class="bar-value">{escape(percent(probability))}</span></li>'
    )


def _size(label: str) -> str:
    """Return the class of a label: the longer it is, the smaller it is written."""
    if len(label) > LONG_LABEL:
        return "is-long"
    return "is-word" if len(label) > 2 else "is-letter"
