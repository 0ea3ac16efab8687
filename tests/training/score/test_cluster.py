"""On a Ray cluster of two nodes each makes its share, and what is found is what one machine finds."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.training.score.runs import as_folder, files, rows, score

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


def test_two_nodes_label_what_one_machine_labels(address: str, model_store: Path, tmp_path: Path) -> None:
    folder = as_folder(tmp_path, files(200))
    arguments = ("--archive", model_store / "digits.mar", "--rows", ROWS)
    done = score(folder, tmp_path / "cluster", *arguments, "--ray", address)
    assert done.returncode == 0, done.stderr
    made = sorted((tmp_path / "cluster").glob("part-*.parquet"))
    writers = {json.loads(pq.read_schema(part).metadata[b"sketchserve"])["writer"] for part in made}
    assert len(writers) == 2, "an actor for each core, so one on each node"
    kept = pq.read_table(made[3]).to_pylist()
    made[3].unlink()
    again = score(folder, tmp_path / "cluster", *arguments, "--workers", 1)
    assert again.returncode == 0, again.stderr
    assert "10 of them from before" in again.stdout, "another place goes on with it"
    there = rows(tmp_path / "cluster")
    assert len(there) == 202
    assert there[3 * ROWS : 4 * ROWS] == kept, "and finds the same"
    assert all(row["label"] for row in there[:200])
