import sys
from types import SimpleNamespace
from unittest.mock import Mock

import psutil
import pytest

from bench import soak
from bench.soak import MIB, Sample, growth, markdown, memory_mib, verdict


def samples(worker_mib):
    return [
        Sample(5.0 * index, 1000 * index, {"java": 200.0, "worker 7": mib})
        for index, mib in enumerate(worker_mib)
    ]


def test_memory_that_rises_at_first_and_then_stays_is_flat():
    found = verdict(samples([100, 150, 180, 190] + [200] * 12))
    assert found.startswith("flat")
    assert "worker 7 +0.0%" in found


def test_memory_that_keeps_rising_grows_even_when_slowly():
    found = verdict(samples([100 + 2 * index for index in range(20)]))
    assert found.startswith("grows")
    assert "java +0.0%" in found


def test_one_spike_is_no_growth():
    assert growth([100.0] * 15 + [300.0]) == 0


def test_growth_is_that_of_the_second_half():
    assert growth([1.0] * 8 + [100.0] * 4 + [110.0] * 4) == pytest.approx(0.1)


def test_a_worker_that_was_replaced_is_not_called_flat():
    replaced = Sample(100, 99, {"java": 1.0, "worker 8": 1.0})
    assert verdict([*samples([1] * 10), replaced]).startswith("cannot tell: a worker ended")


@pytest.mark.parametrize("gone", [psutil.NoSuchProcess(9), psutil.ZombieProcess(9)])
def test_a_script_that_ends_while_its_name_is_read_is_no_worker(gone, monkeypatch):
    def process(pid, *children, words=()):
        memory = SimpleNamespace(rss=pid * MIB)
        return Mock(
            pid=pid, **{"children.return_value": children, "memory_info.return_value": memory}, cmdline=words
        )

    script = process(9, words=Mock(side_effect=gone))
    worker = process(7, words=Mock(return_value=["python", "ts/model_service_worker.py"]))
    guard = process(1, process(3, script, worker))
    monkeypatch.setattr(psutil, "Process", lambda pid: guard)
    assert memory_mib(1) == {"guard": 1, "java": 3, "worker 7": 7}


def test_nonsense_is_refused_before_anything_starts(monkeypatch, capsys):
    monkeypatch.setattr(soak, "running", None)
    monkeypatch.setattr(sys, "argv", ["soak", "--requests", "-3"])
    with pytest.raises(SystemExit, match="2"):
        soak.main()
    assert "expected a whole number of at least 1" in capsys.readouterr().err


def test_few_samples_are_not_called_flat():
    assert verdict(samples([1.0] * 5)).startswith("cannot tell: 5 samples")


@pytest.mark.parametrize("count", [2, 12, 13, 100])
def test_the_table_has_the_first_and_the_last_sample_and_few_between(count):
    lines = markdown(samples([1.0] * count)).splitlines()
    assert lines[2].startswith("| 0 | 0 |")
    assert lines[-1].startswith(f"| {1000 * (count - 1):,} |")
    assert len(lines) <= 2 + 12
