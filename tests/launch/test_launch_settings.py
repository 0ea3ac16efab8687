from pathlib import Path

import pytest

from db import server
from launch.archive import Archive
from launch.errors import LaunchError
from launch.java import Java
from launch.parts import parts
from launch.preflight import Found
from launch.settings import read_settings
from launch.torchserve import command, environment
from system.files import PROJECT
from ui.settings import from_environment


def test_an_empty_environment_gives_the_documented_ports():
    settings = read_settings({})
    assert settings.inference_url == "http://127.0.0.1:8080"
    assert settings.management_url == "http://127.0.0.1:8081"
    assert settings.metrics_url == "http://127.0.0.1:8082/metrics"
    assert settings.handler_metrics_url == "http://127.0.0.1:8083/metrics"
    assert settings.ui_url == "http://127.0.0.1:7860"
    assert settings.archive == PROJECT / "model_store" / "digits.mar"
    assert settings.database_url == ""


def test_relative_folders_are_the_projects():
    settings = read_settings({"VAR_DIR": "elsewhere", "MODEL_STORE": "store"})
    assert settings.var == PROJECT / "elsewhere"
    assert settings.model_store == PROJECT / "store"


def test_spaces_in_the_list_of_models_are_no_part_of_what_torchserve_is_to_load():
    settings = read_settings({"MODELS": "digits.mar, best = other.mar ,fashion.mar"})
    words = command(settings, Java(Path("/java"), 17, "a test"), Path("/t"))
    assert words[words.index("-m") + 1 :] == ["digits.mar", "best=other.mar", "fashion.mar"]
    assert settings.loaded == ["digits", "best", "fashion"]
    assert [path.name for path in settings.archives] == ["digits.mar", "other.mar", "fashion.mar"]


@pytest.mark.parametrize("value", ["abc", "0", "-1", "65535", "8080.5", "٨٠٨٠"])
def test_a_wrong_port_names_key_value_and_expectation(value):
    with pytest.raises(
        LaunchError, match=r"UI_PORT is '.*', expected a port number from 1 to 65534"
    ) as caught:
        read_settings({"UI_PORT": value})
    assert value in str(caught.value)


def test_the_embedded_postgres_may_take_any_free_port():
    assert read_settings({"POSTGRES_PORT": "0"}).postgres_port == 0


def test_two_servers_on_one_port_are_refused():
    with pytest.raises(LaunchError, match="INFERENCE_PORT and UI_PORT are both 9000"):
        read_settings({"INFERENCE_PORT": "9000", "UI_PORT": "9000"})


def test_a_port_of_postgres_does_not_count_when_it_is_elsewhere():
    elsewhere = {"DATABASE_URL": "postgresql://somewhere/db", "POSTGRES_PORT": "8080"}
    assert "POSTGRES_PORT" not in read_settings(elsewhere).ports()


def test_a_wrong_database_url_is_named_without_its_password():
    with pytest.raises(
        LaunchError, match=r"DATABASE_URL starts with 'mysql', expected postgresql://"
    ) as caught:
        read_settings({"DATABASE_URL": "mysql://user:secret@host/name"})
    assert "secret" not in str(caught.value)


def test_what_is_no_url_at_all_is_not_repeated():
    with pytest.raises(LaunchError, match=r"DATABASE_URL is not a URL, expected postgresql://") as caught:
        read_settings({"DATABASE_URL": "user:secret@host/name"})
    assert "user" not in caught.value.cause


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("0.0.0.0", "http://127.0.0.1:7860"),
        ("::", "http://[::1]:7860"),
        ("::1", "http://[::1]:7860"),
        ("localhost", "http://localhost:7860"),
    ],
)
def test_the_pages_address_is_one_that_a_browser_on_this_machine_can_open(host, url):
    assert read_settings({"UI_HOST": host}).ui_url == url


@pytest.mark.parametrize(
    ("host", "bound", "own"),
    [
        ("", "http://127.0.0.1:8082", "http://127.0.0.1"),
        ("0.0.0.0", "http://0.0.0.0:8082", "http://127.0.0.1"),
        ("::", "http://[::]:8082", "http://[::1]"),
    ],
)
def test_both_metrics_can_be_scraped_from_where_metrics_host_says(host, bound, own, tmp_path):
    settings = read_settings({"METRICS_HOST": host})
    assert settings.metrics_url == f"{own}:8082/metrics"
    assert settings.handler_metrics_url == f"{own}:8083/metrics"
    told = environment(settings, tmp_path, {"PROMETHEUS_MULTIPROC_DIR": "/another"})
    assert told["TS_METRICS_ADDRESS"] == bound
    assert (told["METRICS_HOST"], told["HANDLER_METRICS_PORT"]) == (settings.metrics_host, "8083")
    assert told["PROMETHEUS_MULTIPROC_DIR"] == str(tmp_path / "metrics")


@pytest.mark.parametrize("value", ["abc", "0", "-1", "nan", "inf", "10081"])
@pytest.mark.parametrize(("key", "unit"), [("ANSWER_TIMEOUT_S", "seconds"), ("IDLE_MINUTES", "minutes")])
def test_a_wrong_time_names_key_value_and_expectation(key, unit, value):
    with pytest.raises(LaunchError, match=f"{key} is '{value}', expected {unit}, more than 0"):
        read_settings({key: value})


def test_the_launcher_takes_the_times_that_the_page_takes():
    longest = {"DATABASE_URL": "postgresql://u@h/db", "ANSWER_TIMEOUT_S": "600", "IDLE_MINUTES": "10080"}
    for given in (longest, {"DATABASE_URL": longest["DATABASE_URL"]}):
        settings, page = read_settings(given), from_environment(given)
        assert (settings.answer_timeout_s, 60 * settings.idle_minutes) == (page.answer_timeout_s, page.idle_s)


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        ({}, "on"),
        ({"PUBLISHED_AT": "127.0.0.1"}, "off"),
        ({"PUBLISHED_AT": "[::1]", "INFERENCE_HOST": "torchserve-inference"}, "off"),
        ({"PUBLISHED_AT": "0.0.0.0", "INFERENCE_HOST": "torchserve-inference"}, "behind-proxy"),
        ({"PUBLISHED_AT": "sketch.example"}, "behind-proxy"),
        # Others reach TorchServe itself there, and not through the proxy alone.
        ({"PUBLISHED_AT": "127.0.0.1", "INFERENCE_HOST": "0.0.0.0"}, "on"),
        ({"PUBLISHED_AT": "sketch.example", "INFERENCE_HOST": "192.168.1.7"}, "on"),
        ({"PUBLISHED_AT": "0.0.0.0", "INFERENCE_KEYS": "off"}, "off"),
    ],
)
def test_where_a_proxy_publishes_says_who_needs_a_key(given, rule):
    assert read_settings(given).key_rule == rule


@pytest.mark.parametrize("value", ["0", "36501", "a week"])
def test_the_launcher_refuses_the_days_that_the_page_refuses(value):
    with pytest.raises(
        LaunchError, match=f"KEEP_DAYS is '{value}', expected a number of days from 1 to 36500"
    ):
        read_settings({"KEEP_DAYS": value})
    for accepted in ("", "1", "36500"):
        read_settings({"KEEP_DAYS": accepted})


@pytest.mark.parametrize("value", ["0", "16M", "268435457"])
def test_a_body_s_size_that_cannot_be_is_one_line_before_anything_starts(value):
    with pytest.raises(
        LaunchError, match=f"TS_MAX_REQUEST_SIZE is '{value}', expected a size from 1 to 268435456"
    ):
        read_settings({"TS_MAX_REQUEST_SIZE": value})
    assert read_settings({"TS_MAX_REQUEST_SIZE": "1000"}).max_request_size == 1000
    assert read_settings({}).max_request_size is None


def test_the_page_is_told_the_times(tmp_path):
    given = {"VAR_DIR": str(tmp_path), "ANSWER_TIMEOUT_S": "0.5", "IDLE_MINUTES": "0.05"}
    found = Found(Java(Path("/jre/bin/java"), 17, "a test"), Archive("digits", "1.0.0"))
    page = from_environment(parts(read_settings(given), found, "postgresql://u@h/db", {})["ui"].environ)
    assert (page.answer_timeout_s, page.idle_s) == (0.5, 3.0)


def test_postgresql_is_not_killed_while_its_server_waits_for_the_last_checkpoint():
    found = Found(Java(Path("/jre/bin/java"), 17, "a test"), Archive("digits", "1.0.0"))
    postgres = parts(read_settings({}), found, "postgresql://u@h/db", {})["postgres"]
    assert postgres.stop_s > server.CLIENTS_TIMEOUT_S + server.STOP_TIMEOUT_S


def test_a_model_name_cannot_leave_the_model_store():
    with pytest.raises(LaunchError, match=r"MODEL is '../evil'"):
        read_settings({"MODEL": "../evil"})


def test_a_log_goes_to_files_or_to_the_console():
    read_settings({"LOG_TO": "console"})
    with pytest.raises(LaunchError, match="LOG_TO is 'stdout', expected file or console"):
        read_settings({"LOG_TO": "stdout"})
