"""What `make status` says of containers, from what compose says."""

import json

import pytest

from deploy import status


def test_the_project_is_the_one_that_the_containers_are_of(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = {"Project": "mine", "Name": "mine-ui-1", "Service": "ui", "Image": "sketchserve/page:local"}
    line = json.dumps({**page, "State": "running", "Health": "healthy", "Status": "Up", "ExitCode": 0})
    monkeypatch.setattr(status, "_output", lambda *command: line if "ps" in command else "")
    status.of_containers(status.containers())
    assert capsys.readouterr().out.startswith("compose project mine\n")
