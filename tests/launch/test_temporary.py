"""A TorchServe of one's own leaves nothing behind, however it ends."""

from pathlib import Path

import psutil
import pytest

from launch.temporary import running


@pytest.mark.integration
def test_a_java_that_dies_leaves_no_worker_behind(model_store: Path) -> None:
    with running(model_store) as server:
        java = psutil.Process(server.java_pid)
        workers = [
            one for one in java.children(recursive=True) if "model_service_worker" in str(one.cmdline())
        ]
        assert workers
        java.kill()
        java.wait(10)
    assert not [one for one in workers if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
    assert not server.log_dir.exists()
