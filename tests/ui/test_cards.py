"""Model cards are read beside the archives, and shown as HTML that can do nothing."""

from pathlib import Path

import pytest

from system.files import PROJECT
from tests.served_model import VERSION
from ui.models.cards import MAX_BYTES, Card, read_card
from ui.models.model import Model

FASHION = Model("fashion/1.0.0", "fashion", "1.0.0", "fashion.mar")
TRAINED = """# Model card: fashion 1.0.0

| | |
|---|---|
| validation | 91.00% correct, ECE 0.0100, sets of 1.20 labels |
| test: Fashion-MNIST (10,000 frames) | 92.30% correct, ECE 0.0100, sets of 1.20 labels |
"""


def test_the_committed_card_is_read_and_shown_with_its_tables() -> None:
    card = read_card(PROJECT / "model_store", Model("digits", "digits", VERSION, "digits.mar"))
    assert card is not None
    assert card.accuracy == "99.73% (MNIST test set)"
    assert not card.is_of_another
    assert card.html.count("<table>") == 3


def test_a_trained_model_s_accuracy_is_that_of_its_test(tmp_path: Path) -> None:
    (tmp_path / "fashion.md").write_text(TRAINED)
    card = read_card(tmp_path, FASHION)
    assert card is not None
    assert card.accuracy == "92.30% (Fashion-MNIST (10,000 frames))"


def test_a_card_of_another_version_says_so(tmp_path: Path) -> None:
    (tmp_path / "fashion.md").write_text("# Model card: fashion 0.9.0\n")
    card = read_card(tmp_path, FASHION)
    assert card is not None
    assert card.is_of_another
    assert card.accuracy == ""


@pytest.mark.parametrize("file", ["", "../fashion.mar", "/etc/passwd.mar", "fashion.txt"])
def test_only_a_file_beside_the_archive_is_a_card(tmp_path: Path, file: str) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "fashion.md").write_text(TRAINED)
    assert read_card(tmp_path / "store", Model("fashion/1.0.0", "fashion", "1.0.0", file)) is None
    assert read_card(None, FASHION) is None


def test_what_is_too_large_or_no_file_is_no_card(tmp_path: Path) -> None:
    (tmp_path / "fashion.md").mkdir()
    assert read_card(tmp_path, FASHION) is None
    (tmp_path / "fashion.md").rmdir()
    (tmp_path / "fashion.md").write_bytes(b"x" * (MAX_BYTES + 1))
    assert read_card(tmp_path, FASHION) is None


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[a](javascript:alert(1))",
        "[a](<data:text/html,x>)",
        "![a](https://example.org/spy.png)",
        "<a href='javascript:x'>a</a>",
    ],
)
def test_a_card_brings_no_script_and_no_picture(text: str) -> None:
    html = Card(text, False, "").html
    assert not [
        bad for bad in ("<script", "<img", 'href="javascript', 'href="data', "<a href='") if bad in html
    ]
