"""The project's documents: their headings, links, and the commands in them."""

import re
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent.parent
DOCUMENTS = [
    path.relative_to(PROJECT).as_posix()
    for folder in (".", "docs", "model_store", "deploy/wheels")
    for path in sorted((PROJECT / folder).glob("*.md"))
]
# What they say is as it is now; the other one says what was.
CURRENT = [document for document in DOCUMENTS if document != "CHANGELOG.md"]
_FENCE = re.compile(
    r"^(?:<!-- (?P<note>[^>]+) -->\n)?(?P<fence>```+)(?P<language>\w*)\n(?P<text>.*?)^(?P=fence)$",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True)
class Block:
    """One fenced block.

    Attributes:
        document: The path from the project's folder.
        section: The heading of the second level above it; "" before the first.
        line: The number of its first line.
        language: What stands behind the fence; "" where nothing does.
        note: The HTML comment right above it, such as "needs: a GPU"; "" where there is none.
        text: What is in it.
    """

    document: str
    section: str
    line: int
    language: str
    note: str
    text: str


def read(document: str) -> str:
    """Return a document's text."""
    return (PROJECT / document).read_text(encoding="utf-8")


def blocks(document: str) -> list[Block]:
    """Return all fenced blocks of a document."""
    text = read(document)
    found = []
    for match in _FENCE.finditer(text):
        before = text[: match.start("text")]
        sections = re.findall(r"^## (.+)$", _FENCE.sub("", text[: match.start()]), re.MULTILINE)
        found.append(
            Block(
                document,
                sections[-1] if sections else "",
                before.count("\n") + 1,
                match["language"],
                match["note"] or "",
                match["text"],
            )
        )
    return found


def scripts(document: str, section: str) -> list[str]:
    """Return the `sh` blocks of a section that a test is to run as they stand there, one script each."""
    found = [
        block.text
        for block in blocks(document)
        if block.language == "sh" and block.section == section and not block.note
    ]
    assert found, f"{document} has no script in {section!r}"
    return found


def prose(document: str) -> str:
    """Return a document without its fenced blocks."""
    return _FENCE.sub("", read(document))


def code(document: str) -> list[str]:
    """Return what is set as code in a document, spans and blocks, but for commands of former days."""
    text = re.sub(r"`[^`]+`,?\s+at\s+commit\s+[0-9a-f]{7}", "", read(document))
    # A span may go over a line's end.
    spans = [re.sub(r"\s+", " ", span) for span in re.findall(r"(?<!`)`([^`]+)`(?!`)", text)]
    return spans + [block.text for block in blocks(document)]


def anchors(document: str) -> set[str]:
    """Return what links can end with: each heading as code hosts and mkdocs write it."""
    headings = re.findall(r"^#+ (.+)$", prose(document), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}
