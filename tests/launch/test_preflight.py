import json
import os
import socket
import zipfile
from pathlib import Path

import pytest

from launch.archive import MANIFEST, Archive, read_archive
from launch.errors import LaunchError
from launch.ports import free_ports, is_free, require_free
from launch.preflight import read_served_archive, require_database, require_writable
from launch.settings import read_settings


def write_archive(path: Path, model: object) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("weights.bin", os.urandom(20_000))
        archive.writestr(MANIFEST, json.dumps({"model": model}))


def test_a_taken_port_names_its_holder_and_the_variable_that_moves_it():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(LaunchError) as caught:
            require_free({"UI_PORT": ("the page", port)})
    assert f"port {port} for the page is taken by pid {os.getpid()}" in caught.value.cause
    assert "UI_PORT=" in caught.value.fix


def test_a_port_is_free_again_when_its_server_is_gone():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert not is_free(port)
    assert is_free(port)


def test_free_ports_are_different():
    assert len(set(free_ports(20))) == 20


def test_an_archive_says_which_model_it_holds(tmp_path):
    write_archive(tmp_path / "digits.mar", {"modelName": "digits", "modelVersion": "1.2.3"})
    assert read_archive(tmp_path / "digits.mar") == Archive("digits", "1.2.3")


@pytest.mark.parametrize("kept", [0, 100, 10_000, 20_100])
def test_a_truncated_archive_is_refused(tmp_path, kept):
    path = tmp_path / "digits.mar"
    write_archive(path, {"modelName": "digits", "modelVersion": "1"})
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(LaunchError, match=r"cannot be read .*fix: run `make -B archive`"):
        read_archive(path)


def test_an_archive_with_one_flipped_byte_is_refused(tmp_path):
    path = tmp_path / "digits.mar"
    write_archive(path, {"modelName": "digits", "modelVersion": "1"})
    damaged = bytearray(path.read_bytes())
    damaged[5_000] ^= 0xFF
    path.write_bytes(damaged)
    with pytest.raises(LaunchError, match="make -B archive"):
        read_archive(path)


@pytest.mark.parametrize("model", [None, {}, {"modelName": "digits"}, [1]])
def test_an_archive_without_a_usable_manifest_is_refused(tmp_path, model):
    write_archive(tmp_path / "digits.mar", model)
    with pytest.raises(LaunchError, match=r"has no MAR-INF/MANIFEST.json with a model's name and version"):
        read_archive(tmp_path / "digits.mar")


def test_an_archive_of_another_model_is_refused(tmp_path):
    write_archive(tmp_path / "digits.mar", {"modelName": "letters", "modelVersion": "1"})
    with pytest.raises(LaunchError, match=r"holds a model named 'letters', expected 'digits'"):
        read_served_archive(read_settings({"MODEL_STORE": str(tmp_path)}))


def test_neither_archive_nor_weights_says_where_weights_come_from(tmp_path):
    with pytest.raises(LaunchError, match=r"neither an archive .* nor the weights") as caught:
        read_served_archive(read_settings({"MODEL_STORE": str(tmp_path)}))
    assert "git checkout" in caught.value.fix


def test_a_missing_archive_with_weights_says_make_archive(tmp_path):
    (tmp_path / "digits.safetensors").write_bytes(b"weights")
    with pytest.raises(LaunchError, match="run `make archive`"):
        read_served_archive(read_settings({"MODEL_STORE": str(tmp_path)}))


def test_an_unreachable_database_is_one_line_without_its_password():
    port = free_ports(1)[0]
    with pytest.raises(LaunchError, match="PostgreSQL at DATABASE_URL cannot be reached") as caught:
        require_database(f"postgresql://user:secret@127.0.0.1:{port}/name")
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_run_time_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "var").write_text("a file")
    with pytest.raises(LaunchError, match="VAR_DIR"):
        require_writable(tmp_path / "var")
