"""Each check passes a candidate that is as good, and refuses a damaged one; no evidence is no pass."""

import os
from dataclasses import replace

import numpy as np
import pytest

from client.management import Management
from loop.feedback import framed
from loop.fine_tuning import Recipe, fine_tuned
from loop.verdict.accuracy import no_label_lost, not_inferior, superior
from loop.verdict.asked import Both
from loop.verdict.check import LEFT_OUT, NOT_ENOUGH, PASSED, REFUSED, Check, verdict_of
from loop.verdict.cost import Cost, affordable, worker_bytes
from loop.verdict.statistics import SIGNIFICANT
from loop.verdict.sureness import calibrated, covering, rejecting
from tests.loop.answering import Small
from tests.loop.written import crossed_sevens
from tests.training.evaluation.answers import answers
from tests.ui.answering import answering
from training.data.frames import Frames

pytestmark = [pytest.mark.training, pytest.mark.filterwarnings("ignore::UserWarning")]
# 297 pictures cannot exclude less.
MARGIN = 0.03


@pytest.fixture(scope="module")
def better(small: Small) -> Small:
    """The small network, taught crossed sevens."""
    feedback = framed(crossed_sevens(40, 1), small.about.label_names, "ink").frames
    learnt = fine_tuned(small.model, small.data.train, feedback, small.data.validation, Recipe(steps=30))
    return replace(small, model=learnt)


@pytest.fixture(scope="module")
def held_out(small: Small) -> Frames:
    """Crossed sevens of other writers."""
    return framed(crossed_sevens(30, 2), small.about.label_names, "ink").frames


def judged(champion: list[int], candidate: list[int]) -> Both:
    """Return both versions' answers to as many ones; anything else is wrong."""
    truth = [1] * len(champion)
    return Both(answers(champion, truth), answers(candidate, truth))


def ones(candidate: int, champion: int, both: int = 0) -> Both:
    """Return answers of which so many are right of one version alone."""
    return judged(
        [1] * both + [2] * candidate + [1] * champion, [1] * both + [1] * candidate + [2] * champion
    )


def test_a_better_candidate_passes_all_checks(small: Small, better: Small, held_out: Frames) -> None:
    found = [small.beside(better)]
    feedback = small.beside(better, held_out)
    checks = [
        not_inferior("digits", found, MARGIN),
        superior("feedback", feedback),
        no_label_lost("each digit", [*found, feedback]),
        calibrated("calibration", found),
        covering("sets", found, small.about.coverage),
    ]
    assert [check.outcome for check in checks] == [PASSED] * 5
    assert verdict_of(checks).outcome == PASSED
    assert checks[1].numbers["candidate_alone"] > 9


def test_weights_with_noise_are_refused(small: Small, held_out: Frames) -> None:
    damaged = small.damaged(0.8)
    check = not_inferior("digits", [small.beside(damaged)], MARGIN)
    assert check.outcome == REFUSED
    assert "right less often" in check.reason


def test_a_candidate_that_lost_a_digit_is_refused_though_it_is_better_elsewhere(small: Small) -> None:
    check = no_label_lost("each digit", [small.beside(small.without(4))])
    assert check.outcome == REFUSED
    assert check.reason.startswith("it reads worse: 4 (0 : ")
    assert no_label_lost("each digit", [small.beside(small)]).outcome == PASSED


@pytest.mark.parametrize("factor", [8.0, 20.0])
def test_a_candidate_that_does_not_know_how_sure_it_is_is_refused(small: Small, factor: float) -> None:
    miscalibrated = small.unsure(factor)
    found = [small.beside(miscalibrated)]
    checks = [calibrated("calibration", found), covering("sets", found, small.about.coverage)]
    assert not_inferior("digits", found, MARGIN).outcome == PASSED, "its labels are the same"
    assert [check.outcome for check in checks] == [REFUSED, REFUSED]


def test_sets_that_hold_the_digit_less_often_than_promised_are_refused() -> None:
    both = judged([1] * 200, [1] * 200)
    empty = replace(both.candidate, members=both.candidate.members & (np.arange(200) > 20)[:, None])
    assert covering("sets", [Both(both.champion, empty)], 0.95).outcome == REFUSED
    assert covering("sets", [both], 0.95).outcome == PASSED
    assert covering("sets", [Both(empty, empty)], 0.95).outcome == PASSED, "the champion's are no better"


def test_a_candidate_that_takes_anything_for_a_digit_is_refused() -> None:
    digits, others = judged([1] * 50, [1] * 50), judged([2] * 50, [2] * 50)
    unlike = replace(others.champion, digit_scores=np.zeros(50), called_digits=np.zeros(50, bool))
    fooled = Both(unlike, others.candidate)
    assert rejecting("no digit", [digits], [Both(unlike, unlike)]).outcome == PASSED
    assert rejecting("no digit", [digits], [fooled]).outcome == REFUSED
    assert rejecting("no digit", [digits], []).outcome == LEFT_OUT


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"frame_us": 250.0}, "its network is slower"),
        ({"answer_ms": 12.0}, "its answers are slower"),
        ({"worker_bytes": 400_000_000}, "its worker is larger"),
    ],
)
def test_a_candidate_that_costs_more_is_refused(change: dict, words: str) -> None:
    champion = Cost(150.0, 5.0, 200_000_000)
    check = affordable("cost", champion, replace(champion, **change))
    assert (check.outcome, check.reason.startswith(words)) == (REFUSED, True)
    assert affordable("cost", champion, Cost(160.0, 6.0, 210_000_000)).outcome == PASSED


def test_memory_that_nobody_knows_is_no_pass() -> None:
    known = Cost(150.0, 5.0, 200_000_000)
    unknown = replace(known, worker_bytes=0)
    for champion, candidate in ((unknown, unknown), (unknown, known), (known, unknown)):
        check = affordable("cost", champion, candidate)
        assert (check.outcome, check.reason.startswith("the memory of a worker is unknown")) == (
            NOT_ENOUGH,
            True,
        )
    assert affordable("cost", unknown, replace(known, frame_us=250.0)).outcome == REFUSED


def test_a_workers_memory_is_its_processs_where_torchserve_has_not_looked_yet() -> None:
    def described(pid: int, said: int) -> list[dict]:
        worker = {"id": "9000", "status": "READY", "pid": pid, "memoryUsage": said}
        sizes = {"minWorkers": 1, "maxWorkers": 1, "batchSize": 1, "maxBatchDelay": 1}
        of = {"modelName": "digits", "modelVersion": "1.0.0", "modelUrl": "digits.mar"}
        return [{**of, **sizes, "workers": [worker], "jobQueueStatus": {"pendingRequests": 0}}]

    for pid, said, least in ((os.getpid(), 0, 10**7), (-1, 250_000_000, 250_000_000), (-1, 0, 0)):
        with answering(described(pid, said)) as server:
            found = worker_bytes(Management(server.url), "digits", "1.0.0")
        assert found == least or (pid > 0 and found > least)


@pytest.mark.parametrize(
    ("candidate", "champion", "outcome"),
    [(21, 9, PASSED), (20, 10, NOT_ENOUGH), (5, 0, NOT_ENOUGH), (6, 0, PASSED), (0, 0, NOT_ENOUGH),
     (9, 11, NOT_ENOUGH), (1, 20, REFUSED)],
)  # fmt: skip
def test_superiority_has_three_answers(candidate: int, champion: int, outcome: str) -> None:
    assert superior("feedback", ones(candidate, champion, both=10)).outcome == outcome


def test_what_is_nearly_impossible_by_chance_is_not_called_impossible() -> None:
    assert superior("feedback", ones(6, 0, both=10)).reason.endswith("only one reads, p = 0.0156")
    assert superior("feedback", ones(17, 0, both=10)).reason.endswith("only one reads, p < 0.0001")


def test_the_more_were_asked_before_the_more_evidence_it_takes() -> None:
    checks = [superior("feedback", ones(10, 1, both=10), asked_before) for asked_before in range(3)]
    assert [check.outcome for check in checks] == [PASSED, PASSED, NOT_ENOUGH]
    assert [check.numbers["limit"] for check in checks] == pytest.approx([0.05 / 2, 0.05 / 6, 0.05 / 12])
    assert [check.numbers["asked_before"] for check in checks] == [0, 1, 2]
    assert checks[2].reason.endswith("which may be chance (p = 0.0059, below 0.0042 is evidence)")
    few = superior("feedback", ones(6, 0), asked_before=1)
    assert few.reason.endswith("; evidence takes at least 7")


def test_of_twenty_candidates_that_are_no_better_none_passes_in_95_of_100_times() -> None:
    random = np.random.default_rng(0)
    # 30 drawings more in each run, of which one version in ten reads what the other does not.
    known: dict[tuple[int, int, int], bool] = {}

    def passes(candidate: int, champion: int, asked_before: int) -> bool:
        key = (candidate, champion, asked_before)
        if key not in known:
            check = superior("feedback", ones(candidate, champion, both=1), asked_before)
            known[key] = check.outcome == PASSED
        return known[key]

    def one_of_twenty() -> bool:
        for run in range(20):
            differ = random.binomial(30 * (run + 1), 0.2)
            candidate = random.binomial(differ, 0.5)
            if passes(candidate, differ - candidate, run):
                return True
        return False

    wrong = sum(one_of_twenty() for _ in range(2_000)) / 2_000
    assert wrong <= SIGNIFICANT
    # It can pass: without any correction 20 looks would be wrong ten times as often.
    assert wrong > 0.005


def test_no_held_out_drawing_is_no_evidence() -> None:
    check = superior("feedback", None)
    assert (check.outcome, check.numbers) == (NOT_ENOUGH, {"pictures": 0})


@pytest.mark.parametrize(
    ("candidate", "champion", "pictures", "outcome"),
    [(5, 5, 10_000, PASSED), (15, 15, 10_000, PASSED), (0, 0, 2_000, NOT_ENOUGH),
     (25, 30, 10_000, NOT_ENOUGH), (0, 20, 10_000, REFUSED), (3, 11, 10_000, REFUSED)],
)  # fmt: skip
def test_non_inferiority_excludes_a_tenth_of_a_point(
    candidate: int, champion: int, pictures: int, outcome: str
) -> None:
    found = ones(candidate, champion, both=pictures - candidate - champion)
    assert not_inferior("digits", [found], 0.001).outcome == outcome


def test_a_verdict_is_its_worst_check() -> None:
    passed, refused, unsure = (Check(name, name, f"it is {name}") for name in (PASSED, REFUSED, NOT_ENOUGH))
    assert verdict_of([passed, passed]).outcome == PASSED
    assert verdict_of([passed, unsure]).outcome == NOT_ENOUGH
    assert verdict_of([unsure, refused, passed]).outcome == REFUSED
    assert verdict_of([unsure, refused]).reason == "refused: it is refused"
    assert verdict_of([]).outcome == NOT_ENOUGH
    assert verdict_of([Check("gate", LEFT_OUT, "none")]).outcome == NOT_ENOUGH
