"""What a test file names of marks, so that a run with -m imports no file that has nothing for it."""

import itertools
import re

from _pytest.mark.expression import Expression  # there is no public way to ask what follows -m

# Those of pyproject.toml that choose. A file's tests have the ones of them that its own text names.
CHOOSING = frozenset({"integration", "processes", "training", "browser", "alone", "mnist"})
_OF_ALL = re.compile(r"^pytestmark = (\[.*?\]$|.*?$)", re.MULTILINE | re.DOTALL)


def named(text: str) -> frozenset[str]:
    """Return which of the marks that choose stand in a file's text."""
    return frozenset(re.findall(r"\bmark\.(\w+)", text)) & CHOOSING


def may_select(text: str, expression: str) -> bool:
    """Return whether -m's expression can hold for a test of a file, whichever of its marks that has.

    Args:
        text: the file's; marks in its `pytestmark` are those of all its tests.
        expression: as it is given after -m, "" for nothing; with other words it can always hold.
    """
    words = set(re.findall(r"\w+", expression)) - {"and", "or", "not"}
    if not words or words - CHOOSING:
        return True
    asked = Expression.compile(expression)
    of_all = named("".join(_OF_ALL.findall(text)))
    of_some = sorted((named(text) - of_all) & words)
    combined = [
        set(some) for count in range(len(of_some) + 1) for some in itertools.combinations(of_some, count)
    ]
    return any(asked.evaluate((of_all | some).__contains__) for some in combined)
