"""A check's result, and what all results together are."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

PASSED, REFUSED, NOT_ENOUGH, LEFT_OUT = "passed", "refused", "not_enough_evidence", "left_out"


@dataclass(frozen=True)
class Check:
    """What one check found.

    Attributes:
        name: what was checked.
        outcome: PASSED; REFUSED: the candidate is worse; NOT_ENOUGH: nobody can tell, which does not pass
            either; or LEFT_OUT: it does not apply to this model.
        reason: in a sentence.
        numbers: what it is based on, as JSON takes it.
    """

    name: str
    outcome: str
    reason: str
    numbers: dict[str, Any] = field(default_factory=dict)

    def row(self) -> dict[str, Any]:
        """Return it as the database keeps it."""
        return asdict(self)


@dataclass(frozen=True)
class Verdict:
    """All checks in their order, and what follows.

    Attributes:
        outcome: PASSED, REFUSED or NOT_ENOUGH.
        reason: the reasons of the checks that were not passed; or that all were.
        checks: each of them.
    """

    outcome: str
    reason: str
    checks: tuple[Check, ...]


def verdict_of(checks: Iterable[Check]) -> Verdict:
    """Return the verdict: a candidate that one check refuses is refused, whatever the others say."""
    checks = tuple(checks)
    for outcome in (REFUSED, NOT_ENOUGH):
        found = [check for check in checks if check.outcome == outcome]
        if found:
            return Verdict(outcome, "; ".join(f"{one.name}: {one.reason}" for one in found), checks)
    passed = sum(check.outcome == PASSED for check in checks)
    if not passed:
        return Verdict(NOT_ENOUGH, "nothing was checked", checks)
    return Verdict(PASSED, f"it passed all of {passed} checks", checks)
