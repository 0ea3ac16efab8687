"""The commands that build: what each says where it cannot, and what make and the model store know of it."""

import os
import subprocess
import sys
import zipfile

import pytest

from launch.weights import COMMITTED
from system import known_archives
from system.files import PROJECT


def test_the_command_says_in_one_line_what_is_missing(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "launch.build"],
        cwd=PROJECT,
        env={
            **os.environ,
            "MODEL": "nothing",
            "MODEL_STORE": str(tmp_path),
            "VAR_DIR": str(tmp_path / "var"),
        },
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("make archive: cause: there is neither an archive")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(("given", "status"), [([], 0), (["--anew"], 1)])
def test_the_command_leaves_an_archive_alone_that_it_cannot_build(tmp_path, given, status):
    (tmp_path / "bought.mar").write_bytes(b"somebody's own")
    done = subprocess.run(
        [sys.executable, "-m", "launch.build", *given],
        cwd=PROJECT,
        env={**os.environ, "MODEL": "bought", "MODEL_STORE": str(tmp_path), "VAR_DIR": str(tmp_path / "var")},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, len(done.stderr.splitlines())) == (status, status)
    assert (tmp_path / "bought.mar").read_bytes() == b"somebody's own"
    if given:
        assert done.stderr.startswith("make archive: cause: there are no weights to build")
        assert f"put bought.safetensors or bought.onnx (or a whole bought.mar) into {tmp_path}" in done.stderr


@pytest.mark.parametrize(
    ("words", "command"),
    [
        (
            "train DATASET=kmnist MODEL=lenet5 DATA=d",
            'training.fitting.train --dataset "kmnist" --model "lenet5" --data "d"',
        ),
        ("train", "training.fitting.train"),
        ("train MODEL=svm", 'training.fitting.train --model "svm"'),
        ("archive DATASET=kmnist", 'training.archive --dataset "kmnist"'),
        ("archive", "launch.build"),
        ("-B archive", "launch.build --anew"),
        ("-B archive MODEL=fashion", "launch.build --anew"),
        ("archive MODEL=Box", "launch.build"),
        ("run MODEL=fashion", "launch.build"),
    ],
)
def test_make_hands_on_what_it_is_told(words, command):
    # An outer make's flags would be this one's.
    told = {
        key: value
        for key, value in os.environ.items()
        if key not in ("MAKEFLAGS", "MODEL", "DATASET", "DATA", "ARGS")
    }
    done = subprocess.run(
        ["make", "-n", *words.split()], cwd=PROJECT, env=told, capture_output=True, text=True, check=True
    )
    commands = [line.partition("-m ")[2].strip() for line in done.stdout.splitlines() if " -m " in line]
    assert " ".join(commands[0].split()) == command


@pytest.mark.timeout(180)
def test_what_is_built_is_known_and_what_comes_into_the_store_later_is_not(tmp_path):
    store, known = tmp_path / "store", tmp_path / "var" / "archives.sha256"
    store.mkdir()
    with zipfile.ZipFile(store / "before.mar", "w"):
        pass
    (store / "digits.safetensors").write_bytes(COMMITTED.read_bytes())
    done = subprocess.run(
        [sys.executable, "-m", "launch.build"],
        cwd=PROJECT,
        env={**os.environ, "MODEL_STORE": str(store), "VAR_DIR": str(tmp_path / "var")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("make archive: before.mar may be served, as before;")
    (store / "later.mar").write_bytes((store / "digits.mar").read_bytes() + b" ")
    files = {path.name: known_archives.is_known(path, known) for path in store.glob("*.mar")}
    assert files == {"before.mar": True, "digits.mar": True, "later.mar": False}
