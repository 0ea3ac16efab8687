import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
import torch
from PIL import Image

from bench import throughput
from bench.baseline import archive as baseline_archive
from bench.baseline.pillow_handler import PillowHandler
from bench.in_process import limit
from bench.load import load
from bench.overload import SURPLUS_CLIENTS, measure
from bench.peers import servers as peers
from bench.pictures import pictures
from bench.served_archive import answers, load_handler, unpack
from bench.turns import Server
from launch.settings import PROJECT
from launch.temporary import running
from training.models import weights

LABELS = [str(index % 10) for index in range(64)]


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


@pytest.mark.integration
def test_a_full_queue_refuses_the_surplus_and_serves_on(model_store):
    files = pictures()
    with running(model_store, TS_JOB_QUEUE_SIZE="20") as server:
        url = f"{server.inference_url}/predictions/digits"
        found = measure(Server("ours", url, server.pid), files, 20, 1, 2, lambda _: None)
        assert requests.post(url, data=files[0], timeout=10).status_code == 200
    beyond = found.beyond[0]
    assert beyond.clients == 20 + SURPLUS_CLIENTS
    assert beyond.refused_per_s > 0
    assert beyond.accepted_per_s > 0
    assert set(beyond.newcomer_ms) <= {200, 503}
    assert min(beyond.java_cpu, beyond.workers_cpu, beyond.generator_cpu) > 0
    assert beyond.other == 0


@pytest.mark.integration
def test_the_command_measures_what_is_there_and_names_what_is_not(tmp_path):
    command = [
        *(sys.executable, "-m", "bench.throughput", "--clients", "1", "8", "--seconds", "1", "--rounds", "1"),
        *("--warm-up", "1", "--baseline", "--peers", "--out", str(tmp_path)),
    ]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "throughput.json").read_text())
    expected = ["Sketchserve", "TorchServe's defaults, Pillow handler"]
    for peer in peers.PEERS:
        absent = peers.missing(peer, sys.executable)
        if absent:
            assert f"{peer.name} is left out" in done.stderr
            assert ", ".join(absent) in done.stderr
        else:
            expected.append(peer.name)
    assert [row["server"] for row in found["rows"]] == [name for name in expected for _ in (1, 8)]
    assert all(row["requests_per_s"] > 0 and not row["failures"] for row in found["rows"])
    assert found["limit_per_s"] > 0
    assert done.stdout.strip() == (tmp_path / "throughput.md").read_text().strip()
    Image.open(tmp_path / "throughput.png").verify()


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
    assert peers.missing(odd, sys.executable) == ["no_such_server"]


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
    "arguments", [["--rounds", "0"], ["--clients", "0"], ["--seconds", "-1"], ["--pair-rounds", "0"]]
)
def test_nonsense_is_refused_before_anything_starts(arguments, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["throughput", *arguments])
    with pytest.raises(SystemExit):
        throughput.main()
    assert "must be above 0" in capsys.readouterr().err
