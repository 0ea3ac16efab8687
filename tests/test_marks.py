"""Which test files a run with -m passes over."""

import pytest

from tests import marks

SERVICES = "(integration or browser or processes or alone) and not (browser or alone)"
UNITS = "not (integration or browser or processes or alone)"
PLAIN = "def test_it(): ...\n"
FILES = {
    "plain": PLAIN,
    "whole": "pytestmark = pytest.mark.integration\n" + PLAIN,
    "listed": "pytestmark = [\n    pytest.mark.timeout(9),\n    pytest.mark.browser,\n]\n" + PLAIN,
    "mixed": "@pytest.mark.alone\n@pytest.mark.integration\n" + PLAIN + PLAIN,
}


@pytest.mark.parametrize(
    ("file", "expression", "expected"),
    [
        ("plain", UNITS, True),
        ("plain", SERVICES, False),
        ("plain", "alone", False),
        ("plain", "", True),
        ("plain", "timeout or alone", True),
        ("whole", UNITS, False),
        ("whole", SERVICES, True),
        ("whole", "alone", False),
        ("listed", UNITS, False),
        ("listed", SERVICES, False),
        ("listed", "browser and not alone", True),
        ("mixed", UNITS, True),
        ("mixed", SERVICES, True),
        ("mixed", "alone", True),
        ("mixed", "browser", False),
    ],
)
def test_a_file_is_passed_over_only_if_no_test_of_it_can_be_asked_for(
    file: str, expression: str, expected: bool
) -> None:
    assert marks.may_select(FILES[file], expression) is expected
