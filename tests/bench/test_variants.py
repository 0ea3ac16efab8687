import inspect
import shutil
import subprocess
import sys
import zipfile

import pytest
import requests
import yaml

from bench import no_histograms, variants
from bench.changed_archive import changed_archive
from bench.pictures import pictures
from handler import metrics
from launch.settings import PROJECT
from launch.temporary import running
from tests.handler.scraped import page


def contents(archive):
    with zipfile.ZipFile(archive) as packed:
        return {entry.filename: (entry.date_time, packed.read(entry)) for entry in packed.infolist()}


@pytest.fixture
def archive(model_store, tmp_path):
    return shutil.copy(model_store / "digits.mar", tmp_path / "digits.mar")


def test_a_changed_archive_differs_in_what_is_named_alone(tmp_path):
    original = tmp_path / "digits.mar"
    with zipfile.ZipFile(original, "w") as packed:
        packed.writestr(zipfile.ZipInfo("a", (2001, 2, 3, 4, 5, 6)), b"one")
        packed.writestr(zipfile.ZipInfo("b", (2002, 2, 3, 4, 5, 6)), b"two")
    copy = changed_archive(original, "other", {"b": bytes.upper})
    assert copy == tmp_path / "other.mar"
    assert contents(copy) == {"a": ((2001, 2, 3, 4, 5, 6), b"one"), "b": ((2002, 2, 3, 4, 5, 6), b"TWO")}


def test_a_file_that_is_not_there_cannot_be_changed(tmp_path):
    original = tmp_path / "digits.mar"
    with zipfile.ZipFile(original, "w") as packed:
        packed.writestr("a", b"one")
    with pytest.raises(ValueError, match=r"digits\.mar has no handler/metrics\.py"):
        variants.without_histograms(original)
    assert list(tmp_path.iterdir()) == [original]


def test_what_takes_the_histograms_place_is_called_alike():
    def methods(kind):
        return {
            name: inspect.signature(method)
            for name, method in inspect.getmembers(kind, inspect.isfunction)
            if name == "__init__" or not name.startswith("_")
        }

    expected, found = methods(metrics.Metrics), methods(no_histograms.Metrics)
    assert {name: list(one.parameters) for name, one in found.items()} == {
        name: list(one.parameters) for name, one in expected.items()
    }


@pytest.mark.integration
def test_an_unbatched_archive_differs_in_its_batches_alone(archive):
    before, after = contents(archive), contents(variants.unbatched(archive))
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"model-config.yaml"}
    was, now = (yaml.safe_load(files["model-config.yaml"][1]) for files in (before, after))
    assert now == {**was, "batchSize": 1, "maxBatchDelay": 1}


@pytest.mark.integration
def test_an_archive_without_histograms_answers_and_tells_nothing(archive):
    copy = variants.without_histograms(archive)
    counted = {}
    for built in (archive, copy):
        with running(archive.parent, f"digits={built.name}") as server:
            url = f"{server.inference_url}/predictions/digits"
            assert requests.post(url, data=pictures(1)[0], timeout=30).json()["label"] == "0"
            scraped = page(server.handler_metrics_url)
        counted[built.name] = [line for line in scraped.splitlines() if line.startswith("handler_")]
    assert any(line.startswith("handler_latency_seconds_count") for line in counted[archive.name])
    assert counted[copy.name] == []


@pytest.mark.integration
def test_the_command_compares_in_rounds():
    command = [
        *(sys.executable, "-m", "bench.variants", "--low-latency", "--histograms"),
        *("--pair-rounds", "1", "--pair-seconds", "1", "--warm-up", "1"),
    ]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr
    lines = [line.split("|")[1:4] for line in done.stdout.splitlines() if line.startswith("| ")]
    assert [(name.strip(), int(clients)) for name, clients, _ in lines[1:]] == [
        *(("as served", 1), ("as served, a second time", 1), ("batchSize: 1", 1)),
        *(("as served", 64), ("as served, a second time", 64), ("without histograms", 64)),
    ]
    assert all(float(rate.replace(",", "")) > 0 for _, _, rate in lines[1:])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "nothing to compare"),
        (["--histograms", "--pair-rounds", "0"], "must be above 0"),
        (["--low-latency", "--warm-up", "-1"], "must be above 0"),
    ],
)
def test_nonsense_is_refused_before_anything_starts(arguments, said, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["variants", *arguments])
    with pytest.raises(SystemExit):
        variants.main()
    assert said in capsys.readouterr().err
