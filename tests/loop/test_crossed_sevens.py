"""The loop end to end on real services: what people correct is read next, and nothing worse takes over."""

from pathlib import Path

import pytest

from rollout.rule import WORSE
from tests.crossed_sevens.page import PAGE, PICTURE, write
from tests.crossed_sevens.story import DAMAGED, NEW, OLD
from tests.crossed_sevens.told import tell
from tests.crossed_sevens.writers import all_digits

pytestmark = [pytest.mark.integration, pytest.mark.mnist, pytest.mark.timeout(1500)]


def test_corrections_are_learnt_and_what_is_worse_does_not_last(mnist_dir: Path, tmp_path: Path) -> None:
    """One test, since each part begins where the one before it ended."""
    told = tell(all_digits(mnist_dir), print)
    assert set(told.statuses) == {200}, "a visitor saw a failure"

    assert told.learnt.status == 0, told.learnt.said
    outcomes = {check["name"]: check["outcome"] for check in told.verdict.checks}
    assert told.verdict.outcome == outcomes["held-out feedback"] == "passed"
    assert [one.share for one in told.looks if one.outcome == "moved_on"] == [5, 25, 100]
    sevens, others = zip(told.measured.before, told.measured.after, strict=True)
    assert sevens[0].correct.mean() < 0.9
    assert sevens[1].correct.mean() > 0.95
    # Of 336 digits the noise of a training may cost one or two.
    assert others[1].correct.sum() >= others[0].correct.sum() - 2

    assert told.damaged.status == 3, told.damaged.said
    assert told.refusal.outcome == "refused"
    assert (told.after_refusal.version, told.after_refusal.share) == (NEW, 0)

    assert told.poisoned.total() == 145
    assert {one.outcome for one in told.watched} == {"held"}
    assert (told.after_lies.version, told.after_lies.previous) == (NEW, OLD)
    assert told.lied_to.status == 4, told.lied_to.said
    assert (told.lies_taken, set(told.made)) == (0, {NEW, DAMAGED})
    read = {read_as for (label, read_as), count in told.poisoned.items() if count > 2}
    assert read == {"3"}

    assert told.forced[0].reason.endswith(f"forced, although the gate refused it ({told.refusal.reason}).")
    assert told.forced[-1].outcome == "failed"
    assert f"{DAMAGED} was taken back: {WORSE}" in told.in_the_end.reason
    assert told.in_the_end.version == NEW

    write(told, tmp_path)
    assert "no request failed" in (tmp_path / PAGE).read_text(encoding="utf-8")
    assert 1_000 < (tmp_path / PICTURE).stat().st_size < 100_000
