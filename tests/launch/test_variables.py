"""Which variables of TorchServe's own may be set: none that changes who may do what."""

import importlib.util
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from launch.errors import LaunchError
from launch.variables import (
    OWN_KEYS,
    REFUSED,
    TUNING,
    refuse_torchserve_variables,
)
from system.files import PROJECT


@pytest.mark.parametrize("key", OWN_KEYS)
def test_a_variable_that_moves_only_torchserve_is_refused(key):
    with pytest.raises(LaunchError, match=f"{key} is 'elsewhere', expected to be unset") as caught:
        refuse_torchserve_variables({key: "elsewhere"})
    assert f"{OWN_KEYS[key]} moves it" in caught.value.fix


@pytest.mark.parametrize(
    ("key", "instead"),
    [
        ("TS_DISABLE_TOKEN_AUTHORIZATION", "the guard checks tokens and keys"),
        ("TS_KEYSTORE", "the proxy handles TLS"),
        ("TS_CONFIG_FILE", "in config.properties instead"),
        ("TS_CORS_ALLOWED_ORIGIN", "in config.properties instead"),
        ("TS_GRPC_MANAGEMENT_ADDRESS", "in config.properties instead"),
    ],
)
def test_what_only_the_file_may_say_is_refused_with_what_to_do(key, instead):
    with pytest.raises(LaunchError, match=f"{key} is 'another', expected to be unset") as caught:
        refuse_torchserve_variables({key: "another"})
    assert instead in caught.value.fix


def test_variables_that_tune_are_taken_and_those_of_other_programs_left_alone():
    refuse_torchserve_variables({"TS_JOB_QUEUE_SIZE": "500", "TS_NODE_PROJECT": "x"})


def test_another_configuration_keeps_torchserve_alone_from_starting():
    done = subprocess.run(
        [sys.executable, "-m", "launch.torchserve"],
        cwd=PROJECT,
        env={**os.environ, "TS_CONFIG_FILE": "another.properties", "JAVA_HOME": "/nowhere", "PATH": ""},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert re.fullmatch(r"cause: TS_CONFIG_FILE is 'another.properties', .*; fix: .*\n", done.stderr)


def test_every_variable_that_torchserve_reads_is_either_allowed_or_refused():
    spec = importlib.util.find_spec("ts")
    assert spec is not None
    assert spec.origin is not None
    with zipfile.ZipFile(Path(spec.origin).parent / "frontend" / "model-server.jar") as jar:
        compiled = jar.read("org/pytorch/serve/util/ConfigManager.class")
    read = {name.decode() for name in re.findall(rb"TS_[A-Z_]{3,}", compiled)}
    # A logger's name, not a variable's.
    assert read - {"TS_METRICS"} == {*OWN_KEYS, *TUNING, *REFUSED}
    assert not set(TUNING) & set(REFUSED)
