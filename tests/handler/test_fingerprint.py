"""The fingerprint changes when, and only when, preprocessing changes."""

import re
import shutil
from pathlib import Path

import pytest

from handler import fingerprint
from handler.fingerprint import FILES, preprocessing_fingerprint

HANDLER = Path(fingerprint.__file__).parent
ALL_FILES = sorted({name for names in FILES.values() for name in names})
CODE = [name for name in ALL_FILES if name.endswith(".py")]
EACH = [(framing, name) for framing, names in FILES.items() for name in names if name in CODE]


@pytest.mark.parametrize("name", CODE)
def test_preprocessing_has_no_f_strings_which_python_3_12_takes_apart_differently(name: str) -> None:
    assert not re.search(r"""\bf["']""", (HANDLER / name).read_text())


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for name in ALL_FILES:
        shutil.copy(HANDLER / name, tmp_path)
    return tmp_path


@pytest.mark.parametrize("framing", FILES)
def test_it_is_eight_hexadecimal_digits(framing: str) -> None:
    assert re.fullmatch("[0-9a-f]{8}", preprocessing_fingerprint(framing=framing))


def test_each_framing_has_its_own_and_ink_is_the_usual_one() -> None:
    assert len({preprocessing_fingerprint(framing=framing) for framing in FILES}) == len(FILES)
    assert preprocessing_fingerprint() == preprocessing_fingerprint(framing="ink")


@pytest.mark.parametrize("framing", FILES)
def test_a_copy_elsewhere_has_the_same(copy: Path, framing: str) -> None:
    assert preprocessing_fingerprint(copy, framing) == preprocessing_fingerprint(framing=framing)


@pytest.mark.parametrize(("framing", "name"), EACH)
def test_comments_docstrings_and_layout_do_not_count(copy: Path, framing: str, name: str) -> None:
    text = (copy / name).read_text()
    text = re.sub('^"""', '"""Other words. ', text, count=1)
    (copy / name).write_text("# a comment\n\n\n" + text + "\n\n# the end\n")
    assert preprocessing_fingerprint(copy, framing) == preprocessing_fingerprint(framing=framing)


@pytest.mark.parametrize(("framing", "name"), EACH)
def test_a_changed_number_counts_in_every_file(copy: Path, framing: str, name: str) -> None:
    text = (copy / name).read_text()
    changed = re.sub(r"^([A-Z_]+ = .*\d)", r"\g<1>1", text, count=1, flags=re.MULTILINE)
    assert changed != text
    (copy / name).write_text(changed)
    assert preprocessing_fingerprint(copy, framing) != preprocessing_fingerprint(framing=framing)


def test_another_network_counts(copy: Path) -> None:
    with (copy / "writing.onnx").open("ab") as network:
        network.write(b"\0")
    assert preprocessing_fingerprint(copy) != preprocessing_fingerprint()


def test_a_framing_does_not_count_where_it_is_not_used(copy: Path) -> None:
    (copy / "picture.py").write_text("ANOTHER = 1\n")
    assert preprocessing_fingerprint(copy) == preprocessing_fingerprint()
