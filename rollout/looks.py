"""One look at a version that is tried, or that was made the default: it goes on, or is taken back."""

import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from db.serving import Look, Serving, ServingRows
from db.versions import Versions
from rollout.routes import on_trial
from rollout.rule import Judged, Rule, judge
from rollout.second_answers import ASKING_S, SecondAnswers

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
    due = rule.answers * 2 ** sum("number" in one.numbers for one in of_step)
    answers, sessions = versions.count(serving.model, version, serving.changed_at, due)
    return Progress(answers, sessions, due, number=max(numbers, default=0) + 1)


def beside(serving: Serving) -> str:
    """Return the version that the one on trial is compared with."""
    return serving.version if serving.share else serving.previous or ""


def compared_when(serving: Serving, rule: Rule, due: datetime) -> tuple[datetime, datetime]:
    """Return from when to when answers of the version beside the one on trial are taken.

    At the same time, while some sessions have one and some the other; else from the day before.
    """
    if 0 < serving.share < 100:
        return serving.changed_at, due
    return serving.changed_at - timedelta(seconds=rule.stays_s), serving.changed_at


def look(
    rows: ServingRows, versions: Versions, rule: Rule, serving: Serving, now: datetime, second: SecondAnswers
) -> Look | None:
    """Look at what is on trial, if the step has lasted long enough; return what was written of it.

    It takes several calls where many answers were judged wrong: the other version is asked these pictures.
    """
    version = on_trial(serving)
    age_s = (now - serving.changed_at).total_seconds()
    if version is None or age_s < rule.held_s or (not serving.share and age_s >= rule.stays_s):
        return None
    at = progress(rows, versions, rule, serving)
    if at is None or at.answers < at.due or at.sessions < rule.sessions:
        return None
    due = second.due(serving, (version, beside(serving)), at.number, now)
    said = _judged(versions, rule, serving, at.number, due, second)
    if said is None:
        return None
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


def _judged(
    versions: Versions, rule: Rule, serving: Serving, number: int, due: datetime, second: SecondAnswers
) -> Judged | None:
    """Return what a look says, None as long as it is not known who was right."""
    model, version, other = serving.model, on_trial(serving) or "", beside(serving)
    since, until = compared_when(serving, rule, due)
    doubted = versions.doubted(model, version, serving.changed_at, due)
    others_doubted = versions.doubted(model, other, since, until)
    end = time.monotonic() + ASKING_S
    lost = second.right(model, other, doubted, end)
    won = second.right(model, version, others_doubted, end)
    if lost is None or won is None:
        return None
    p99_ms = versions.p99_ms(model, other, since, until)
    slow_ms = None if p99_ms is None else max(rule.slow * p99_ms, rule.slow_ms)
    tried = versions.sessions(model, version, serving.changed_at, due, slow_ms, lost)
    others = versions.sessions(model, other, since, until, slow_ms, won)
    said = judge(rule, number, tried, others)
    asked = {"judged_wrong": len(doubted), "other_judged_wrong": len(others_doubted)}
    return replace(said, numbers={**said.numbers, **asked})


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
