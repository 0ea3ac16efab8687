"""What the page knows of models that read photographs, and of those with hundreds of labels."""

import base64
import io
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
from PIL import Image

from db.figures import Judged
from db.records import Prediction
from db.schema import MAX_THUMBNAIL_BYTES
from tests.ui.managing import Managing
from tests.ui.several_models import DIGITS, backend, put_archive
from ui.analytics.confusion import MOST_LABELS, confusion, none_of
from ui.analytics.judged import MOST_SIZES, set_sizes
from ui.draw.outcome import BLANK, Reading
from ui.draw.reading import reading_html
from ui.draw.thumbnail import is_in_colour, thumbnail_of
from ui.models.chooser import Chooser, chooser_html
from ui.models.facts import reads
from ui.models.model import Model


def data_url(pixels: np.ndarray) -> str:
    png = io.BytesIO()
    Image.fromarray(pixels).save(png, "PNG")
    return f"data:image/png;base64,{base64.b64encode(png.getvalue()).decode()}"


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


def test_the_chooser_says_what_a_model_reads(torchserve: Managing, store: Path) -> None:
    put_archive(store, "things.mar", "things", framing="photo-64-whole")
    put_archive(store, "clothes.mar", "clothes", framing="picture")
    models, _ = backend(torchserve.url, store)
    listing = models.listing()
    html = {
        model.name: chooser_html(Chooser(listing, model))
        for model in listing.models
        if model.name in ("digits", "things", "clothes")
    }
    found = {name: 'data-reads="photo"' in words for name, words in html.items()}
    assert found == {"digits": False, "clothes": False, "things": True}


def test_without_its_archive_a_model_reads_photographs_once_it_saw_one_in_colour(
    torchserve: Managing,
) -> None:
    models, _ = backend(torchserve.url, None)
    own = models.own()
    models.answered(own, DIGITS)
    models.listing()
    assert not models.own().reads_photos
    models.answered(own, DIGITS, is_in_colour=True)
    models.listing()
    assert models.own().reads_photos


def test_a_frame_in_colour_is_told_from_one_of_ink() -> None:
    assert is_in_colour(data_url(noise(32, 32, 3)))
    assert not is_in_colour(data_url(noise(28, 28)))
    assert not any(map(is_in_colour, ("", "data:image/png;base64,AAAA", "?")))


def test_a_large_frame_becomes_a_thumbnail_that_may_be_kept() -> None:
    kept = thumbnail_of(data_url(noise(224, 224, 3)))
    assert kept is not None
    assert len(kept) <= MAX_THUMBNAIL_BYTES
    assert Image.open(io.BytesIO(kept)).size == (64, 64)
    small = data_url(noise(28, 28))
    assert thumbnail_of(small) == base64.b64decode(small.partition(",")[2])
    assert thumbnail_of("") is None
    assert thumbnail_of("data:image/png;base64," + "A" * 40_000) is None


def test_the_panel_asks_for_a_photograph_and_shows_its_frame_as_one(
    make_prediction: Callable[..., Prediction],
) -> None:
    blank = reading_html(BLANK, ("cat", "dog"), of_photos=True)
    assert "Add a photograph of one of these" in blank
    assert "Draw" not in blank
    answer = Reading(make_prediction(), "", is_kept=True)
    assert "reading is-answer is-photo" in reading_html(answer, (), of_photos=True)
    assert "is-photo" not in reading_html(answer, ())


def test_of_many_labels_a_search_is_offered(make_prediction: Callable[..., Prediction]) -> None:
    many = {f"kind {number}": 1 / 300 for number in range(300)}
    html = reading_html(Reading(make_prediction(probabilities=many), "", is_kept=True), ())
    assert 'placeholder="Find among 300 labels" aria-label="Find a label" autocomplete="off">' in html
    few = reading_html(Reading(make_prediction(), "", is_kept=True), ())
    assert 'autocomplete="off" hidden>' in few


def test_the_view_of_the_models_says_that_one_reads_photographs() -> None:
    assert Model("things", "things", "1", framing="photo-96").reads_photos
    assert reads(("cat", "dog"), of_photos=True) == "photographs: cat, dog"
    assert reads(("cat", "dog")) == "cat, dog"


def test_many_sizes_of_sets_share_bars_and_the_table_has_each() -> None:
    rows = set_sizes({str(size): 1 for size in range(1, 65)})
    assert rows is not None
    assert [row.name for row in rows.rows] == [
        "1 label",
        "2 labels",
        "3 labels",
        "4 to 7 labels",
        "8 to 15 labels",
        "16 to 31 labels",
        "32 to 63 labels",
        "64 to 127 labels",
    ]
    assert len(rows.table.rows) == 64
    few = set_sizes({str(size): 1 for size in range(1, MOST_SIZES + 1)})
    assert few is not None
    assert len(few.rows) == MOST_SIZES


def judged(read: str, really: str | None) -> Judged:
    return Judged(
        read=read,
        really=really,
        bin=0,
        count=1,
        confidence=0.5,
        is_right=False,
        is_in_set=None,
        is_digit=None,
    )


def test_of_hundreds_of_labels_the_matrix_shows_those_that_were_judged() -> None:
    known = [f"kind {number:03}" for number in range(300)]
    said = [judged(known[7], known[9]), judged(known[7], None)]
    found = confusion(said, known, ("things", "1"), date(2026, 1, 1))
    assert found is not None
    assert found.labels == (known[7], known[9])
    assert found.left_out == 298
    assert [name for name, _, _ in found.rows] == [known[7], known[9], "none of these"]
    assert len(known) > MOST_LABELS


def test_what_is_no_digit_is_called_so_of_digits_alone() -> None:
    assert [none_of(labels) for labels in (DIGITS, (), ("cat", "dog"))] == [
        "not a digit",
        "not a digit",
        "none of these",
    ]
