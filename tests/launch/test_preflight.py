import json
import os
import subprocess
import zipfile
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from launch.archive import Archive, read_archive
from launch.errors import LaunchError
from launch.preflight import (
    read_served_archive,
    require_database,
    require_writable,
)
from launch.settings import read_settings
from launch.weights import count_tensors, where_weights_come_from
from system import known_archives
from system.ports import free_ports
from training.archive.contents import MANIFEST, SERVING
from training.models.reference import Reference


def write_archive(path: Path, model: object, serving: str | None = None) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        if serving is not None:
            archive.writestr(SERVING, serving)
        archive.writestr("weights.bin", os.urandom(20_000))
        archive.writestr(MANIFEST, json.dumps({"model": model}))


def test_an_archive_says_which_model_it_holds(tmp_path):
    write_archive(tmp_path / "digits.mar", {"modelName": "digits", "modelVersion": "1.2.3"})
    assert read_archive(tmp_path / "digits.mar") == Archive("digits", "1.2.3")


def test_an_archive_says_what_its_model_was_trained_on(tmp_path):
    serving = {"data_set": "kmnist", "coverage": 0.95, "framing": "ink", "trained_sha256": "ab"}
    write_archive(tmp_path / "k.mar", {"modelName": "k", "modelVersion": "1"}, json.dumps(serving))
    assert read_archive(tmp_path / "k.mar") == Archive("k", "1", "kmnist", 0.95, None, "ab", framing="ink")


def test_an_archive_says_what_training_looked_like(tmp_path):
    looks = Reference(2, {"7": 1.0}, {"ink_share": (0.1, 0.2)}, 1, (0.5, 0.9), {"1": 1.0})
    serving = json.dumps({"data_set": "kmnist", "reference": asdict(looks)})
    write_archive(tmp_path / "k.mar", {"modelName": "k", "modelVersion": "1"}, serving)
    assert read_archive(tmp_path / "k.mar") == Archive("k", "1", "kmnist", reference=looks)


BROKEN = '{"framing": "ink", "set_threshold": 0.9, "reference": {"features": {"ink_share": 1}}}'


@pytest.mark.parametrize("serving", [None, '{"set_threshold": 0.9}', BROKEN, "[1]", "nonsense"])
def test_an_archive_that_does_not_say_what_it_was_trained_on_is_one_all_the_same(tmp_path, serving):
    write_archive(tmp_path / "k.mar", {"modelName": "k", "modelVersion": "1"}, serving)
    assert read_archive(tmp_path / "k.mar") == Archive("k", "1")


@pytest.mark.parametrize("kept", [0, 100, 10_000, 20_100])
def test_a_truncated_archive_is_refused(tmp_path, kept):
    path = tmp_path / "digits.mar"
    write_archive(path, {"modelName": "digits", "modelVersion": "1"})
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(LaunchError, match=r"cannot be read .*fix: run `make -B archive MODEL=digits`"):
        read_archive(path)


def test_an_archive_with_one_flipped_byte_is_refused(tmp_path):
    path = tmp_path / "digits.mar"
    write_archive(path, {"modelName": "digits", "modelVersion": "1"})
    damaged = bytearray(path.read_bytes())
    damaged[5_000] ^= 0xFF
    path.write_bytes(damaged)
    with pytest.raises(LaunchError, match="make -B archive MODEL=digits"):
        read_archive(path)


@pytest.mark.parametrize("model", [None, {}, {"modelName": "digits"}, [1]])
def test_an_archive_without_a_usable_manifest_is_refused(tmp_path, model):
    write_archive(tmp_path / "digits.mar", model)
    with pytest.raises(LaunchError, match=r"has no MAR-INF/MANIFEST.json with a model's name and version"):
        read_archive(tmp_path / "digits.mar")


def test_an_archive_of_another_model_is_refused(tmp_path):
    write_archive(tmp_path / "digits.mar", {"modelName": "letters", "modelVersion": "1"})
    with pytest.raises(LaunchError, match=r"holds a model named 'letters', expected 'digits'") as caught:
        read_served_archive(read_settings({"MODEL_STORE": str(tmp_path)}))
    # There is nothing to build digits from.
    assert caught.value.fix == "rename it to letters.mar and set MODEL=letters"


def test_an_archive_of_another_model_may_be_replaced_where_there_are_weights(tmp_path):
    write_archive(tmp_path / "digits.mar", {"modelName": "letters", "modelVersion": "1"})
    (tmp_path / "digits.safetensors").write_bytes(b"weights")
    with pytest.raises(LaunchError) as caught:
        read_served_archive(read_settings({"MODEL_STORE": str(tmp_path)}))
    assert caught.value.fix.startswith("rename it to letters.mar and set MODEL=letters, or ")
    assert "`make -B archive MODEL=digits`" in caught.value.fix


def test_neither_archive_nor_weights_says_where_weights_come_from(tmp_path):
    with pytest.raises(LaunchError, match=r"neither an archive .* nor the weights") as caught:
        read_served_archive(read_settings({"MODEL_STORE": str(tmp_path)}))
    assert str(tmp_path) in caught.value.fix
    assert "git checkout" not in caught.value.fix


def test_only_the_committed_weights_come_from_git():
    assert where_weights_come_from(read_settings({})) == "`git checkout -- model_store/digits.safetensors`"
    assert "git checkout" not in where_weights_come_from(read_settings({"MODEL": "nope"}))


def test_whole_weights_are_counted_and_others_refused(tmp_path):
    path = tmp_path / "digits.safetensors"
    save_file({"a": np.zeros(100, np.float32), "b": np.ones((3, 3), np.float32)}, path)
    assert count_tensors(path) == 2
    whole = path.read_bytes()
    for damaged in (b"", b"weights", whole[:5], whole[:40], whole[:-1], whole + b"x", b"\xff" * 500):
        path.write_bytes(damaged)
        with pytest.raises(LaunchError, match=r"digits\.safetensors is not a complete safetensors file"):
            count_tensors(path)


def test_a_missing_archive_with_weights_says_make_archive(tmp_path):
    (tmp_path / "digits.safetensors").write_bytes(b"weights")
    with pytest.raises(LaunchError, match="run `make archive MODEL=digits`"):
        read_served_archive(read_settings({"MODEL_STORE": str(tmp_path)}))


def test_an_unreachable_database_is_one_line_without_its_password():
    port = free_ports(1)[0]
    with pytest.raises(LaunchError, match="PostgreSQL at DATABASE_URL cannot be reached") as caught:
        require_database(f"postgresql://user:secret@127.0.0.1:{port}/name")
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "cause"),
    [
        ("postgresql://user:secret@127.0.0.1:1", "names no database"),
        ("postgresql://user:secret@127.0.0.1:1/", "names no database"),
        ("postgresql://user:sec#ret@127.0.0.1:secret/name", "is not a valid URL"),
        ("postgresql://user:my@secret@127.0.0.1:1/name", "expected those percent-encoded"),
        ("postgresql://us/er:secret@127.0.0.1:1/name", "expected those percent-encoded"),
        ("postgresql://user:sec/ret@127.0.0.1:1/name", "cannot be reached"),
        ("postgresql://user:sec%zzret@127.0.0.1:1/name", "cannot be reached"),
        ("postgresql://user:secret@127.0.0.1:1/name?bad=option", "cannot be reached"),
    ],
)
def test_no_fragment_of_the_password_in_a_broken_url_is_shown(url, cause):
    with pytest.raises(LaunchError, match=cause) as caught:
        require_database(url)
    assert "sec" not in str(caught.value)
    assert "ret" not in str(caught.value)


def test_a_run_time_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "var").write_text("a file")
    with pytest.raises(LaunchError, match="VAR_DIR"):
        require_writable(tmp_path / "var")


def test_logs_that_an_earlier_version_left_open_are_closed(tmp_path):
    log = tmp_path / "var" / "log"
    log.mkdir(parents=True)
    (log / "access.log").touch()
    for path, mode in ((log, 0o755), (log / "access.log", 0o644)):
        path.chmod(mode)
    require_writable(tmp_path / "var")
    assert (log.stat().st_mode & 0o777, (log / "access.log").stat().st_mode & 0o777) == (0o700, 0o600)


@pytest.mark.parametrize("models", ["", "digits.mar,foreign.mar", "digits.mar, other=foreign.mar", "all"])
def test_an_archive_that_was_not_built_here_is_refused_until_somebody_accepts_it(tmp_path, models):
    given = {"MODEL_STORE": str(tmp_path), "VAR_DIR": str(tmp_path / "var"), "MODELS": models}
    settings = read_settings(given)
    foreign = tmp_path / ("foreign.mar" if models else "digits.mar")
    if models:
        write_archive(tmp_path / "digits.mar", {"modelName": "digits", "modelVersion": "1"})
    known_archives.begin(settings.known_archives, tmp_path)
    write_archive(foreign, {"modelName": "digits", "modelVersion": "1"})
    with pytest.raises(LaunchError, match=f"{foreign} is code that was neither built here") as caught:
        read_served_archive(settings)
    accept = known_archives.how_to_accept(foreign, settings.known_archives)
    assert f"`{accept}` accepts it" in caught.value.fix
    subprocess.run(["sh", "-c", accept], check=True)
    assert read_served_archive(settings).name == "digits"


@pytest.mark.parametrize(
    ("models", "words"),
    [
        ("/data/models", "expected archives in .*, but 'models' is not there"),
        ("digits.mar,fashion.mar", "'fashion.mar' is not there"),
        ("other=digits.mar", "expected it to include digits.mar"),
    ],
)
def test_models_that_somebody_else_meant_are_one_line_before_anything_starts(tmp_path, models, words):
    write_archive(tmp_path / "digits.mar", {"modelName": "digits", "modelVersion": "1"})
    given = {"MODEL_STORE": str(tmp_path), "VAR_DIR": str(tmp_path / "var"), "MODELS": models}
    with pytest.raises(LaunchError, match=words) as caught:
        read_served_archive(read_settings(given))
    assert caught.value.cause.startswith(f"MODELS is '{models}', expected ")
    assert "\n" not in str(caught.value)


@pytest.mark.timeout(20)
def test_what_is_no_regular_file_among_the_models_is_one_line_and_not_waited_for(tmp_path):
    given = {
        "MODEL_STORE": str(tmp_path),
        "VAR_DIR": str(tmp_path / "var"),
        "MODELS": "digits.mar,x=fifo.mar",
    }
    write_archive(tmp_path / "digits.mar", {"modelName": "digits", "modelVersion": "1"})
    os.mkfifo(tmp_path / "fifo.mar")
    with pytest.raises(LaunchError, match=r"fifo.mar is not a regular file, expected an archive"):
        read_served_archive(read_settings(given))
