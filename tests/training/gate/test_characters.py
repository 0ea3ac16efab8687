"""Real characters: read from an archive of them, parted, and left out where there is none."""

import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from handler.frame import frame_of
from tests.training.outliers.outlier_material import material
from training.data.omniglot import FILE, OTHER_FILE, characters
from training.evaluation import outliers
from training.gate import characters as real
from training.gate.rejection import rejection

WIDTH_PX = 60


def archive(folder: Path, alphabets: dict[str, int], file_name: str = FILE) -> Path:
    """Write an archive of so many characters of each alphabet, each drawn twice, and return its path."""
    path = folder / file_name
    with zipfile.ZipFile(path, "w") as file:
        for alphabet, count in alphabets.items():
            for number in range(1, count + 1):
                for drawer in (1, 2):
                    paper = np.full((WIDTH_PX, WIDTH_PX), 255, np.uint8)
                    cv2.line(paper, (10, 10), (50, 10 + number), 0, 2)
                    cv2.line(paper, (10, 50), (20 + 10 * drawer, 20), 0, 2)
                    name = f"images/{alphabet}/character{number:02}/{number:04}_{drawer:02}.png"
                    file.writestr(name, cv2.imencode(".png", paper)[1].tobytes())
    return path


def test_each_drawing_is_read_with_its_alphabet_number_and_drawer(tmp_path: Path) -> None:
    found = characters(archive(tmp_path, {"Korean": 2, "Greek": 1}))
    names = [(one.alphabet, one.number, one.drawer) for one in found]
    assert names == [("Greek", 1, 1), ("Greek", 1, 2), *(("Korean", n, d) for n in (1, 2) for d in (1, 2))]
    assert found[0].ink.shape == (WIDTH_PX, WIDTH_PX)
    assert (found[0].ink[10, 12], found[0].ink[0, 0]) == (255, 0), "ink is 255"


def test_no_alphabet_is_in_both_parts_and_no_character_that_looks_like_a_digit_is_in_any(
    tmp_path: Path,
) -> None:
    archive(tmp_path, {"Greek": 24, "Korean": 40, "Latin": 26})
    archive(tmp_path, {"Greek": 24, "Latin": 26, "Sanskrit": 42, "Tagalog": 17}, OTHER_FILE)
    parts = {
        part: {(one.alphabet, one.number) for one in drawn} for part, drawn in real.parted(tmp_path).items()
    }
    counts = {"train": {"Greek": 24, "Korean": 40, "Latin": 26}, "report": {"Sanskrit": 42, "Tagalog": 17}}
    for part, alphabets in counts.items():
        assert parts[part] == {
            (alphabet, number)
            for alphabet, count in alphabets.items()
            for number in range(1, count + 1)
            if number not in real.LIKE_DIGITS[alphabet]
        }


def test_training_varies_a_drawing_and_the_report_has_it_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(real, "JOINED", 6)
    archive(tmp_path, {"Balinese": 2})
    archive(tmp_path, {"Tagalog": 2}, OTHER_FILE)
    (report, trained) = (real.frames(part, tmp_path) for part in ("report", "train"))
    drawn = real.parted(tmp_path)
    turned = real.turned(drawn["train"])
    assert (len(report), len(trained)) == (4, 4 * real.COPIES + len(turned) + real.JOINED)
    assert len({one.tobytes() for one in trained}) == len(trained)
    np.testing.assert_array_equal(report[0], frame_of(real.picture(drawn["report"][0]).encoded()))
    np.testing.assert_array_equal(trained, real.frames("train", tmp_path))


def test_no_character_is_turned_into_one_that_looks_like_a_digit() -> None:
    ink = np.arange(12, dtype=np.uint8).reshape(3, 4)
    k, t = (real.Character("Latin", number, 1, ink) for number in (11, 20))
    assert [one.ink.tolist() for one in real.turned([k])] == [
        turn(ink).tolist() for turn in real.TURNS.values()
    ]
    j = real.Character("Latin", 3, 1, ink)
    ways = [way for way in real.TURNS if 3 not in real.TURNED_LIKE_DIGITS[way]["Latin"]]
    assert ways == ["upside down", "left"]
    assert [one.ink.tolist() for one in real.turned([j])] == [real.TURNS[way](ink).tolist() for way in ways]
    assert len(real.turned([t])) == len(real.TURNS)
    for numbers in real.TURNED_LIKE_DIGITS.values():
        assert set(numbers) <= set(real.LIKE_DIGITS) - real.REPORT_ALPHABETS


def test_parts_of_two_characters_are_a_third() -> None:
    one, other = (
        real.Character("Latin", number, 1, np.full((40, 40), number, np.uint8)) for number in (1, 2)
    )
    made = real.joined([one, other], 12)
    assert len(made) == 12
    mixed = [both.ink for both in made if len(np.unique(both.ink)) == 2]
    assert mixed
    for ink in mixed:
        share = np.mean(ink == ink[0, 0])
        assert 0.3 < share < 0.7
        assert (ink == ink[:1]).all() or (ink == ink[:, :1]).all(), "cut straight, once"
    assert real.joined([], 3) == []


def test_without_an_archive_there_are_none_and_it_is_said_where_it_is(tmp_path: Path) -> None:
    assert real.parted(tmp_path) == {"train": [], "report": []}
    assert real.frames("train", tmp_path).shape == (0, 28, 28)
    for file, said in zip((FILE, OTHER_FILE), real.without(tmp_path), strict=True):
        assert str(tmp_path / file) in said
        assert said.endswith(f"/{file.removeprefix('omniglot_')}.")
    archive(tmp_path, {"Greek": 1})
    (said,) = real.without(tmp_path)
    assert OTHER_FILE in said


@pytest.mark.parametrize("content", [b"no archive", None])
def test_another_file_in_its_place_is_named(tmp_path: Path, content: bytes | None) -> None:
    if content is None:
        with zipfile.ZipFile(tmp_path / FILE, "w") as file:
            file.writestr("images/picture.png", b"")
    else:
        (tmp_path / FILE).write_bytes(content)
    with pytest.raises(ValueError, match=FILE):
        real.parted(tmp_path)


def test_the_report_asks_about_them_as_a_kind_that_training_has_not_seen(tmp_path: Path) -> None:
    archive(tmp_path, {"Sanskrit": 3}, OTHER_FILE)
    drawn = real.parted(tmp_path)["report"]
    *_, asked = outliers.questions(material(), 5, drawn)
    assert (asked.name, len(asked.truth)) == (real.KIND, 5)
    assert len({asked.picture(index) for index in range(5)}) == 5
    *_, without = outliers.questions(material(), 5)
    assert without.name != real.KIND
    assert not rejection(real.KIND, np.ones(1), np.zeros(1), np.zeros(1, bool)).seen
