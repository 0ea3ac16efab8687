"""A run that is ended at any moment is gone on with: no part is made twice, and no picture is in two."""

import csv
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from system.files import PROJECT, UNFINISHED, lock, sha256, written_aside
from tests.training.score.runs import as_folder, as_tar, command, files, rows, score
from training.score.__main__ import LOCK, main
from training.score.inputs import Inputs
from training.score.plan import UNPACKED, clear, plan

# So often each picture is listed: for seconds of work, of which little is on the disk.
TIMES, ROWS = 100, 16
WITHIN_S = 120.0


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CSV file of 2,200 pictures."""
    place = tmp_path_factory.mktemp("many")
    names = [f"pictures/{name}" for name in files()]
    as_folder(place, files())
    with (place / "many.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["path"], *([name] for name in names * TIMES)])
    return place / "many.csv"


def parts(output: Path) -> dict[str, tuple[int, int]]:
    """Return each finished part, with what tells it from one that was made later."""
    return {
        path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in output.glob("part-*.parquet")
    }


def ended_in_the_middle(arguments: list[str], output: Path, end: Callable[[psutil.Process], None]) -> str:
    """Return what the command said that was ended, somehow, after it had finished a part or more."""
    before = len(parts(output))
    with subprocess.Popen(arguments, cwd=PROJECT, stderr=subprocess.PIPE, text=True) as started:
        deadline = time.monotonic() + WITHIN_S
        while len(parts(output)) < before + 3:
            assert started.poll() is None, "it ended by itself"
            assert time.monotonic() < deadline
            time.sleep(0.002)
        process = psutil.Process(started.pid)
        family = process.children(recursive=True)
        end(process)
        said = started.communicate(timeout=WITHIN_S)[1]
    _, alive = psutil.wait_procs(family, WITHIN_S)
    assert alive == [], "none is left over"
    return said


def kill_a_worker(process: psutil.Process) -> None:
    workers = [child for child in process.children() if "spawn_main" in " ".join(child.cmdline())]
    workers[0].kill()


def drafts(output: Path) -> list[str]:
    return [path.name for path in output.iterdir() if UNFINISHED in path.name]


@pytest.mark.processes
def test_what_is_ended_at_any_moment_goes_on_where_it_was(
    model_store: Path, many: Path, tmp_path: Path
) -> None:
    output = tmp_path / "found"
    arguments = command(many, output, "--archive", model_store / "digits.mar", "--rows", ROWS, "--workers", 2)
    said = ended_in_the_middle(arguments, output, kill_a_worker)
    assert "a process ended while it worked" in said
    assert drafts(output) == [], "which readers of the folder would take for parts"
    first = parts(output)
    ended_in_the_middle(arguments, output, lambda process: process.kill())
    second = parts(output)
    said = ended_in_the_middle(arguments, output, lambda process: process.send_signal(signal.SIGINT))
    assert "stopped. Run the same command again to continue" in said
    third = parts(output)
    done = score(*arguments[3:])
    assert done.returncode == 0, done.stderr
    last = parts(output)
    assert 0 < len(first) < len(second) < len(third) < len(last) == -(-22 * TIMES // ROWS)
    assert first.items() <= second.items() <= third.items() <= last.items(), "no part is made again"
    found = rows(output)
    assert [row["input"] for row in found] == [f"pictures/{name}" for name in files()] * TIMES
    alike = {repr(sorted(row.items())) for row in found}
    assert len(alike) == len(files()), "a picture's row is the same from whatever run"
    assert drafts(output) == []
    assert f"{len(third):,} of them from earlier runs" in done.stdout


def test_two_at_a_time_do_not_write_one_output(
    many: Path, model_store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with lock(tmp_path / LOCK):
        assert main([str(many), str(tmp_path), "--archive", str(model_store / "digits.mar")]) == 1
    assert "is held by process" in capsys.readouterr().err
    assert parts(tmp_path) == {}


def test_an_output_within_the_pictures_is_refused(
    many: Path, model_store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inside = many.parent / "pictures" / "found"
    given = [str(many.parent / "pictures"), str(inside), "--archive", str(model_store / "digits.mar")]
    assert main(given) == 1
    assert "name a folder outside it" in capsys.readouterr().err
    assert not inside.exists()


@pytest.mark.parametrize("input_name", ["pictures", "pictures.tar"])
def test_a_refused_command_leaves_the_folder_as_it_was(input_name: str, tmp_path: Path) -> None:
    folder = as_folder(tmp_path, {"0.png": b"", "mine.unfinished": b"", "archive.unfinished/thesis": b""})
    as_tar(folder, {})
    before = sorted(tmp_path.rglob("*"))
    given = folder if input_name == "pictures" else folder / input_name
    assert main([str(given), str(folder)]) == 1
    assert sorted(tmp_path.rglob("*")) == before


def test_a_refused_command_leaves_no_folder_of_its_own(tmp_path: Path) -> None:
    given, own = tmp_path / "pictures", tmp_path / "own"
    own.mkdir()
    for output in (tmp_path / "found", own):
        assert main([str(given), str(output), "--archive", str(tmp_path / "none.mar")]) == 1
    assert list(tmp_path.iterdir()) == [own]


def test_what_others_call_unfinished_is_not_removed_with_the_drafts(tmp_path: Path) -> None:
    others = [
        "mine.unfinished",
        "part-of-thesis.unfinished",
        "part-000000.parquet",
        "thesis.unfinished/1.txt",
    ]
    for name in others:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    for name in ("_plan.parquet", "part-000003.parquet", "part-1000000.parquet"):
        for writer in (None, "node-17"):
            # Without its draft, it has nothing to put in place.
            with suppress(FileNotFoundError), written_aside(tmp_path / name, writer) as draft:
                draft.touch()
                clear(tmp_path)
                assert not draft.exists()
    (tmp_path / UNPACKED / "MAR-INF").mkdir(parents=True)
    clear(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(name.split("/")[0] for name in others)


def test_a_command_whose_input_is_gone_ends_with_an_error_and_labels_nothing(
    model_store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, archive = as_folder(tmp_path, files(3)), model_store / "digits.mar"
    plan(Inputs(folder), tmp_path / "found", sha256(archive), ROWS)
    folder.rename(tmp_path / "mounted")
    assert main([str(folder), str(tmp_path / "found"), "--archive", str(archive)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "is not there" in line
    assert parts(tmp_path / "found") == {}
