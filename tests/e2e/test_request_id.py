"""One request's id, from the proxy's header to the row, in the logs of page and TorchServe on the way."""

from pathlib import Path

import pytest

from db import embedded, engine
from db.log import PredictionLog
from launch.temporary import TorchServe
from tests.e2e.page import running_page, wait_until
from tests.ui.asking import ask
from tests.ui.conftest import drawing as drawing

pytestmark = pytest.mark.integration

VISITOR = "0123456789abcdef0123456789abcdef"


def test_the_id_that_the_proxy_gave_is_found_everywhere(
    database: embedded.Server, torchserve: TorchServe, tmp_path: Path, drawing: bytes
) -> None:
    log = PredictionLog(engine.create(database.url))
    with running_page(database.url, torchserve, tmp_path / "ui.log") as running:
        answer = ask(running.url, drawing, VISITOR, X_Request_Id="given-by.the_proxy")
        assert answer.headers["x-request-id"] == "given-by.the_proxy"
        wait_until(lambda: bool(log.history(VISITOR)), "the row")
    assert [row.prediction.request_id for row in log.history(VISITOR)] == ["given-by.the_proxy"]
    assert "request given-by.the_proxy: torchserve " in (tmp_path / "ui.log").read_text()
    access = torchserve.log_dir / "access.log"
    line = '"POST /predictions/digits?request_id=given-by.the_proxy HTTP/1.1" 200'
    wait_until(lambda: line in access.read_text(errors="replace"), "TorchServe's access.log")
