"""launch/setup.sh, in a project of its own with small wheels, from an index that lies in a folder."""

import os
import re
import shutil
import socket
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from system.files import PROJECT

pytestmark = pytest.mark.processes

Setup = Callable[..., subprocess.CompletedProcess[str]]
HAS_NVIDIA = Path("/proc/driver/nvidia").exists() or Path("/dev/nvidia0").exists()
VERSIONS = {
    "page": ("1", "2"),
    "network": ("1",),
    "torch": ("2",),
    "torchvision": ("3",),
    "nvidia-cuda": ("1",),
}
CPU_VERSIONS = {"torch": ("2+cpu",), "torchvision": ("3+cpu",)}


def index_of(folder: Path, packages: dict[str, tuple[str, ...]]) -> str:
    """Make a package index of empty packages; give its address."""
    for name, versions in packages.items():
        (folder / name).mkdir(parents=True)
        module = name.replace("-", "_")
        for version in versions:
            about = f"{module}-{version}.dist-info"
            wheel = folder / name / f"{module}-{version}-py3-none-any.whl"
            with zipfile.ZipFile(wheel, "w") as file:
                file.writestr(f"{module}.py", f"VERSION = {version!r}\n")
                file.writestr(
                    f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
                )
                file.writestr(
                    f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
                )
                file.writestr(f"{about}/RECORD", "")
        links = "".join(f'<a href="{wheel.name}">{wheel.name}</a>\n' for wheel in (folder / name).iterdir())
        (folder / name / "index.html").write_text(links)
    return folder.as_uri()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with three locks; .venv is there, with uv and nothing else."""
    there = tmp_path / "project"
    (there / "launch").mkdir(parents=True)
    (there / "requirements").mkdir()
    for name in ("setup.sh", "find_python.sh"):
        shutil.copy(PROJECT / "launch" / name, there / "launch")
    lock(there, run=["page==1"], train=["network==1"], dev=["network==1", "page==1"])
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", there / ".venv"], check=True)
    (there / ".venv" / "bin" / "uv").symlink_to(Path(sys.executable).with_name("uv"))
    return there


def lock(project: Path, **groups: list[str]) -> None:
    """Write the groups' lock files, with what `make lock` may write behind a pin."""
    for group, lines in groups.items():
        path = project / ("requirements.lock" if group == "dev" else f"requirements/{group}.lock")
        path.write_text(
            "# make lock\n" + "".join(f"{line} ; python_version > '3'\n    # via\n" for line in lines)
        )


@pytest.fixture
def setup(project: Path, tmp_path: Path) -> Setup:
    """Runs setup.sh with the folder's index as the only one."""
    index = index_of(tmp_path / "index", VERSIONS)

    def run(*groups: str, **environ: str) -> subprocess.CompletedProcess[str]:
        own = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "PYTHON": sys.executable,
            "PIP_INDEX_URL": index,
            "PIP_CONFIG_FILE": os.devnull,
            "UV_CACHE_DIR": str(tmp_path / "cache"),
            "UV_OFFLINE": "1",
        }
        command = ["sh", "launch/setup.sh", *groups]
        return subprocess.run(command, cwd=project, env={**own, **environ}, capture_output=True, text=True)

    return run


def installed(project: Path) -> dict[str, str]:
    """Return the version of each package in .venv, pip's own aside."""
    found = (re.fullmatch(r"(\w+)-(.+)\.dist-info", path.name) for path in project.rglob("*.dist-info"))
    return {match[1]: match[2] for match in found if match and match[1] not in ("pip", "setuptools")}


def test_a_group_that_is_asked_for_later_is_added(project, setup):
    assert setup("run").returncode == 0
    assert installed(project) == {"page": "1"}
    assert setup("train").returncode == 0
    assert installed(project) == {"page": "1", "network": "1"}


@pytest.mark.parametrize("groups", [["run"], ["run", "train"], ["dev"]])
def test_what_is_there_is_not_installed_again(project, setup, groups):
    assert "installing" in setup(*groups).stdout
    (project / ".venv" / "bin" / "uv").unlink()
    again = setup(*groups)
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")


def test_the_one_lock_has_what_every_group_needs(project, setup):
    setup("dev")
    assert setup("run").stdout == setup("train").stdout == ""


def test_a_lock_that_changed_is_installed_and_so_is_the_old_one_again(project, setup):
    setup("dev")
    lock(project, run=["page==2"], dev=["network==1", "page==2"])
    setup("run")
    assert installed(project) == {"page": "2", "network": "1"}
    assert setup("train").stdout == ""
    lock(project, run=["page==1"], dev=["network==1", "page==1"])
    setup("dev")
    assert installed(project) == {"page": "1", "network": "1"}


def test_what_failed_is_tried_again(project, setup):
    lock(project, run=["page==3"], dev=["page==3"])
    failed = setup("run")
    assert failed.returncode == 1
    assert failed.stderr.splitlines()[-1] == (
        "make setup: cause: the packages in requirements/run.lock could not be installed; fix: see the "
        "lines above; make setup continues where it stopped"
    )
    assert setup("run").returncode == 1
    lock(project, run=["page==2"], dev=["page==2"])
    assert setup("run").returncode == 0
    assert installed(project) == {"page": "2"}


def test_an_unknown_group_is_one_line(setup):
    done = setup("pages")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("make setup: cause: there is no group pages; fix: ")
    assert len(done.stderr.splitlines()) == 1


def test_a_venv_whose_making_was_interrupted_is_made_anew_and_without_uv_pip_installs(project, setup):
    (project / ".venv" / "bin" / "uv").unlink()  # nor has it a pip: what Ctrl-C leaves
    lock(project, dev=["network==1", "page==1", "uv==0"])
    done = setup("run")
    assert done.returncode == 0, done.stderr
    assert "creating .venv with Python" in done.stdout
    assert "pip installs the rest" in done.stdout
    assert installed(project)["page"] == "1"


@pytest.mark.parametrize("has_uv", [True, False], ids=["uv", "pip"])
def test_what_a_shell_has_set_for_other_installations_does_not_count(project, setup, tmp_path, has_uv):
    elsewhere = str(tmp_path / "elsewhere")
    (tmp_path / "decoy" / "launch").mkdir(parents=True)
    if not has_uv:
        shutil.rmtree(project / ".venv")
        lock(project, dev=["network==1", "page==1", "uv==0"])
    done = setup(
        "run",
        CDPATH=str(tmp_path / "decoy"),
        PIP_USER="1",
        PIP_TARGET=elsewhere,
        PIP_PREFIX=elsewhere,
        PIP_CONSTRAINT="/nowhere/constraints.txt",
        UV_TARGET=elsewhere,
        UV_PREFIX=elsewhere,
        UV_SYSTEM_PYTHON="1",
        UV_CONSTRAINT="/nowhere/constraints.txt",
        UV_REQUIRE_HASHES="1",
    )
    assert done.returncode == 0, done.stderr
    assert installed(project)["page"] == "1"
    assert not Path(elsewhere).exists()


@pytest.fixture
def torch(project: Path) -> None:
    """Locks with torch for CUDA, and in the group train with its torchvision."""
    run = ["nvidia-cuda==1", "page==1", "torch==2"]
    train = ["nvidia-cuda==1", "torch==2", "torchvision==3"]
    lock(project, run=run, train=train, dev=sorted({*run, *train}))


@pytest.mark.usefixtures("torch")
def test_an_index_for_torch_is_remembered(project, setup, tmp_path):
    setup("run", TORCH_INDEX=index_of(tmp_path / "cpu", CPU_VERSIONS))
    assert installed(project) == {"page": "1", "torch": "2+cpu"}
    setup("train")
    assert installed(project) == {"page": "1", "torch": "2+cpu", "torchvision": "3+cpu"}


@pytest.mark.skipif(HAS_NVIDIA, reason="has an NVIDIA GPU")
@pytest.mark.skipif(sys.platform != "linux", reason="only on Linux does the lock's torch bring CUDA")
@pytest.mark.usefixtures("torch")
def test_where_the_cpu_build_cannot_be_reached_the_locked_one_is_taken_in_seconds(project, setup):
    with socket.create_server(("127.0.0.1", 0)) as silent:  # accepts, and never says anything
        proxy = f"http://127.0.0.1:{silent.getsockname()[1]}"
        done = setup("run", UV_OFFLINE="0", HTTPS_PROXY=proxy, ALL_PROXY=proxy)
    assert done.returncode == 0, done.stderr
    assert "torch's CPU build cannot be reached" in done.stdout
    assert installed(project) == {"page": "1", "torch": "2", "nvidia_cuda": "1"}
    assert "CPU build" not in setup("train").stdout


@pytest.mark.usefixtures("torch")
def test_with_an_nvidia_gpu_torch_is_the_locked_one(project, setup, tmp_path):
    (tmp_path / "nvidia-smi").touch(0o755)
    done = setup("run", PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert "CPU build" not in done.stdout
    assert installed(project) == {"page": "1", "torch": "2", "nvidia_cuda": "1"}
