"""Waiting for a model: what ends it, and what does not."""

import time
from pathlib import Path

import pytest

from client.errors import Denied, LoadFailed, NotLoaded
from client.management import Management, ModelStatus
from client.readiness import is_ready, wait_until_ready
from tests.ui.answering import NOBODY, answering
from tests.ui.managing import managing
from tests.ui.several_models import put_archive


def test_a_version_is_returned_with_its_workers_once_one_is_ready(tmp_path: Path) -> None:
    put_archive(tmp_path, "digits.mar", "digits")
    with managing(tmp_path, loaded=["digits.mar"]) as torchserve:
        torchserve.load_s = 60.0
        torchserve.start(("digits", "1.0.0"), 2)
        management = Management(torchserve.url)
        assert not is_ready(management, "digits")
        torchserve.started["digits", "1.0.0"] = (time.monotonic(), 0.3)
        status = wait_until_ready(management, "digits", 30)
        assert (status.version, status.workers) == ("1.0.0", 2)
        assert is_ready(management, "digits")


@pytest.mark.parametrize(("status", "error"), [(404, NotLoaded), (403, Denied), (405, Denied)])
def test_an_answer_that_will_stay_the_same_ends_it_at_once(status: int, error: type[Exception]) -> None:
    with answering({"message": "no"}, status=status) as server, pytest.raises(error):
        wait_until_ready(Management(server.url), "digits", 60)


def test_a_server_that_fails_may_recover_and_is_asked_until_the_time_is_over() -> None:
    asked = []

    def third(_status: ModelStatus | None) -> None:
        asked.append(1)
        if len(asked) == 3:
            raise ChildProcessError("enough")

    with answering({"code": 500}, status=500) as server:
        with pytest.raises(LoadFailed, match=r"within 0\.3 s"):
            wait_until_ready(Management(server.url), "digits", 0.3)
        with pytest.raises(ChildProcessError, match="enough"):
            wait_until_ready(Management(server.url), "digits", 60, third)


def test_a_check_that_raises_ends_it_also_where_nobody_answers() -> None:
    def check(status: ModelStatus | None) -> None:
        assert status is None
        raise ChildProcessError("it ended")

    with pytest.raises(ChildProcessError, match="it ended"):
        wait_until_ready(Management(NOBODY), "digits", 60, check)
    assert not is_ready(Management(NOBODY), "digits")
