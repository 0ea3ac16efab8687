"""The TorchServe of the gate says where it answers, ends with whoever asks it, and why it does not start."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from loop.places import Places
from loop.verdict import beside
from tests.loop.test_places import put_archive

pytestmark = pytest.mark.processes


def test_it_says_where_it_answers_and_ends_with_whoever_asks() -> None:
    environ = {key: f"the {key}" for key in beside.ADDRESSES}
    with subprocess.Popen(
        [sys.executable, "-c", beside.WAIT], env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as waiting:
        assert waiting.stdin is not None
        assert waiting.stdout is not None
        assert json.loads(waiting.stdout.readline()) == [f"the {key}" for key in beside.ADDRESSES]
        assert waiting.poll() is None
        waiting.stdin.close()  # as its end is closed when whoever asks is killed
        assert waiting.wait(30) == 0


def test_why_it_does_not_start_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INFERENCE_PORT", "none")
    archive = put_archive(Places(tmp_path, tmp_path, tmp_path, tmp_path), "digits", "1.0.0", "digits.mar")
    with (
        pytest.raises(beside.NoServer, match="INFERENCE_PORT is 'none', expected a port"),
        beside.running(archive, archive),
    ):
        pytest.fail("it must not be running")
