"""What is deployed decides as Kubernetes says that it does."""

import pytest

from bench.autoscaler import MANIFEST, PERIOD_S, Autoscaler, Scaling, deployed, wanted
from tests.deploy import rules_on_disk

RULE = Scaling(target=8, least=2, most=20, up_s=0, down_s=300, up_factor=2, up_pods=4)


def decisions(seen: list[float], replicas: int = 2, rule: Scaling = RULE) -> list[int]:
    """Return how many replicas there are after each look, PERIOD_S apart."""
    scaler, found = Autoscaler(rule), []
    for index, in_flight in enumerate(seen):
        replicas = scaler.decide(index * PERIOD_S, in_flight, replicas)
        found.append(replicas)
    return found


def test_the_whole_is_divided_by_the_target_and_rounded_up() -> None:
    assert [wanted(value, 2, 8) for value in (0, 4, 8.5, 24.1, 80)] == [0, 1, 2, 4, 10]


def test_what_is_off_by_a_tenth_changes_nothing() -> None:
    assert [wanted(value, 10, 8) for value in (71.9, 72.1, 87.9, 88.1)] == [9, 10, 10, 12]


def test_replicas_come_at_once_but_not_all_at_once() -> None:
    assert decisions([150] * 4) == [6, 12, 19, 19]


def test_replicas_go_only_when_none_was_wanted_for_five_minutes() -> None:
    found = decisions([40] * 2 + [8] * 25, replicas=5)
    # 300 s are 20 looks after the last that wanted five.
    assert found.index(2) == 21
    assert set(found) == {5, 2}


def test_a_crowd_that_comes_and_goes_does_not_make_replicas_come_and_go() -> None:
    assert set(decisions([40, 8] * 20, replicas=5)) == {5}


def test_there_are_never_fewer_or_more_than_said() -> None:
    assert decisions([0] * 30)[-1] == 2
    assert decisions([10_000] * 10)[-1] == 20


def test_what_is_deployed_asks_for_a_series_that_the_rules_make_and_waits_before_it_takes_away() -> None:
    rule = deployed()
    (trigger,) = rules_on_disk.read_yaml(MANIFEST)["spec"]["triggers"]
    assert trigger["metadata"]["query"] in rules_on_disk.recorded()
    assert (trigger["metricType"], trigger["metadata"]["ignoreNullValues"]) == ("AverageValue", "false")
    assert rule.up_s < 60 < rule.down_s
    assert 2 <= rule.least < rule.most


def test_a_policy_that_is_not_computed_is_refused(tmp_path) -> None:  # type: ignore[no-untyped-def]
    changed = tmp_path / MANIFEST.name
    changed.write_text(MANIFEST.read_text().replace("periodSeconds: 15", "periodSeconds: 60", 1))
    with pytest.raises(ValueError, match="expected periodSeconds 15"):
        deployed(changed)
