"""One look at a version that is tried, or that was made the default: it goes on, or is taken back."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from db.serving import Look, Serving, ServingRows
from db.versions import Versions
from rollout.routes import on_trial
from rollout.rule import Rule, judge

NEXT_SHARE = {5: 25, 25: 100}
FIRST_SHARE = 5
# Of the version on trial so many looks are read to know how many there were; more there cannot be.
MOST_LOOKS = 200


@dataclass(frozen=True)
class Progress:
    """How far a step is.

    Attributes:
        answers: So many answers there are of the version on trial.
        sessions: So many sessions got one.
        due: And for so many answers the step waits.
        number: The number of its next look.
    """

    answers: int
    sessions: int
    due: int
    number: int

    def words(self, rule: Rule) -> str:
        """Return how far it is, in words."""
        return f"{self.answers:,} of {self.due:,} answers, {self.sessions:,} of {rule.sessions} sessions"


def progress(rows: ServingRows, versions: Versions, rule: Rule, serving: Serving) -> Progress | None:
    """Return how far the step is, None where nothing is on trial."""
    version = on_trial(serving)
    if version is None:
        return None
    looks = [one for one in rows.looks(serving.model, MOST_LOOKS) if one.version == version]
    # The look that began the step has the same time as the step.
    of_step = [one for one in looks if one.created_at and one.created_at > serving.changed_at]
    numbers = [one.numbers.get("number", 0) for one in looks]
    tried = versions.sessions(serving.model, version, serving.changed_at)
    return Progress(
        answers=sum(one.answers for one in tried),
        sessions=len(tried),
        due=rule.answers * 2 ** sum("number" in one.numbers for one in of_step),
        number=max(numbers, default=0) + 1,
    )


def compared_with(serving: Serving, rule: Rule) -> tuple[str, datetime, datetime | None]:
    """Return the version beside the one on trial, and from when to when its answers are taken.

    At the same time, while some sessions have one and some the other; else from the day before.
    """
    other = serving.version if serving.share else serving.previous or ""
    if 0 < serving.share < 100:
        return other, serving.changed_at, None
    return other, serving.changed_at - timedelta(seconds=rule.stays_s), serving.changed_at


def look(rows: ServingRows, versions: Versions, rule: Rule, serving: Serving, now: datetime) -> Look | None:
    """Look at what is on trial, if the step has lasted long enough; return what was written of it."""
    version = on_trial(serving)
    age_s = (now - serving.changed_at).total_seconds()
    if version is None or age_s < rule.held_s or (not serving.share and age_s >= rule.stays_s):
        return None
    at = progress(rows, versions, rule, serving)
    if at is None or at.answers < at.due or at.sessions < rule.sessions:
        return None
    other, since, until = compared_with(serving, rule)
    p99_ms = versions.p99_ms(serving.model, other, since, until)
    slow_ms = None if p99_ms is None else max(rule.slow * p99_ms, rule.slow_ms)
    tried = versions.sessions(serving.model, version, serving.changed_at, None, slow_ms)
    others = versions.sessions(serving.model, other, since, until, slow_ms)
    said = judge(rule, at.number, tried, others)
    numbers = {**said.numbers, "number": at.number}
    seen = Look(version, serving.share, "held", said.reason, numbers)
    if said.is_worse:
        return take_back(rows, serving, replace(seen, outcome="failed"))
    if not said.is_compared:
        reason = f"There is nothing to compare it with yet. {said.reason}"
        seen = replace(seen, outcome="too_few", reason=reason)
        rows.add(serving, seen)
    elif not serving.share:
        rows.add(serving, seen)
    else:
        seen = replace(seen, outcome="moved_on")
        rows.change(serving, seen, **moved_on(serving))
    return seen


def moved_on(serving: Serving) -> dict[str, Any]:
    """Return the columns as they are after a step that went well."""
    following = NEXT_SHARE.get(serving.share)
    return {"candidate_share": following} if following else promoted(serving, serving.candidate or "")


def promoted(serving: Serving, version: str) -> dict[str, Any]:
    """Return the columns as they are once another version is the default."""
    return {
        "model_version": version,
        "previous_version": serving.version,
        "candidate_version": None,
        "candidate_share": 0,
    }


def taken_back(serving: Serving) -> dict[str, Any]:
    """Return the columns as they are once the version on trial is tried no longer."""
    if serving.share:
        return {"candidate_share": 0}
    return {
        "model_version": serving.previous,
        "previous_version": None,
        "candidate_version": serving.version,
        "candidate_share": 0,
    }


def take_back(rows: ServingRows, serving: Serving, seen: Look) -> Look | None:
    """Take the version on trial back; return what was written, None where somebody was quicker."""
    reason = f"{serving.model} {seen.version} was taken back: {seen.reason}"
    written = replace(seen, reason=reason)
    return written if rows.change(serving, written, **taken_back(serving)) else None
