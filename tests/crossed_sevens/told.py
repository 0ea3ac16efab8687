"""The story from its beginning to its end, and the figures of it."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from db.serving import Look, Serving
from db.verdicts import VerdictRow
from db.versions import Versions
from tests.crossed_sevens.people import People
from tests.crossed_sevens.platform import running
from tests.crossed_sevens.story import DAMAGED, NEW, Measured, Story
from training.data.strokes import Drawn


@dataclass(frozen=True)
class Run:
    """A run of the loop.

    Attributes:
        status: The command's exit status.
        said: What it said.
    """

    status: int
    said: str


@dataclass(frozen=True)
class Told:
    """What happened.

    Attributes:
        corrected: How often which digit was read as what, when visitors corrected it.
        learnt: The run that learnt of that.
        verdict: What the gate said of its version.
        looks: At that version, while it was tried.
        measured: What the version before and this one say to other people's digits.
        damaged: The run whose candidate was damaged.
        refusal: What the gate said of that.
        after_refusal: What was to be served then.
        poisoned: How often which digit was read as what, when it was lied of.
        watched: The looks at the new version that saw these lies.
        after_lies: What was to be served then.
        lied_to: The run after that.
        lies_taken: How many lies any run took.
        made: The versions that the loop had made by then.
        forced: The looks at the damaged version, once it was made the default.
        in_the_end: What was to be served then.
        answered: How many questions each version answered.
        statuses: Of all that people asked.
    """

    corrected: Counter[tuple[int, str]]
    learnt: Run
    verdict: VerdictRow
    looks: list[Look]
    measured: Measured
    damaged: Run
    refusal: VerdictRow
    after_refusal: Serving
    poisoned: Counter[tuple[int, str]]
    watched: list[Look]
    after_lies: Serving
    lied_to: Run
    lies_taken: int
    made: list[str]
    forced: list[Look]
    in_the_end: Serving
    answered: Counter[str]
    statuses: Counter[int]


def tell(digits: list[Drawn], say: Callable[[str], object]) -> Told:
    """Play the story; return what happened.

    Args:
        digits: What all writers wrote.
        say: Told of what is begun.
    """
    say("training a network on digits without crossed sevens, and starting the services")
    with running(digits) as platform:
        people = People(platform.page_url)
        story = Story(platform, people, digits)
        say("visitors draw crossed sevens, and correct what they are read as")
        corrected = story.corrected()
        say("the loop: collect, train, gate")
        learnt = Run(*story.retrained())
        if learnt.status:
            raise AssertionError(f"no candidate passed: {learnt.said}")
        verdict = story.verdict(NEW)
        say(f"{NEW} is tried on more and more sessions")
        looks = story.tried_on_more_and_more()
        measured = story.measured()
        say(f"a damaged candidate, {DAMAGED}")
        damaged = Run(*story.damaged())
        refusal, after_refusal = story.verdict(DAMAGED), platform.serving
        say("21 sessions lie of threes")
        poisoned = story.poisoned()
        watched, after_lies = story.watched(), platform.serving
        lied_to = Run(*story.retrained())
        made = [one.version for one in Versions(platform.engine).all(platform.model) if one.run_id]
        say(f"{DAMAGED} is forced")
        forced = story.forced()
        return Told(
            corrected, learnt, verdict, looks, measured, damaged, refusal, after_refusal, poisoned, watched,
            after_lies, lied_to, story.taken_of_liars(), made, forced, platform.serving,
            people.versions, people.statuses,
        )  # fmt: skip
