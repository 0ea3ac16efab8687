"""What a shell, a container or a checkout brings along: ignored, or one line before anything starts."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from db import credentials
from launch.errors import LaunchError
from launch.java import Java
from launch.run import addresses, database_place, with_database
from launch.settings import read_settings
from launch.torchserve import command, environment, temporary_folder
from system.files import PROJECT
from training.archive import cost
from training.evaluation.ask import Server

# What make would tell its programs, printed by one.
SHOWN = "include Makefile\nshow:\n\t@env\n"
PROXIES = dict.fromkeys(("HTTP_PROXY", "http_proxy", "ALL_PROXY"), "http://127.0.0.1:9")


def told_by_make(*arguments: str, **environ: str) -> dict[str, str]:
    """Return the environment of what make starts."""
    own = {key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "MFLAGS"))}
    done = subprocess.run(
        ["make", "--silent", "-f", "-", "show", *arguments],
        cwd=PROJECT, input=SHOWN, env={**own, **environ}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return dict(line.partition("=")[::2] for line in done.stdout.splitlines())


def test_what_is_set_for_other_pythons_does_not_reach_what_make_starts() -> None:
    foreign = {
        "CDPATH": "/tmp",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "NUMBA_CACHE_DIR": "/elsewhere",
        "NUMBA_DISABLE_JIT": "1",
        "PYTHONHOME": "/elsewhere",
        "PYTHONINSPECT": "1",
        "PYTHONPATH": "/elsewhere",
        "PYTHONSAFEPATH": "1",
        "PYTHONWARNINGS": "error",
    }
    told = told_by_make(**foreign, PYTHONUNBUFFERED="1")
    assert foreign.keys() & told.keys() == set()
    assert told["PYTHONUNBUFFERED"] == "1"


def test_make_s_programs_ask_this_machine_directly_and_others_as_before() -> None:
    told = told_by_make(HTTPS_PROXY="http://proxy.example:3128", NO_PROXY="corp.example", no_proxy="")
    for key in ("NO_PROXY", "no_proxy"):
        assert {"127.0.0.1", "localhost", "::1", "corp.example"} <= set(told[key].split(","))


@pytest.mark.parametrize("proxy", ["", "http://proxy.example:3128"])
def test_who_has_no_proxy_for_anybody_keeps_that(proxy: str) -> None:
    told = told_by_make(HTTPS_PROXY=proxy, NO_PROXY="*", no_proxy="*")
    assert (told["NO_PROXY"], told["no_proxy"]) == ("*", "*")


def test_a_python_s_path_may_have_spaces(tmp_path: Path) -> None:
    python = tmp_path / "my pythons" / "python"
    python.parent.mkdir()
    python.symlink_to(sys.executable)
    found = subprocess.run(
        ["sh", "launch/find_python.sh"], cwd=PROJECT, env={**os.environ, "PYTHON": str(python)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert found.stdout == f"{python}\n"


def test_a_checkout_has_unix_line_ends_also_where_git_writes_those_of_windows(tmp_path: Path) -> None:
    def git(*arguments: str) -> None:
        identity = ("-c", "user.name=a", "-c", "user.email=a@example")
        subprocess.run(["git", *identity, *arguments], check=True, capture_output=True)

    source = tmp_path / "source"
    (source / "launch").mkdir(parents=True)
    git("init", str(source))
    for name in (".gitattributes", "Makefile", "launch/setup.sh"):
        shutil.copy(PROJECT / name, source / name)
    git("-C", str(source), "add", ".")
    git("-C", str(source), "commit", "-m", "all")
    git("clone", "-c", "core.autocrlf=true", str(source), str(tmp_path / "clone"))
    for name in ("Makefile", "launch/setup.sh"):
        assert b"\r" not in (tmp_path / "clone" / name).read_bytes()


def test_what_is_said_to_make_is_not_found_in_the_environment() -> None:
    foreign = {"NAME": "DESKTOP-1", "GROUP": "staff", "DELETE": "1", "REVOKE": "1", "FILE": "/x", "YES": "1"}
    own = {key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "MFLAGS"))}
    planned = ["make", "--dry-run", "key", "user", "restore"]
    found = [
        subprocess.run([*planned, *said], cwd=PROJECT, env=own | set_, capture_output=True, text=True).stdout
        for said, set_ in (([], foreign), ([], {}), (["NAME=phone"], foreign), (["NAME=phone"], {}))
    ]
    assert found[0] == found[1]
    assert found[2] == found[3]
    assert '"phone"' in found[2]


@pytest.mark.parametrize(
    ("key", "value"), [("LOG_FORMAT", "plain"), ("UI_ROOT_PATH", "sketch"), ("SIGN_IN", "yes")]
)
def test_what_the_page_would_refuse_is_refused_before_anything_starts(key: str, value: str) -> None:
    with pytest.raises(LaunchError, match=f"{key} is '{value}', expected "):
        read_settings({key: value})


@pytest.mark.parametrize("key", ["POSTGRES_PORT", "UI_PORT", "INFERENCE_PORT", "METRICS_PORT"])
def test_the_address_that_kubernetes_tells_of_a_service_is_no_port(key: str) -> None:
    assert read_settings({key: "tcp://10.0.0.1:5432"}) == read_settings({})


@pytest.mark.parametrize("password", ["a#b", "a/b", "a?b", "a[b", "[ab]", "#/?[]:", "a%b", "a%23b"])
def test_a_password_may_have_what_ends_a_url_s_parts(password: str) -> None:
    given = {"DATABASE_URL": f"postgresql://user:{password}@db.example:6432/sketch"}
    settings, url = with_database(read_settings(given))
    told = addresses(settings, url, 1.0)
    assert "db.example:6432/sketch\n" in told
    assert password not in told
    # The same to those that end a URL at these.
    encoded = password.replace("%23", "#") if password == "a%23b" else password
    for mark, code in (("%", "%25"), ("#", "%23"), ("/", "%2F"), ("?", "%3F"), ("[", "%5B"), ("]", "%5D")):
        encoded = encoded.replace(mark, code)
    assert url == f"postgresql://user:{encoded.replace(':', '%3A')}@db.example:6432/sketch"


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("postgresql://u:p@[::1]:6432/name", "[::1]:6432/name"),
        ("postgresql://u@host/name", "host:5432/name"),
        ("postgresql:///name?host=/run/postgresql", "name, on the socket for port 5432 in /run/postgresql"),
        ("postgresql:///name?host=a&host=b&port=1", "a,b:1/name"),
        ("postgresql:///name", "name, at the server that libpq's settings name"),
    ],
)
def test_the_printed_place_of_a_database_is_one_that_a_person_understands(url: str, place: str) -> None:
    assert database_place(url) == place


def test_the_printed_command_can_be_pasted_whatever_the_folder_is_called() -> None:
    settings = read_settings({"VAR_DIR": "/a b#"})
    told = addresses(settings, "postgresql://u@host/name", 1.0)
    assert "curl -H '@/a b#/torchserve/token' http://127.0.0.1:8081/models" in told


def test_without_hard_links_the_embedded_server_has_a_password_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_paths: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    made = credentials.password(tmp_path)
    assert len(made) > 20
    assert credentials.password(tmp_path) == made
    assert [path.name for path in tmp_path.iterdir()] == ["password"]


def test_where_the_run_time_folder_takes_no_sockets_they_are_in_the_system_s_temporary_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Pytest's own folder may be too long for a socket.
    with tempfile.TemporaryDirectory() as var:
        settings = read_settings({"VAR_DIR": var})
        assert temporary_folder(settings) == Path(var) / "torchserve" / "tmp"
        assert list(Path(var).iterdir()) == []

        class NoSockets(socket.socket):
            def bind(self, _address: object) -> None:
                raise PermissionError(1, "Operation not permitted")

        monkeypatch.setattr(socket, "socket", NoSockets)
        assert not temporary_folder(settings).is_relative_to(var)


def test_java_gets_the_log_s_configuration_from_any_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("launch.torchserve.LOG_CONFIG", Path("/a #1/b%41/log4j2.xml"))
    words = command(read_settings({}), Java(Path("/java"), 17, "a test"), Path("/t"))
    assert "-Dlog4j.configurationFile=file:///a%20%231/b%2541/log4j2.xml" in words


def test_in_what_rolled_logs_are_called_a_percent_sign_is_itself() -> None:
    settings = read_settings({"VAR_DIR": "/b%41"})
    told = environment(settings, Path("/t"), {})
    assert (told["LOG_LOCATION"], told["LOG_ROLLED"]) == ("/b%41/log", "/b%%41/log")
    xml = (PROJECT / "launch" / "log4j2.xml").read_text()
    assert xml.count('filePattern="${rolled}/') == xml.count("filePattern=") > 0


def test_an_archive_s_programs_get_nothing_that_a_shell_has_set_for_numba(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("PYTHONSAFEPATH", "1")
    told: list[dict[str, str]] = []

    def run(*_arguments: object, env: dict[str, str] | None = None, **_options: object) -> object:
        told.append(dict(os.environ) if env is None else env)
        return subprocess.CompletedProcess([], 0, stdout="[1, 2]")

    monkeypatch.setattr(subprocess, "run", run)
    cost.checked(tmp_path, "network.onnx", "digits", PROJECT / "handler" / "model-config.yaml")
    assert {"NUMBA_CACHE_DIR", "PYTHONSAFEPATH"} & told[0].keys() == set()


def test_an_evaluation_asks_a_server_of_this_machine_directly() -> None:
    assert not Server("http://127.0.0.1:8080/predictions/digits").session.trust_env
    assert not Server("http://[::1]:8080/predictions/digits").session.trust_env
    assert Server("https://models.example/predictions/digits").session.trust_env


def test_tests_ask_what_they_start_without_a_proxy() -> None:
    shown = f"import os, tests.conftest; print(os.environ.keys() & {set(PROXIES)})"
    done = subprocess.run(
        [sys.executable, "-c", shown],
        cwd=PROJECT, env={**os.environ, **PROXIES}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "set()\n"
