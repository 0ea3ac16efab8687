"""Pictures to label, in every way that they may be kept, and the command that labels them."""

import csv
import io
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from PIL import Image

from bench.pictures import pictures
from system.files import PROJECT

# Two files that the handler refuses, one for each reason: no picture, and nothing drawn.
BLANK = io.BytesIO()
Image.new("L", (64, 64), 255).save(BLANK, "PNG")
REFUSED = {"z/blank.png": BLANK.getvalue(), "z/text.png": b"hello"}


def files(count: int = 20) -> dict[str, bytes]:
    """Return pictures by name, in the order in which a folder of them is read."""
    drawn = {f"{index // 10}/{index:03}.png": file for index, file in enumerate(pictures(count))}
    return {**drawn, **REFUSED}


def as_folder(place: Path, kept: dict[str, bytes]) -> Path:
    for name, content in kept.items():
        path = place / "pictures" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return place / "pictures"


def as_tar(place: Path, kept: dict[str, bytes], mode: str = "w", ending: str = ".tar") -> Path:
    path = place / f"pictures{ending}"
    with tarfile.open(path, mode) as tar:  # type: ignore[call-overload]
        for name, content in kept.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


def as_packed_tar(place: Path, kept: dict[str, bytes]) -> Path:
    return as_tar(place, kept, "w:gz", ".tar.gz")


def as_parquet(place: Path, kept: dict[str, bytes]) -> Path:
    path = place / "pictures.parquet"
    # Row groups smaller than a part, and one that is larger.
    pq.write_table(pa.table({"id": range(len(kept)), "image": list(kept.values())}), path, row_group_size=7)
    return path


def as_hugging_face(place: Path, kept: dict[str, bytes]) -> Path:
    path = place / "pictures.parquet"
    column = [{"bytes": content, "path": name} for name, content in kept.items()]
    pq.write_table(pa.table({"image": column}), path, row_group_size=30)
    return path


def as_csv(place: Path, kept: dict[str, bytes]) -> Path:
    folder, path = as_folder(place, kept), place / "pictures.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["label", "path"], *(["?", f"{folder.name}/{name}"] for name in kept)])
    return path


KINDS: dict[str, Callable[[Path, dict[str, bytes]], Path]] = {
    "folder": as_folder,
    "tar": as_tar,
    "packed tar": as_packed_tar,
    "parquet": as_parquet,
    "hugging face": as_hugging_face,
    "csv": as_csv,
}


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "training.score", *map(str, arguments)]


def score(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Return the ended command."""
    return subprocess.run(
        command(*arguments), cwd=PROJECT, capture_output=True, text=True, check=False, timeout=240
    )


def rows(output: Path) -> list[dict[str, Any]]:
    """Return what was found, in the order of the inputs, read as whoever uses it reads it."""
    found: list[dict[str, Any]] = ds.dataset(output, format="parquet").to_table().to_pylist()
    return found
