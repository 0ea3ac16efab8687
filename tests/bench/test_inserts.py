"""What it saves to write many answers in one statement."""

import re

import pytest

from bench import inserts


@pytest.mark.integration
def test_both_ways_are_measured_on_a_database_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert inserts.main(["--rounds", "1"]) == 0
    said = capsys.readouterr().out
    for way in inserts.WAYS:
        assert re.search(rf"^100 answers, {way}: median \d+ ms \(\d+ to \d+\)$", said, re.MULTILINE), said
    assert re.search(r"^together \d+\.\d times as fast$", said, re.MULTILINE)


def test_the_ratio_is_that_of_the_medians() -> None:
    *_, said = inserts.report({"a": [500.0, 510.0, 90.0], "b": [100.0, 900.0, 90.0]})
    assert said == "together 5.0 times as fast"
