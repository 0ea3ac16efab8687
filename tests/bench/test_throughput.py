import argparse
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
import torch

from bench import throughput
from bench.baseline import archive as baseline_archive
from bench.baseline.pillow_handler import PillowHandler
from bench.in_process import limit
from bench.load import load
from bench.overload import SURPLUS_CLIENTS, markdown, measure
from bench.peers import servers as peers
from bench.pictures import pictures
from bench.served_archive import answers, load_handler
from launch.temporary import running
from system.files import PROJECT
from tests.bench.tiny_server import needs_wrk
from training.models import weights
from training.score.answering import unpack

LABELS = [str(index % 10) for index in range(64)]


@needs_wrk
@pytest.mark.alone
@pytest.mark.integration
def test_torchserve_reads_the_pictures_of_the_bench_and_answers_load(torchserve):
    url = f"{torchserve.inference_url}/predictions/digits"
    files = pictures()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda file: requests.post(url, data=file, timeout=30).json()["label"], files))
    right = sum(label == expected for label, expected in zip(found, LABELS, strict=True))
    assert right >= 58, "they are digits that can be read"
    measured = load(url, files, 8, 1)
    assert measured.failures == {}
    assert measured.requests > 50


@needs_wrk
@pytest.mark.alone
@pytest.mark.integration
def test_a_full_queue_refuses_the_surplus_and_serves_on(model_store):
    files = pictures()
    with running(model_store, TS_JOB_QUEUE_SIZE="20") as server:
        url = f"{server.inference_url}/predictions/digits"
        ((_, beyond),) = found = measure(url, files, 20, 1, 2)
        assert requests.post(url, data=files[0], timeout=10).status_code == 200
    assert set(beyond.crowd.failures) == {503}
    assert beyond.refused_per_s > 0
    assert beyond.crowd.requests_per_s > 0
    assert {status for status, _ in beyond.newcomers} <= {200, 503}
    assert f"| {20 + SURPLUS_CLIENTS:,} |" in markdown(found, 20)


@needs_wrk
@pytest.mark.alone
@pytest.mark.integration
def test_the_command_measures_what_is_there_and_names_what_is_not(tmp_path):
    command = [
        *(sys.executable, "-m", "bench.throughput", "--clients", "1", "8", "--seconds", "1", "--rounds", "1"),
        *("--warm-up", "1", "--peers"),
    ]
    environ = {**os.environ, "VAR_DIR": str(tmp_path)}
    done = subprocess.run(
        command, cwd=PROJECT, env=environ, capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, done.stderr
    expected = ["Sketchserve", "TorchServe's defaults, Pillow handler"]
    for peer in peers.PEERS:
        absent = peers.missing(peer)
        if absent:
            assert f"leaving out {peer.name}" in done.stderr
            assert ", ".join(absent) in done.stderr
        else:
            expected.append(peer.name)
    table = (tmp_path / "bench" / "throughput.md").read_text()
    assert done.stdout.strip() == table.strip()
    measured, _, overload = table.partition("Overload:")
    rows = [line.split(" | ") for line in measured.splitlines() if line.startswith("| ")][1:]
    assert [(row[0], row[1]) for row in rows] == [(f"| {name}", n) for name in expected for n in ("1", "8")]
    assert all(float(row[2].replace(",", "")) > 0 and row[5] == "none" for row in rows)
    assert "of the in-process limit" in measured
    assert "Throughput was" in overload


@pytest.mark.alone
@pytest.mark.integration
def test_the_archive_outside_torchserve_answers_as_inside(model_store, tmp_path):
    folder = unpack(model_store / "digits.mar", tmp_path)
    (status, body), (refused, message) = answers(load_handler(folder), [pictures(1)[0], b"no picture"])
    assert (status, refused) == (200, 400)
    assert json.loads(body)["label"] == "0"
    assert json.loads(message)["type"] == "BadImage"
    assert limit(folder, 0.5, processes=1) > 0


def test_a_package_that_is_not_installed_is_named():
    odd = peers.Peer("Odd", ("requests", "no_such_server"), "/", lambda port: [port])
    assert peers.missing(odd) == ["no_such_server"]


def test_the_baselines_handler_reads_pictures_as_well():
    model, about = weights.load(PROJECT / weights.DEFAULT_WEIGHTS)
    handler = PillowHandler()
    handler.device, handler.model = torch.device("cpu"), model
    handler.mapping = {str(index): label for index, label in enumerate(about.label_names)}
    files = pictures()
    found = handler.postprocess(handler.inference(handler.preprocess([{"body": file} for file in files])))
    right = sum(answer["label"] == expected for answer, expected in zip(found, LABELS, strict=True))
    assert right >= 58, "a baseline that cannot read would be no baseline"
    assert sum(found[0]["probabilities"].values()) == pytest.approx(1)


@pytest.mark.training
def test_the_baselines_archive_has_network_handler_and_labels(tmp_path):
    built = baseline_archive.build(tmp_path, PROJECT / weights.DEFAULT_WEIGHTS)
    unpack(built, tmp_path / "unpacked")
    names = {path.name for path in (tmp_path / "unpacked").iterdir()}
    assert {"network.py", "pillow_handler.py", "digits.pt", "index_to_name.json", "MAR-INF"} <= names


@pytest.mark.parametrize(
    "arguments", [["--rounds", "0"], ["--clients", "0"], ["--seconds", "-1"], ["--warm-up", "0"]]
)
def test_nonsense_is_refused_before_anything_starts(arguments, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["throughput", *arguments])
    with pytest.raises(SystemExit):
        throughput.main()
    assert "must be above 0" in capsys.readouterr().err


def test_more_clients_than_may_connect_are_refused_before_anything_starts(monkeypatch):
    monkeypatch.setattr("bench.load.allow_open_files", lambda wanted: 1500)  # as `ulimit -Hn 1500`
    monkeypatch.setattr(throughput, "_start", None)
    given = argparse.Namespace(clients=[1], seconds=1, rounds=1, warm_up=1, peers=False)
    with pytest.raises(
        OSError, match="2000 connections need 2200 open files, but `ulimit -Hn` allows only 1500"
    ):
        throughput.run(given)
