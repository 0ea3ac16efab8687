"""Model cards: Markdown beside an archive in the model store, shown as HTML that can do nothing."""

import re
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

from system.files import IrregularError, open_regular
from ui.models.model import Model

# A card has a few KB. What is larger is none.
MAX_BYTES = 256 * 1024
_VERSION = re.compile(r"\b\d+\.\d+(?:\.\d+)*\b")
_SHARE = re.compile(r"(\d+(?:\.\d+)? ?%)(?: correct.*)?")


@dataclass(frozen=True)
class Card:
    """A model card.

    Attributes:
        text: Its Markdown.
        is_of_another: Whether its heading names another version than the model's.
        accuracy: The first share of right answers that it gives, and of what; "" where it gives none.
    """

    text: str
    is_of_another: bool
    accuracy: str

    @property
    def html(self) -> str:
        """The card as HTML: tables, lists and links to the web; no HTML of its own, no pictures."""
        return str(_markdown().render(self.text))


def read_card(store: Path | None, model: Model) -> Card | None:
    """Return the card of a model: model_store/fashion.md beside fashion.mar; None where there is none."""
    if store is None or not model.file.endswith(".mar") or Path(model.file).name != model.file:
        return None
    try:
        with open_regular(store / f"{model.file.removesuffix('.mar')}.md") as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, IrregularError):
        return None
    if len(content) > MAX_BYTES:
        return None
    text = content.decode("utf-8", "replace")
    heading = text.partition("\n")[0]
    named = _VERSION.findall(heading)
    return Card(text, bool(named) and model.version not in named, _accuracy(text))


def _markdown() -> MarkdownIt:
    """Return what renders CommonMark and tables; links that could run something it leaves as text."""
    return MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")


def _accuracy(text: str) -> str:
    """Return the first share of right answers in the card's tables, such as "99.70% (MNIST test set)".

    `make evaluate` writes a column "correct", `make train` a row for each test.
    """
    column = None
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if "correct" in cells:
            column = cells.index("correct")
            continue
        if cells[0].startswith("test: ") and len(cells) > 1:
            share = _SHARE.fullmatch(cells[1])
        else:
            share = _SHARE.fullmatch(cells[column]) if column is not None and column < len(cells) else None
        if share is not None:
            return f"{share[1]} ({cells[0].removeprefix('test: ')})"
    return ""
