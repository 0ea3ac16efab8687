"""Every command in every document is run by a test, or says what it needs that a test does not have."""

import ast
import re
from functools import cache

import pytest

from tests.docs import surface
from tests.docs.documents import CURRENT, DOCUMENTS, PROJECT, Block, blocks, code, read

# What no machine that tests has.
NEEDS = {"a GPU", "a cluster", "a network", "a domain", "systemd"}
SHELLS = {"sh", "bash", "console", "shell"}
COMMANDS = [block for document in DOCUMENTS for block in blocks(document) if block.language in SHELLS]
# A fence without a language holds a drawing or a layout.
LANGUAGES = {*SHELLS, "", "json", "yaml", "promql", "python"}


@cache
def sections_that_tests_run() -> set[tuple[str, str]]:
    """Return document and section of each `scripts(document, section)` in the tests."""
    found = set()
    for path in (PROJECT / "tests").rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "scripts":
                document, section = (ast.literal_eval(argument) for argument in node.args)
                found.add((document, section))
    return found


def has_test(name: str) -> bool:
    """Return whether a test exists, such as tests/e2e/test_make_run.py::test_it_answers."""
    path, _, function = name.partition("::")
    return (PROJECT / path).is_file() and re.search(
        rf"^def {function}\(", read(path), re.MULTILINE
    ) is not None


@pytest.mark.parametrize("block", COMMANDS, ids=lambda block: f"{block.document}:{block.line}")
def test_a_command_is_run_by_a_test_or_says_what_it_needs(block: Block) -> None:
    kind, _, what = block.note.partition(": ")
    if kind == "needs":
        assert what in NEEDS
    elif kind == "run by":
        assert has_test(what), what
    else:
        assert not block.note
        assert (block.document, block.section) in sections_that_tests_run(), (
            "call scripts() of tests/docs/documents.py in a test, or write <!-- run by: FILE::TEST --> or "
            f"<!-- needs: X --> above the block, X being one of {', '.join(sorted(NEEDS))}"
        )


@pytest.mark.parametrize("document", DOCUMENTS)
def test_what_is_fenced_says_what_it_is(document: str) -> None:
    assert {block.language for block in blocks(document)} <= LANGUAGES
    # Commands without a language would go unseen above.
    words = r"^(\$ |make |curl |docker |\.venv/|python)"
    assert [
        block.line for block in blocks(document) if not block.language and re.search(words, block.text, re.M)
    ] == []


@pytest.mark.parametrize("document", CURRENT)
def test_every_verb_and_module_in_a_document_exists(document: str) -> None:
    spans = code(document)
    verbs = {
        verb for span in spans for verb in re.findall(r"(?:^|&& )make (?:-B )?([a-z][a-z-]*)", span, re.M)
    }
    assert verbs - surface.verbs() == set(), "no verb that make lists"
    modules = {name for span in spans for name in re.findall(r"-m ((?:\w+\.)*\w+)", span)}
    own = {name for name in modules if (PROJECT / name.partition(".")[0]).is_dir()}
    # Those of tests have no options that a document would have to name.
    of_tests = {f"tests.{path.parent.name}" for path in (PROJECT / "tests").glob("*/__main__.py")}
    assert own - surface.commands() - of_tests == set(), "no module that can be run"
