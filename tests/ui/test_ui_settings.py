"""Settings: defaults, and errors that name the key."""

from pathlib import Path

import pytest

from system.files import PROJECT
from ui.settings import from_environment

DATABASE_URL = "postgresql://user:secret@127.0.0.1:5432/sketchserve"


def test_only_the_database_has_to_be_named() -> None:
    settings = from_environment({"DATABASE_URL": DATABASE_URL})
    assert settings.inference_url == "http://127.0.0.1:8080"
    assert settings.management_url == "http://127.0.0.1:8081"
    assert (settings.host, settings.port, settings.model) == ("127.0.0.1", 7860, "digits")
    assert (settings.model_store, settings.idle_s) == (None, 600)
    assert (settings.root_path, settings.log_format, settings.keep_days) == ("", "text", None)
    assert settings.spool == PROJECT / "var" / "spool"


def test_what_the_environment_says_counts() -> None:
    environment = {
        "DATABASE_URL": DATABASE_URL,
        "TORCHSERVE_INFERENCE_URL": "http://torchserve:8080/",
        "UI_PORT": "80",
        "MODEL": "fashion",
        "ANSWER_TIMEOUT_S": "0.5",
        "MODEL_STORE": "archives",
        "IDLE_MINUTES": "0.05",
        "UI_ROOT_PATH": "/sketch/",
        "LOG_FORMAT": "json",
        "VAR_DIR": "/var/lib/sketchserve",
        "KEEP_DAYS": "30",
    }
    settings = from_environment(environment)
    assert settings.inference_url == "http://torchserve:8080"
    assert (settings.port, settings.model, settings.answer_timeout_s) == (80, "fashion", 0.5)
    assert (settings.model_store, settings.idle_s) == (Path("archives"), 3.0)
    assert (settings.root_path, settings.log_format, settings.keep_days) == ("/sketch", "json", 30)
    assert settings.spool == Path("/var/lib/sketchserve/spool")


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:7860"),
        ("localhost", "http://localhost:7860"),
        ("::1", "http://[::1]:7860"),
    ],
)
def test_the_pages_address_can_be_opened(host: str, url: str) -> None:
    assert from_environment({"DATABASE_URL": DATABASE_URL, "UI_HOST": host}).url == url


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("TORCHSERVE_INFERENCE_URL", "127.0.0.1:8080"),
        ("TORCHSERVE_MANAGEMENT_URL", "http://"),
        ("SIGN_IN", "yes"),
        ("UI_PORT", "0"),
        ("UI_PORT", "http"),
        ("UI_PORT", "65536"),
        ("UI_PORT", "٧٨٦٠"),
        ("UI_PORT", "9" * 5000),
        ("ANSWER_TIMEOUT_S", "0"),
        ("ANSWER_TIMEOUT_S", "nan"),
        ("ANSWER_TIMEOUT_S", "soon"),
        ("KEEP_DAYS", "0"),
        ("IDLE_MINUTES", "0"),
        ("IDLE_MINUTES", "-1"),
        ("IDLE_MINUTES", "inf"),
        ("UI_ROOT_PATH", "sketch"),
        ("UI_ROOT_PATH", "https://host/sketch"),
        ("UI_ROOT_PATH", "/a b"),
        ("LOG_FORMAT", "xml"),
    ],
)
def test_an_error_names_key_and_value(key: str, value: str) -> None:
    with pytest.raises(ValueError) as raised:
        from_environment({"DATABASE_URL": DATABASE_URL, key: value})
    assert str(raised.value).startswith(f"{key} is {value!r}, expected ")


@pytest.mark.parametrize(
    "value", ["", "mysql://user:secret@host/name", "secret", "postgresql://user:secret@host"]
)
def test_a_database_url_that_cannot_be_used_is_not_repeated(value: str) -> None:
    with pytest.raises(ValueError, match="DATABASE_URL") as raised:
        from_environment({"DATABASE_URL": value})
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("environment", "has_sign_in"),
    [
        ({}, False),
        ({"UI_HOST": "localhost"}, False),
        ({"UI_HOST": "127.0.0.2"}, False),
        ({"UI_HOST": "::1"}, False),
        ({"UI_HOST": "0.0.0.0"}, True),
        ({"UI_HOST": "::"}, True),
        ({"UI_HOST": "192.168.1.7"}, True),
        ({"UI_HOST": "sketch.example"}, True),
        # In a container it listens to all, and it counts where the proxy in front of it does.
        ({"UI_HOST": "0.0.0.0", "PUBLISHED_AT": "127.0.0.1"}, False),
        ({"UI_HOST": "0.0.0.0", "PUBLISHED_AT": "[::1]"}, False),
        ({"UI_HOST": "0.0.0.0", "PUBLISHED_AT": "0.0.0.0"}, True),
        ({"UI_HOST": "127.0.0.1", "PUBLISHED_AT": "192.168.1.7"}, True),
        ({"SIGN_IN": "on"}, True),
        ({"UI_HOST": "0.0.0.0", "SIGN_IN": "off"}, False),
        ({"UI_HOST": "0.0.0.0", "SIGN_IN": "auto"}, True),
    ],
)
def test_people_sign_in_wherever_other_machines_can_come_unless_told(
    environment: dict[str, str], has_sign_in: bool
) -> None:
    settings = from_environment({"DATABASE_URL": DATABASE_URL, **environment})
    assert settings.has_sign_in == has_sign_in
    assert settings.is_behind_proxy == ("PUBLISHED_AT" in environment)
