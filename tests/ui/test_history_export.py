"""What the history gives as a file: CSV and JSON of what is listed, and pictures that training takes."""

import csv
import io
import json
import random
import uuid
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from db.drawings import Drawings, Filter
from db.records import Feedback
from tests.ui.viewing import session_id, viewed
from training.data.image_folder import load_folder
from ui.history import export

pytestmark = pytest.mark.integration
__all__ = ["session_id", "viewed"]


def pictured(seed: int) -> bytes:
    """Return a PNG with a stroke of its own."""
    image = Image.new("RGB", (280, 280), "white")
    chance = random.Random(seed)
    ends = [(chance.randint(40, 240), chance.randint(40, 240)) for _ in range(2)]
    ImageDraw.Draw(image).line([*ends[:1], (140, 20), *ends[1:]], fill="black", width=20)
    png = io.BytesIO()
    image.save(png, "PNG")
    return png.getvalue()


def test_judged_drawings_become_a_folder_that_training_takes(
    viewed, make_prediction, session_id, tmp_path, capsys
) -> None:
    page = viewed()
    made = [make_prediction(session_id=session_id, drawing=pictured(seed)) for seed in range(26)]
    labels = [str(at % 2) for at in range(22)]
    said = [
        Feedback(one.id, label, datetime.now(UTC), session_id)
        for one, label in zip(made, labels, strict=False)
    ]
    # A copy with another label, what is no digit, what nobody judged, and what is taken back.
    copy = make_prediction(
        session_id=session_id, drawing=made[0].drawing, created_at=made[0].created_at - timedelta(1)
    )
    said += [Feedback(copy.id, "1", datetime.now(UTC), session_id)]
    said += [Feedback(made[22].id, None, datetime.now(UTC), session_id, "not_a_digit")]
    said += [Feedback(made[23].id, "1", datetime.now(UTC), session_id)]
    said += [Feedback(made[23].id, None, datetime.now(UTC), session_id, "taken_back")]
    page.log.write([*made, copy, *said])
    answer = page.visitor(session_id).get("/history/export?as=zip")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="drawings.zip"'
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        assert sorted(archive.namelist()) == sorted(
            f"drawings/{label}/{one.id}.png" for one, label in zip(made, labels, strict=False)
        )
        archive.extractall(tmp_path)
    answer = page.visitor(session_id).get("/history/export?as=zip&show=none")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.namelist() == [f"drawings/none/{made[22].id}.png"]
    data = load_folder(tmp_path / "drawings", "ink")
    assert data.label_names == ("0", "1")
    assert len(data.train.labels) + len(data.validation.labels) + len(data.tests["drawings"].labels) == 22
    assert "left out" not in capsys.readouterr().err


def test_csv_and_json_have_what_the_filter_matches_and_nobodys_id(
    viewed, make_prediction, session_id
) -> None:
    page = viewed()
    made = [make_prediction(session_id=session_id, label_set=("7", "1")) for _ in range(3)]
    other = make_prediction(session_id=uuid.uuid4().hex)
    page.log.write([*made, other, Feedback(made[0].id, "1", datetime.now(UTC), session_id)])
    visitor = page.visitor(session_id)
    rows = list(csv.DictReader(io.StringIO(visitor.get("/history/export?as=csv").text)))
    assert [row["id"] for row in rows] == [str(one.id) for one in reversed(made)]
    assert (rows[2]["said"], rows[2]["true_label"], rows[2]["label_set"]) == ("label", "1", "7 1")
    (wrong,) = visitor.get("/history/export?as=json&show=wrong").json()
    assert (wrong["id"], wrong["label_set"]) == (str(made[0].id), ["7", "1"])
    assert wrong["probabilities"] == made[0].probabilities
    assert json.loads(visitor.get("/history/export?as=json&label=none").text) == []
    assert visitor.get("/history/export?as=csv&of=all").status_code == 403
    assert session_id not in visitor.get("/history/export?as=json").text
    assert visitor.get("/history/export?as=exe").status_code == 303


def test_no_cell_is_a_formula(viewed, make_prediction, session_id) -> None:
    page = viewed()
    odd = {"predicted_label": "=HYPERLINK(1)", "model_name": "@x", "label_set": ("a b", "c")}
    page.log.write([make_prediction(session_id=session_id, **odd)])
    (row,) = csv.DictReader(io.StringIO(page.visitor(session_id).get("/history/export?as=csv").text))
    assert (row["predicted_label"], row["model_name"]) == ("'=HYPERLINK(1)", "'@x")
    assert row["label_set"] == '"a b" c'


@pytest.mark.parametrize(
    ("labels", "cell"),
    [
        ((), ""),
        (("7", "1"), "7 1"),
        (("T-shirt top", "Coat"), '"T-shirt top" Coat'),
        (("T-shirt", "top", '3" nail'), 'T-shirt top "3"" nail"'),
    ],
)
def test_labels_with_blanks_are_told_apart_in_a_cell(labels: tuple[str, ...], cell: str) -> None:
    assert export.in_a_cell(labels) == cell
    assert tuple(next(csv.reader([cell], delimiter=" "), ())) == labels


def test_rows_are_read_in_batches_up_to_a_limit(viewed, make_prediction, session_id, monkeypatch) -> None:
    page = viewed()
    page.log.write([make_prediction(session_id=session_id) for _ in range(11)])
    monkeypatch.setattr(export, "BATCH_ROWS", 4)
    wanted = Filter(session_id)
    for most, count in {100: 11, 8: 8, 6: 6}.items():
        found = [row.prediction.id for row in export.rows_of(page.drawings, wanted, most)]
        assert (len(found), len(set(found))) == (count, count)


def test_an_archive_is_sent_piece_by_piece(viewed, make_prediction, session_id) -> None:
    page = viewed()
    made = [make_prediction(session_id=session_id, drawing=pictured(seed)) for seed in range(3)]
    page.log.write([*made, *(Feedback(one.id, "1", datetime.now(UTC), session_id) for one in made)])
    pieces = list(export.picture_chunks(Drawings(page.log._engine), Filter(session_id)))
    assert len(pieces) == 4
    assert max(map(len, pieces)) < max(len(one.drawing) for one in made) + 1000


def test_what_was_drawn_while_the_clock_was_in_1970_is_in_the_archive(
    viewed, make_prediction, session_id
) -> None:
    page = viewed()
    made = make_prediction(session_id=session_id, created_at=datetime(1970, 1, 1, 0, 5, tzinfo=UTC))
    page.log.write([made, Feedback(made.id, "1", datetime.now(UTC), session_id)])
    packed = b"".join(export.picture_chunks(page.drawings, Filter(session_id)))
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert [Path(name).stem for name in archive.namelist()] == [str(made.id)]


@pytest.mark.parametrize(
    ("label", "folder"),
    [("7", "7"), ("T-shirt/top", "T-shirt_top"), ("..", "_"), (".hidden", "hidden"), ("ä b", "ä b")],
)
def test_a_label_is_the_name_of_a_folder(label: str, folder: str) -> None:
    assert export.folder_of(label) == folder
