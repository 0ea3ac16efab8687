"""What the parts of a run get of the environment in which the launcher was started: what they need."""

import subprocess
import sys
from pathlib import Path

import pytest

from launch.archive import Archive
from launch.java import Java
from launch.parts import parts
from launch.preflight import Found
from launch.settings import read_settings
from launch.torchserve import environment
from system.environment import IN_WORKERS
from tests.docs import surface

FOUND = Found(Java(Path("/jre/bin/java"), 17, "a test"), Archive("digits", "1.0.0"))
OWN_DATABASE = "postgresql://user:secret@127.0.0.1/name"
# What a shell may hold, and nothing that is started here needs.
FOREIGN = {
    "BASH_FUNC_which%%": "() { evil; }",
    "CLASSPATH": "/foreign/classes",
    "DYLD_INSERT_LIBRARIES": "/foreign/lib.dylib",
    "GRADIO_ALLOWED_PATHS": "/",
    "HTTPS_PROXY": "http://proxy:3128",
    "JAVA_TOOL_OPTIONS": "-javaagent:/foreign/agent.jar",
    "JDK_JAVA_OPTIONS": "-Xmx64g",
    "LD_PRELOAD": "/foreign/lib.so",
    "OMP_NUM_THREADS": "64",
    "PYTHONHOME": "/foreign",
    "PYTHONPATH": "/foreign",
    "PYTHONSTARTUP": "/foreign/startup.py",
    "SOME_TOKEN": "secret",
    "TS_CONFIG_FILE": "/foreign/config.properties",
    "TS_NODE_PROJECT": "/foreign",
    "WEB_CONCURRENCY": "9",
    "_JAVA_OPTIONS": "-Xmx64g",
    "no_proxy": "*",
}
LIBPQ = {
    "PGHOSTADDR": "192.0.2.1",
    "PGOPTIONS": "-c search_path=foreign",
    "PGPASSFILE": "/run/secret",
    "PGPASSWORD": "secret",
    "PGPORT": "1",
    "PGSERVICE": "foreign",
    "PGSSLMODE": "verify-full",
}
NEEDED = {
    "PATH": "/bin",
    "HOME": "/home/a",
    "LANG": "de_DE.UTF-8",
    "LC_TIME": "C",
    "TZ": "UTC",
    "TMPDIR": "/t",
}


def environs(environ: dict[str, str]) -> dict[str, dict[str, str]]:
    """Return each part's environment in a run that is started in this one."""
    given = {key: environ[key] for key in ("DATABASE_URL",) if key in environ}
    started = parts(read_settings(given), FOUND, OWN_DATABASE, environ)
    return {name: dict(part.environ) for name, part in started.items()}


@pytest.mark.parametrize("database", [{}, {"DATABASE_URL": OWN_DATABASE}])
def test_no_part_gets_what_it_does_not_need(database):
    for environ in environs({**NEEDED, **FOREIGN, **LIBPQ, **database}).values():
        assert not FOREIGN.keys() & environ.keys()
        assert NEEDED.items() <= environ.items()


def test_only_the_page_is_told_of_the_database_and_of_the_embedded_one_nothing_but_its_url():
    own = environs({**LIBPQ, "DATABASE_URL": OWN_DATABASE})
    embedded = environs(dict(LIBPQ))
    assert own["ui"].items() >= {**LIBPQ, "DATABASE_URL": OWN_DATABASE}.items()
    assert embedded["ui"]["DATABASE_URL"] == OWN_DATABASE
    assert not LIBPQ.keys() & embedded["ui"].keys()
    assert set(embedded) == {"postgres", "torchserve", "ui"}
    for environ in (own["torchserve"], embedded["torchserve"], embedded["postgres"]):
        assert "secret" not in str(environ)


def test_java_and_its_workers_get_what_tunes_them_and_nothing_foreign(tmp_path):
    tuned = {"TS_JOB_QUEUE_SIZE": "20", "CUDA_VISIBLE_DEVICES": "1"}
    started = environs({**NEEDED, **FOREIGN, **LIBPQ, **tuned})["torchserve"]
    java = environment(read_settings(started), tmp_path, {**started, **FOREIGN, **LIBPQ})
    assert java.pop("PYTHONPATH") == str(IN_WORKERS)
    assert not (FOREIGN | LIBPQ).keys() & java.keys()
    assert java.items() >= {**tuned, "PATH": "/bin", "TMPDIR": str(tmp_path)}.items()


@pytest.mark.parametrize("devices", ["", "2", "0,1"])
def test_java_gets_the_devices_that_it_can_read(tmp_path, devices):
    java = environment(read_settings({}), tmp_path, {"CUDA_VISIBLE_DEVICES": devices})
    assert java["CUDA_VISIBLE_DEVICES"] == devices


@pytest.mark.parametrize("devices", ["-1", "0, 1", "NoDevFiles", "MIG-41b35d3e-3f5b-5ad8-8a0a-5a3a2b0c9d6e"])
def test_workers_alone_get_devices_that_are_not_all_numbers(tmp_path, devices):
    java = environment(read_settings({}), tmp_path, {"CUDA_VISIBLE_DEVICES": devices})
    assert "CUDA_VISIBLE_DEVICES" not in java
    told = "import os; print({key: value for key, value in os.environ.items() if 'CUDA' in key})"
    worker = subprocess.run([sys.executable, "-c", told], env=java, capture_output=True, text=True)
    assert worker.stdout == f"{ {'CUDA_VISIBLE_DEVICES': devices} }\n"


def test_torchserve_is_told_all_of_its_settings():
    given = {
        "INFERENCE_PORT": "7860",  # the page's, which has another
        "UI_PORT": "8080",
        "METRICS_HOST": "127.0.0.2",
        "MODELS": "digits.mar,fashion.mar",
        "MODEL_STORE": "/store",
        "VAR_DIR": "/v",
    }
    settings = read_settings(given)
    told = parts(settings, FOUND, OWN_DATABASE, {**given, "LOG_TO": "console"})["torchserve"].environ
    assert read_settings(told) == settings
    assert told["LOG_TO"] == "console"


@pytest.mark.parametrize(("part", "folders"), [("ui", ("ui", "db", "client", "system")), ("torchserve", ())])
def test_every_variable_that_a_part_reads_reaches_it(part, folders):
    """A new one has to be named in launch/parts.py, too."""
    read = {
        name
        for path, tree in surface.modules().items()
        if path.startswith(tuple(f"{folder}/" for folder in folders)) or path in ("launch/settings.py",)
        for name in surface._variables(tree)
    }
    # Of the commands of db/, which are nobody's part, and of containers; and what is for other parts, as for
    # TorchServe's workers (system/in_workers).
    commands = {"BACKUP_DIR", "BACKUP_EVERY_HOURS", "BACKUP_METRICS_PORT", "KEEP_BACKUPS"}
    others = {"ui": {name for name in read if name.endswith(("_PORT", "_HOST"))} - {"UI_HOST", "UI_PORT"}}
    others["ui"] |= {"MODELS", "LOG_TO", "KEY_FILE", "INFERENCE_KEYS", "CUDA_VISIBLE_DEVICES"}
    others["torchserve"] = {"DATABASE_URL", "UI_HOST", "ANSWER_TIMEOUT_S", "IDLE_MINUTES", "KEEP_DAYS"}
    # PUBLISHED_AT comes as INFERENCE_KEYS.
    others["torchserve"] |= {"POSTGRES_PORT", "SIGN_IN", "PUBLISHED_AT"}
    assert len(read) > 15
    environ = environs({name: "given" for name in read if name != "DATABASE_URL"})[part]
    assert read - commands - others[part] - environ.keys() == set()
