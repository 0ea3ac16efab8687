"""A label from a file is the served one, to the last digit, and so are the words of a refusal."""

from pathlib import Path
from typing import Any

import pytest
import requests

from launch.temporary import TorchServe
from tests.handler.costly import COSTLY
from tests.training.score.runs import as_tar, files, rows, score
from training.data.drawing import drawing, encoded

pytestmark = pytest.mark.integration
# A batch of these has not the time that each of them would get alone.
FULL_BATCH = 12


def _others() -> dict[str, bytes]:
    """Return pictures that are decoded in the process aside, and what is no picture."""
    kinds = ("JPEG", "WEBP", "GIF", "BMP", "TIFF")
    drawn = {
        f"other/{kind}.png": encoded(drawing(str(index), side_px=90), kind)
        for index, kind in enumerate(kinds)
    }
    return {**drawn, "other/cut.png": drawn["other/JPEG.png"][:900], "other/empty.png": b""}


# Columns that the digits' answers have not.
OF_OTHER_MODELS = ("is_known", "known_score", "top")


def _answer(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row as the API's body."""
    if row["reason"] is not None:
        assert {name for name, value in row.items() if value is not None} == {
            "input",
            "sha256",
            "type",
            "reason",
        }
        return {"code": 400, "type": row["type"], "message": row["reason"]}
    assert row["type"] is None
    assert {row[name] for name in OF_OTHER_MODELS} == {None}
    others = ("input", "sha256", "type", "reason", *OF_OTHER_MODELS)
    return {name: value for name, value in row.items() if name not in others}


def test_answers_are_those_of_torchserve(torchserve: TorchServe, model_store: Path, tmp_path: Path) -> None:
    costly = COSTLY["JPEG: scans"]()
    kept = {**files(100), **_others(), **{f"costly/{index}.tif": costly for index in range(FULL_BATCH)}}
    done = score(
        as_tar(tmp_path, kept), tmp_path / "found", "--archive", model_store / "digits.mar", "--rows", 50
    )
    assert done.returncode == 0, done.stderr
    found = rows(tmp_path / "found")
    assert [row["input"] for row in found] == [f"pictures.tar/{name}" for name in kept]
    url = f"{torchserve.inference_url}/predictions/digits"
    served = {payload: requests.post(url, data=payload, timeout=60).json() for payload in set(kept.values())}
    for row, (name, payload) in zip(found, kept.items(), strict=True):
        assert _answer(row) == served[payload], name
    labels = [row["label"] for row in found[:100]]
    assert sum(label == str(index % 10) for index, label in enumerate(labels)) > 90
