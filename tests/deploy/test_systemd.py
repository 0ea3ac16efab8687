"""The units that call the loop where no containers run: systemd takes them, and they call what there is."""

import shutil
import subprocess
from configparser import ConfigParser
from pathlib import Path

import pytest

from loop.__main__ import FAILED, REFUSED, UNDECIDED
from system.files import PROJECT

UNITS = sorted((PROJECT / "deploy" / "systemd").iterdir())
SERVICES = [unit for unit in UNITS if unit.suffix == ".service"]


def read(unit: Path) -> ConfigParser:
    """Return a unit's sections; none of ours has a key twice."""
    parser = ConfigParser(interpolation=None, comment_prefixes=("#",), delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(unit, encoding="utf-8")
    return parser


def test_each_service_has_a_timer_that_starts_with_the_machine() -> None:
    assert [unit.stem for unit in SERVICES] == ["sketchserve-retrain", "sketchserve-watch"]
    for service in SERVICES:
        timer = read(service.with_suffix(".timer"))
        assert timer["Install"]["WantedBy"] == "timers.target"
        assert "OnCalendar" in timer["Timer"]


@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.stem)
def test_a_service_runs_a_module_that_there_is_after_all_others(unit: Path) -> None:
    service = read(unit)["Service"]
    assert service["Type"] == "oneshot"
    folder, (python, _, module) = service["WorkingDirectory"], service["ExecStart"].split()
    assert python == f"{folder}/.venv/bin/python"
    path = PROJECT.joinpath(*module.split("."))
    assert path.with_suffix(".py").exists() or (path / "__main__.py").exists()
    assert int(service["Nice"]) > 0
    assert int(service["CPUWeight"]) < 100


def test_a_refused_candidate_and_too_little_evidence_are_no_failures() -> None:
    assert read(SERVICES[0])["Service"]["SuccessExitStatus"] == f"{REFUSED} {UNDECIDED}"
    assert FAILED not in (REFUSED, UNDECIDED)


def test_systemd_takes_the_units(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd is not on this machine")
    # Installed as docs/loop.md says, but for the folder and the user, which this machine lacks.
    python = tmp_path / "app" / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch(mode=0o755)
    for unit in UNITS:
        text = unit.read_text(encoding="utf-8").replace("/opt/sketchserve", str(tmp_path / "app"))
        (tmp_path / unit.name).write_text(text.replace("User=sketchserve\n", ""), encoding="utf-8")
    units = [tmp_path / unit.name for unit in UNITS]
    done = subprocess.run(
        [analyze, "verify", "--man=no", *units], capture_output=True, text=True, check=False, timeout=120
    )
    assert (done.returncode, [line for line in done.stderr.splitlines() if "sketchserve" in line]) == (0, [])
