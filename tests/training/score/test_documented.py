import subprocess
import sys
from pathlib import Path

import pytest

from system.files import PROJECT
from tests.docs.documents import blocks, scripts
from tests.training.score.runs import as_folder, files, rows


@pytest.mark.processes
def test_the_documented_commands_label_a_folder_and_read_what_is_found(
    model_store: Path, tmp_path: Path
) -> None:
    as_folder(tmp_path, files(20))
    for name in ("training", "system"):
        (tmp_path / name).symlink_to(PROJECT / name)
    (tmp_path / "model_store").symlink_to(model_store)
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (tmp_path / ".venv" / "bin" / "python").chmod(0o755)
    (script,) = scripts("docs/bulk.md", "")
    subprocess.run(["sh", "-ec", script], cwd=tmp_path, check=True, timeout=240)
    assert len(rows(tmp_path / "found")) == 22
    (reads,) = (block.text for block in blocks("docs/bulk.md") if block.language == "python")
    said = subprocess.run(
        [sys.executable, "-c", reads], cwd=tmp_path, check=True, capture_output=True, text=True
    ).stdout
    assert "Nothing is drawn" in said
