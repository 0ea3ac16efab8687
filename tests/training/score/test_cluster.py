"""On a Ray cluster of two nodes each makes its share, and what is found is what one machine finds."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from system.files import PROJECT
from system.processes import until
from tests.training.score.runs import as_folder, command, files, rows, score

pytestmark = pytest.mark.processes
ROWS = 20


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The address of two nodes, each with a core."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # it would report to its makers
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "include_dashboard": False, "object_store_memory": 100 * 1000**2}
    cluster = Cluster(initialize_head=True, head_node_args=node)
    try:
        cluster.add_node(**{**node, "include_dashboard": None})
        yield cluster.address
    finally:
        cluster.shutdown()
        del os.environ["RAY_USAGE_STATS_ENABLED"]


def writer(part: Path) -> str:
    """Return by which actor a part was made: its machine and process id."""
    words: str = json.loads(pq.read_schema(part).metadata[b"sketchserve"])["writer"]
    return words


def test_two_nodes_label_what_one_machine_labels(address: str, model_store: Path, tmp_path: Path) -> None:
    folder = as_folder(tmp_path, files(200))
    arguments = ("--archive", model_store / "digits.mar", "--rows", ROWS)
    # An actor that begins seconds after the other finds nothing left to do.
    for _ in range(3):
        shutil.rmtree(tmp_path / "cluster", ignore_errors=True)
        done = score(folder, tmp_path / "cluster", *arguments, "--ray", address)
        assert done.returncode == 0, done.stderr
        made = sorted((tmp_path / "cluster").glob("part-*.parquet"))
        writers = {writer(part) for part in made}
        if len(writers) == 2:
            break
    assert len(writers) == 2, "an actor for each core, so one on each node"
    kept = pq.read_table(made[3]).to_pylist()
    made[3].unlink()
    again = score(folder, tmp_path / "cluster", *arguments, "--workers", 1)
    assert again.returncode == 0, again.stderr
    assert "10 of them from earlier runs" in again.stdout, "another place goes on with it"
    there = rows(tmp_path / "cluster")
    assert len(there) == 202
    assert there[3 * ROWS : 4 * ROWS] == kept, "and finds the same"
    assert all(row["label"] for row in there[:200])


def test_an_actor_that_is_killed_is_replaced_and_no_picture_is_lost_or_there_twice(
    address: str, model_store: Path, tmp_path: Path
) -> None:
    drawn = [*files(100).values()]
    kept = {f"{number:04}.png": drawn[number % len(drawn)] for number in range(3_000)}
    arguments = ("--archive", model_store / "digits.mar", "--rows", ROWS, "--ray", address)
    output = tmp_path / "cluster"
    made: list[Path] = []
    with subprocess.Popen(
        command(as_folder(tmp_path, kept), output, *arguments),
        cwd=PROJECT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as run:

        def has_begun() -> bool:
            made[:] = sorted(output.glob("part-*.parquet"))
            return bool(made) or run.poll() is not None

        assert until(has_begun, 240, 0.02)
        killed = writer(made[0])
        os.kill(int(killed.rpartition("-")[2]), signal.SIGKILL)
        _, said = run.communicate(timeout=240)
    assert run.returncode == 0, said
    parts = sorted(output.glob("part-*.parquet"))
    assert [part.name for part in parts] == [f"part-{number:06}.parquet" for number in range(150)]
    assert {pq.read_metadata(part).num_rows for part in parts} == {ROWS}
    # Nor a draft, which pyarrow would take for a part.
    assert [row["input"] for row in rows(output)] == [*kept]
    assert len({writer(part) for part in parts}) == 3, "of the two that began one is gone, and one came"
