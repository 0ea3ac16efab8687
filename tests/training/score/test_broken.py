"""Of a tar or CSV file that is damaged, cut or joined, no picture is lost without a word."""

import bz2
import gzip
import io
import lzma
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.training.score.runs import as_tar, files
from tests.training.score.test_inputs import listed, planned, read
from training.score import inputs
from training.score.inputs import LINKS

BLOCK = tarfile.BLOCKSIZE
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    ".tar": lambda content: content,
    ".tar.gz": gzip.compress,
    ".tar.bz2": bz2.compress,
    ".tar.xz": lzma.compress,
}


def tar_of(place: Path, kept: dict[str, bytes]) -> tuple[bytes, list[int]]:
    """Return a tar's content, and where in it each member's head begins, and last the end."""
    path = as_tar(place, kept)
    with tarfile.open(path) as tar:
        starts = [member.offset for member in tar]
        starts.append(tar.offset)
    content = path.read_bytes()
    path.unlink()
    return content, starts


def written(place: Path, content: bytes, ending: str) -> Path:
    path = place / f"pictures{ending}"
    path.write_bytes(PACKERS[ending](content))
    return path


@pytest.mark.parametrize("ending", PACKERS)
def test_a_tar_whose_rest_is_lost_is_refused(ending: str, tmp_path: Path) -> None:
    content, starts = tar_of(tmp_path, files(20))
    head, end = starts[7], starts[-1]
    lost = {
        "damaged head": content[: head + 9] + b"~" + content[head + 10 :],
        "cut within a head": content[: head + 100],
        "cut within a picture": content[: head + BLOCK + 9],
        "cut between two members": content[:head],
        "without an end": content[:end],
        "cut within the end": content[: end + 100],
        "another behind it": content * 2,
    }
    for what, left in lost.items():
        path = written(tmp_path, left, ending)
        with pytest.raises(ValueError, match=r"^[^\n]*pictures\.tar.* cannot be read as a tar file \(.*\)$"):
            raise AssertionError(f"{what}: {planned(path)}")


@pytest.mark.parametrize("ending", [ending for ending in PACKERS if ending != ".tar"])
def test_a_packed_tar_that_is_damaged_or_cut_is_refused(ending: str, tmp_path: Path) -> None:
    path = written(tmp_path, tar_of(tmp_path, files(20))[0], ending)
    packed = path.read_bytes()
    middle = len(packed) // 2
    for left in (packed[:middle], packed[:-3], packed[:middle] + bytes(99) + packed[middle + 99 :], b""):
        path.write_bytes(left)
        with pytest.raises(ValueError, match=r"^[^\n]*pictures\.tar.* cannot be read as a tar file \(.*\)$"):
            planned(path)


@pytest.mark.parametrize("ending", PACKERS)
def test_a_tar_without_members_has_no_pictures_and_one_of_any_padding_has_all(
    ending: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="there are no pictures in"):
        planned(written(tmp_path, bytes(20 * BLOCK), ending))
    kept = files(3)
    content, starts = tar_of(tmp_path, kept)
    for padding in (bytes(BLOCK), bytes(2 * BLOCK), bytes(50 * BLOCK), bytes(2 * BLOCK) + b"garbage"):
        work = planned(written(tmp_path, content[: starts[-1]] + padding, ending))
        assert [payload for _, payload in read(work)] == list(kept.values())
        (work.output / "_plan.parquet").unlink()


@pytest.mark.parametrize("ending", [ending for ending in PACKERS if ending != ".tar"])
def test_a_tar_that_is_packed_in_pieces_is_read_to_its_end(ending: str, tmp_path: Path) -> None:
    kept = files(20)
    content, starts = tar_of(tmp_path, kept)
    path = written(tmp_path, content, ending)
    pieces = (content[: starts[3]], content[starts[3] : starts[9] + 99], content[starts[9] + 99 :])
    path.write_bytes(b"".join(map(PACKERS[ending], pieces)))
    assert [payload for _, payload in read(planned(path))] == list(kept.values())


def test_links_in_a_tar_are_left_out_and_counted(tmp_path: Path) -> None:
    (name, content), *_ = files(1).items()
    with tarfile.open(tmp_path / "pictures.tar", "w") as tar:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
        for link, kind in (
            ("hard.png", tarfile.LNKTYPE),
            ("soft.png", tarfile.SYMTYPE),
            ("a.txt", tarfile.LNKTYPE),
        ):
            member = tarfile.TarInfo(link)
            member.type, member.linkname = kind, name
            tar.addfile(member)
    work = planned(tmp_path / "pictures.tar")
    assert [payload for _, payload in read(work)] == [content]
    assert work.about["left_out"] == {LINKS: 2, ".txt": 1}


def test_a_csv_file_that_is_damaged_is_refused_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inputs, "MOST_CHARACTERS", 1_000)
    broken = {
        r"after line 2: unexpected end": ("path", "a.png", '"b.png', "c.png"),
        r"after line 2: .* expected after": ("path", "a.png", '"b"png', "c.png"),
        r"\(unexpected end": ('"path', "a.png"),
        r"after line 2: field larger": ("path", "a.png", "b" * 1_001),
    }
    for words, lines in broken.items():
        with pytest.raises(ValueError, match=rf"list\.csv cannot be read as a CSV file .*{words}"):
            planned(listed(tmp_path, *lines))
    listed(tmp_path, "path").write_bytes(b"path\nr\xe9sum\xe9.png\n")
    with pytest.raises(ValueError, match=r"list\.csv cannot be read as a CSV file \('utf-8' codec"):
        planned(tmp_path / "list.csv")


def test_a_csv_file_may_have_columns_with_long_fields(tmp_path: Path) -> None:
    uri = "data:image/png;base64," + "A" * 1_000_000
    work = planned(listed(tmp_path, "uri,path", f'"{uri}",a.png', f'"{uri}",b.png'))
    assert [item.file for item, _ in read(work)] == ["a.png", "b.png"]
