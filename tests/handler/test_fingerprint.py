"""The fingerprint changes when, and only when, preprocessing changes."""

import re
import shutil
from pathlib import Path

import pytest

from handler import fingerprint
from handler.fingerprint import FILES, preprocessing_fingerprint

HANDLER = Path(fingerprint.__file__).parent


def test_preprocessing_has_no_f_strings_which_python_3_12_takes_apart_differently() -> None:
    for name in FILES:
        assert not re.search(r"""\bf["']""", (HANDLER / name).read_text()), name


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for name in FILES:
        shutil.copy(HANDLER / name, tmp_path)
    return tmp_path


def test_it_is_eight_hexadecimal_digits() -> None:
    assert re.fullmatch("[0-9a-f]{8}", preprocessing_fingerprint())


def test_a_copy_elsewhere_has_the_same(copy: Path) -> None:
    assert preprocessing_fingerprint(copy) == preprocessing_fingerprint()


@pytest.mark.parametrize("name", FILES)
def test_comments_docstrings_and_layout_do_not_count(copy: Path, name: str) -> None:
    text = (copy / name).read_text()
    text = re.sub('^"""', '"""Other words. ', text, count=1)
    (copy / name).write_text("# a comment\n\n\n" + text + "\n\n# the end\n")
    assert preprocessing_fingerprint(copy) == preprocessing_fingerprint()


@pytest.mark.parametrize("name", FILES)
def test_a_changed_number_counts_in_every_file(copy: Path, name: str) -> None:
    text = (copy / name).read_text()
    changed = re.sub(r"^([A-Z_]+ = .*\d)", r"\g<1>1", text, count=1, flags=re.MULTILINE)
    assert changed != text
    (copy / name).write_text(changed)
    assert preprocessing_fingerprint(copy) != preprocessing_fingerprint()
