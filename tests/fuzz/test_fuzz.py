"""The corpus that fuzzing left, and a minute more of it in CI."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.targets import TARGETS, mended, png
from tests.handler.test_png import GOOD

CORPUS = Path(__file__).parent / "corpus"
FILES = sorted(file for file in CORPUS.glob("*/*") if file.is_file())
# A minute for all targets in CI; elsewhere it is only seen that it works.
SECONDS = 60 // len(TARGETS) if os.environ.get("CI") else 2


@pytest.mark.filterwarnings("ignore")  # Pillow's, of broken files
@pytest.mark.parametrize("target", TARGETS)
def test_what_fuzzing_found_worth_keeping_is_read_or_refused(target: str) -> None:
    files = [file for file in FILES if file.parent.name == target]
    assert len(files) >= 10
    for file in files:
        try:
            TARGETS[target](file.read_bytes())
        except Exception as error:
            raise AssertionError(f"{file.name} breaks {target}") from error


def test_checksums_are_made_right() -> None:
    broken = bytearray(GOOD)
    broken[29:33] = bytes(4)
    assert mended(bytes(broken)) == GOOD
    assert mended(GOOD[:-1]) == GOOD
    assert mended(b"no PNG") == b"no PNG"


def test_a_recipe_is_read_through_every_filter() -> None:
    for colours in range(4):
        png(bytes([colours, 7, 7, 3, 0, 0]) + bytes(range(256)))


@pytest.mark.processes
@pytest.mark.parametrize("target", TARGETS)
def test_fuzzing_finds_nothing(target: str, tmp_path: Path) -> None:
    pytest.importorskip("atheris", reason="atheris has no wheel for this machine")
    options = [
        "-timeout=30",
        "-rss_limit_mb=4096",
        f"-max_total_time={SECONDS}",
        f"-artifact_prefix={tmp_path}/",
    ]
    command = [sys.executable, "-m", "tests.fuzz", target, tmp_path, CORPUS / target, *options]
    found = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert found.returncode == 0, found.stderr[-4000:]
