"""The first step of a run: which judged drawings train, which measure, and which go to an operator.

What is judged after the run was asked for is the next run's: so a step that was killed finds the same again.
"""

from collections import Counter
from dataclasses import replace
from typing import Any

from sqlalchemy import Engine

from db import examples, judged, loop_runs, reviews
from db.engine import transaction
from db.examples import PARTS
from db.loop_runs import Outcome, Run
from loop.choosing import Choice, choose, closeness
from loop.engine import not_enough
from loop.places import Places, places_of
from loop.rollout import waits_for
from loop.unpassed import as_before, digest_of

# Fewer new ones are not worth a training.
LEAST_NEW = 10
# Of so many newest answers those that nobody judged, and were nearest to another one, are sent to review.
NEWEST, MOST_UNJUDGED = 2_000, 30
NO_DIGIT = "not a digit"


def collect(run: Run, database: Engine, places: Places | None = None) -> Outcome:
    """Choose what the run learns from and is measured on, and renew the operators' queue, all or nothing.

    While another version is on trial the run ends here: the candidate could not be tried, and would have been
    compared with a version that may answer no longer by then. It ends, too, where the candidate would be made
    of what the last one was made of, and judged on the same: that one did not pass.

    Args:
        run: The run.
        database: Where all of it is.
        places: The folders; by default those that the environment names.

    Raises:
        DatabaseUnavailable: Nothing is written.
        LostError: Another process does it now.
    """
    with transaction(database) as connection:
        loop_runs.hold(connection, run)
        found = judged.read(connection, run.model_name, run.created_at)
        unjudged = judged.unjudged(connection, run.model_name, run.created_at, NEWEST)
        unjudged.sort(key=lambda one: (-closeness(one[1]), one[0]))
        choice = choose(
            found,
            examples.learnt(connection, run.model_name),
            examples.gate_pictures(connection),
            unjudged[:MOST_UNJUDGED],
            salt=run.created_at.isoformat(),
        )
        named = {one.prediction_id for one in choice.examples} | {one.prediction_id for one in choice.reviews}
        there = examples.kept(connection, named)
        chosen = [one for one in choice.examples if one.prediction_id in there]
        examples.put(connection, run.id, chosen)
        wanted = [one for one in choice.reviews if one.prediction_id in there]
        reviews.put(connection, run.model_name, wanted)
    digest = digest_of(chosen)
    ends = waits_for(database, run.model_name) or as_before(run, database, digest, places or places_of())
    return _outcome(len(found), replace(choice, examples=chosen, reviews=wanted), digest, ends)


def _outcome(count: int, choice: Choice, digest: str, ends: str) -> Outcome:
    taken = {part: [one for one in choice.examples if one.part == part] for part in PARTS}
    # What is no digit neither trains a candidate nor tells it from another one.
    labelled = {part: [one for one in some if one.label is not None] for part, some in taken.items()}
    new = {part: sum(one.picture in choice.new for one in some) for part, some in labelled.items()}
    numbers: dict[str, Any] = {
        "examples": digest,
        "judged": count,
        **{part: len(some) for part, some in taken.items()},
        "new": new,
        "left_out": choice.left_out,
        "labels": {
            part: dict(sorted(Counter(NO_DIGIT if one.label is None else one.label for one in some).items()))
            for part, some in taken.items()
        },
        "reviews": dict(sorted(Counter(one.why for one in choice.reviews).items())),
        "sessions": {
            "all": len(choice.trust),
            "proven": sum(one.is_proven for one in choice.trust.values()),
            "untrusted": sum(not one.is_enough for one in choice.trust.values()),
        },
    }
    train, gate = (len(labelled[part]) for part in PARTS)
    said = f"of {count:,} judged drawings, {train:,} are for training and {gate:,} for the gate"
    if new["train"] < LEAST_NEW:
        return not_enough(
            numbers, f"{said}; {new['train']} for training are new, expected at least {LEAST_NEW}"
        )
    if ends:
        return not_enough(numbers, f"{said}; {ends}")
    return Outcome("done", numbers, f"{said}; {new['train']:,} and {new['gate']:,} of these are new")
