"""However pictures are kept, the same bytes are labelled, each once and in the same order."""

import os
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from shutil import rmtree

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.system.web import PNG, sends, serving
from tests.training.score.runs import KINDS, as_csv, as_folder, as_tar, files
from training.score import payloads
from training.score.inputs import TO_FOLDERS, Inputs, Item
from training.score.payloads import MOST_BYTES, Payload, Reader, Unreadable
from training.score.plan import OtherPlanError, Plan, plan

ARCHIVE, ROWS = "an archive's hash", 8


def planned(given: Path, column: str | None = None, archive: str = ARCHIVE) -> Plan:
    return plan(Inputs(given, column), given.parent / "found", archive, ROWS)


def read(work: Plan, any_address: bool = False) -> Iterator[tuple[Item, Payload]]:
    reader = Reader(work, any_address)
    for number in range(work.parts):
        for some in reader.read(work.items(number)):
            yield from some


def listed(place: Path, *lines: str) -> Path:
    (place / "list.csv").write_text("\n".join(lines) + "\n")
    return place / "list.csv"


@pytest.mark.parametrize("kind", KINDS)
def test_every_picture_is_read_once_and_in_order(kind: str, tmp_path: Path) -> None:
    kept = files()
    work = planned(KINDS[kind](tmp_path, kept))
    found = list(read(work))
    assert [payload for _, payload in found] == list(kept.values())
    assert len({item.name for item, _ in found}) == work.pictures == len(kept)
    together = kind in ("packed tar", "hugging face")  # can only be read one after the other
    assert max(len(work.items(number)) for number in range(work.parts)) == (len(kept) if together else ROWS)


def test_a_folder_is_read_with_the_tars_and_parquet_files_in_it_and_without_what_is_no_picture(
    tmp_path: Path,
) -> None:
    kept = files(3)
    folder = as_folder(tmp_path, kept)
    as_tar(folder, kept)
    (folder / "notes.txt").write_text("none")
    (folder / ".hidden.png").write_bytes(PNG)
    (folder / "circle").symlink_to(folder)
    (folder / "no ending").write_bytes(PNG)
    (folder / os.fsdecode(b"r\xe9sum\xe9.png")).write_bytes(PNG)  # latin-1
    work = planned(folder)
    assert [item.name for item, _ in read(work)] == [
        *(name for name in kept if name[0] == "0"),
        "no ending",
        *(f"pictures.tar/{name}" for name in kept),
        "r\\udce9sum\\udce9.png",
        *(name for name in kept if name[0] == "z"),
    ]
    assert all(isinstance(payload, bytes) for _, payload in read(work))
    assert work.about["left_out"] == {".txt": 1, TO_FOLDERS: 1}


def test_what_cannot_be_read_is_told_and_keeps_nothing_else_from_being_read(tmp_path: Path) -> None:
    (tmp_path / "large.png").write_bytes(bytes(MOST_BYTES + 1))
    (tmp_path / "good.png").write_bytes(PNG)
    os.mkfifo(tmp_path / "pipe.png")
    lines = ("path", "none.png", "large.png", "pipe.png", '""', "nul\0.png", str(tmp_path / "good.png"))
    found = [payload for _, payload in read(planned(listed(tmp_path, *lines)))]
    assert found == [
        Unreadable("The file cannot be read (No such file or directory)."),
        Unreadable("The file has more than 16 MiB: send a smaller one."),
        Unreadable("The file cannot be read (not a regular file)."),
        Unreadable("The input names no picture."),
        Unreadable("The file cannot be read (embedded null byte)."),
        PNG,
    ]


def test_a_parquet_file_may_have_paths_and_rows_without_a_picture(tmp_path: Path) -> None:
    (tmp_path / "good.png").write_bytes(PNG)
    pq.write_table(pa.table({"where": ["good.png", None]}), tmp_path / "list.parquet")
    found = [payload for _, payload in read(planned(tmp_path / "list.parquet", "where"))]
    assert found == [PNG, Unreadable("The row has no picture.")]


def test_a_path_in_a_parquet_file_is_relative_to_its_folder_wherever_input_begins(tmp_path: Path) -> None:
    below = tmp_path / "pictures" / "below"
    below.mkdir(parents=True)
    (below / "good.png").write_bytes(PNG)
    paths = ["good.png", "../below/good.png", str(below / "good.png"), ""]
    pq.write_table(pa.table({"path": paths}), below / "list.parquet")
    cells = [{"bytes": None, "path": "good.png"}]
    pq.write_table(pa.table({"image": cells}), below / "more.parquet")
    by_itself = [payload for _, payload in read(planned(below / "list.parquet"))]
    assert by_itself == [PNG, PNG, PNG, Unreadable("The input names no picture.")]
    rmtree(below / "found")
    in_folder = [(item.file, payload) for item, payload in read(planned(tmp_path / "pictures"))]
    assert in_folder == [
        ("below/good.png", PNG),
        *(("below/list.parquet", payload) for payload in by_itself),
        ("below/more.parquet", PNG),
    ]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda place: place / "none", "there is no .*none: INPUT is a folder, or"),
        (
            lambda place: listed(place, "a,b", "1,2"),
            r"no column image, .* \(it has a, b\): use --column to name",
        ),
        (lambda place: as_folder(place, {"a.txt": b""}), r"are no pictures in .*\(left out: 1 .txt\)"),
        (lambda place: as_folder(place, {"a.tar": b"no tar" * 200}) / "a.tar", "cannot be read as a tar"),
        (lambda place: as_folder(place, {"a.parquet": b"none"}), "cannot be read as a Parquet file"),
        (
            lambda place: as_folder(place, {"a.zip": b""}) / "a.zip",
            "not a folder, and does not end in any of .tar",
        ),
    ],
    ids=["absent", "no column", "no pictures", "no tar", "no parquet", "another kind"],
)
def test_an_input_that_is_none_is_refused_before_anything_is_done(
    make: Callable[[Path], Path], words: str, tmp_path: Path
) -> None:
    with pytest.raises((ValueError, FileNotFoundError), match=words):
        planned(make(tmp_path))
    assert list(tmp_path.rglob("found/*")) == []


def test_an_output_that_was_begun_goes_on_with_the_same_and_with_nothing_else(tmp_path: Path) -> None:
    folder = as_folder(tmp_path, files(3))
    begun = planned(folder)
    (folder / "later.png").write_bytes(PNG)
    assert planned(folder) == begun, "what came later is for another output"
    with pytest.raises(OtherPlanError, match=r"begun with another archive .*name another OUTPUT"):
        planned(folder, archive="another")
    with pytest.raises(OtherPlanError, match="begun with another INPUT"):
        planned(as_tar(tmp_path, files(3)))
    begun.part(0).touch()
    (tmp_path / "found" / "_plan.parquet").unlink()
    with pytest.raises(OtherPlanError, match=r"has parts but no _plan\.parquet"):
        planned(folder)


def test_an_input_that_is_gone_is_no_input_of_files_that_cannot_be_read(tmp_path: Path) -> None:
    folder = as_folder(tmp_path, files(3))
    begun = planned(folder)
    folder.rename(tmp_path / "mounted")
    with pytest.raises(
        OtherPlanError, match=r"pictures is not there, .* with 5 pictures of it: mount its disk"
    ):
        planned(folder)
    folder.mkdir()  # where the disk is mounted
    with pytest.raises(OtherPlanError, match=r"pictures is empty, .* with 5 pictures of it: mount its disk"):
        planned(folder)
    folder.rmdir()
    folder.write_bytes(PNG)
    with pytest.raises(OtherPlanError, match=r"another INPUT \(.*was a folder, now it is a file\)"):
        planned(folder)
    folder.unlink()
    (tmp_path / "mounted").rename(folder)
    assert planned(folder) == begun


def test_a_tar_that_has_changed_is_not_read_at_places_that_were_found_before(tmp_path: Path) -> None:
    tar = as_tar(tmp_path, files(3))
    begun = planned(tar)
    as_tar(tmp_path, {"first.png": PNG, **files(3)})
    with pytest.raises(OtherPlanError, match=r"pictures\.tar has changed since"):
        list(read(begun))
    with pytest.raises(OtherPlanError, match=r"pictures\.tar has changed since"):
        planned(tar)


def test_pictures_are_asked_of_the_public_web_alone_unless_the_command_says_otherwise(tmp_path: Path) -> None:
    with serving(sends(PNG)) as (port, asked):
        address = f"http://127.0.0.1:{port}/seven.png"
        work = planned(listed(tmp_path, "url", address, address))
        ((_, payload), _) = read(work)
        assert isinstance(payload, Unreadable)
        assert asked == []
        assert [payload for _, payload in read(work, any_address=True)] == [PNG, PNG]


def test_an_address_that_fails_in_passing_is_asked_once_more_and_others_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(payloads, "PAUSE_S", 0.01)
    answers = {"/busy": [503, 200], "/always": [503, 503], "/gone": [404], "/empty": [200]}

    def answer(request: BaseHTTPRequestHandler) -> None:
        sends(b"" if request.path == "/empty" else PNG, answers[request.path].pop(0))(request)

    with serving(answer) as (port, _):
        addresses = [f"http://127.0.0.1:{port}{path}" for path in answers]
        work = planned(listed(tmp_path, "url", *addresses))
        found = [payload for _, payload in read(work, any_address=True)]
    assert found == [
        PNG,
        Unreadable("127.0.0.1 answers 503: there is no picture."),
        Unreadable("127.0.0.1 answers 404: there is no picture."),
        b"",
    ]
    assert set(map(tuple, answers.values())) == {()}


def test_a_csv_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    path = as_csv(tmp_path, files(1))
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().removeprefix(b"label,"))
    # The first column's name is `path` now, and the rows' first cell the label.
    assert [item.name for item, _ in read(planned(path))] == ["?"] * 3
