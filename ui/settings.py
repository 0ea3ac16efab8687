"""What the page is told by its environment, read once and checked."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from db import engine

# int() also reads digits of other scripts.
_PORT = re.compile(r"[0-9]{1,5}")
_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)+")
# Of the page's log.
FORMATS = ("text", "json")


class SettingsError(ValueError):
    """An environment variable cannot be used; the message names key, value and expectation."""


@dataclass(frozen=True)
class Settings:
    """Where the page listens and whom it talks to.

    Attributes:
        inference_url: TorchServe's inference API, without a trailing slash.
        management_url: TorchServe's management API, without a trailing slash.
        database_url: `postgresql://user:password@host:port/name`.
        host: Address to listen on.
        port: Port to listen on.
        model: Name under which TorchServe serves the model.
        answer_timeout_s: How long a person waits for an answer before being told that there is none.
        model_store: The folder of archives that TorchServe registers from; None where the page cannot see it.
        idle_s: A model that was chosen on the page and then not asked for so long loses its workers.
        root_path: The path below which a proxy shows the page, such as /sketch; "" at the top.
        log_format: "text" or "json".
    """

    inference_url: str
    management_url: str
    database_url: str
    host: str
    port: int
    model: str
    answer_timeout_s: float
    model_store: Path | None
    idle_s: float
    root_path: str
    log_format: str

    @property
    def url(self) -> str:
        """The page's address; an IPv6 host stands in brackets (RFC 3986, 3.2.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


def from_environment(environment: Mapping[str, str]) -> Settings:
    """Return the settings; an absent variable has its default, except DATABASE_URL.

    Raises:
        SettingsError: A value cannot be used.
    """
    return Settings(
        inference_url=_url(environment, "TORCHSERVE_INFERENCE_URL", "http://127.0.0.1:8080"),
        management_url=_url(environment, "TORCHSERVE_MANAGEMENT_URL", "http://127.0.0.1:8081"),
        database_url=_database_url(environment),
        host=environment.get("UI_HOST") or "127.0.0.1",
        port=_port(environment, "UI_PORT", 7860),
        model=environment.get("MODEL") or "digits",
        answer_timeout_s=_number(environment, "ANSWER_TIMEOUT_S", 5.0, "seconds", 600),
        model_store=Path(store) if (store := environment.get("MODEL_STORE")) else None,
        idle_s=60 * _number(environment, "IDLE_MINUTES", 10.0, "minutes", 7 * 24 * 60),
        root_path=_root_path(environment),
        log_format=_log_format(environment),
    )


def _url(environment: Mapping[str, str], key: str, default: str) -> str:
    value = environment.get(key) or default
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SettingsError(f"{key}={value!r}: expected an address such as {default}")
    return value.rstrip("/")


def _database_url(environment: Mapping[str, str]) -> str:
    value = environment.get("DATABASE_URL", "")
    if not value:
        raise SettingsError(
            "DATABASE_URL is empty: expected postgresql://user:password@host:port/name. "
            "`make run` starts a local PostgreSQL and sets it."
        )
    try:
        engine.parse(value)
    except ValueError as error:
        raise SettingsError(str(error)) from error
    return value


def _port(environment: Mapping[str, str], key: str, default: int) -> int:
    value = environment.get(key) or str(default)
    if not _PORT.fullmatch(value) or not 1 <= int(value) <= 65535:
        raise SettingsError(f"{key}={value!r}: expected a port, 1 to 65535")
    return int(value)


def _root_path(environment: Mapping[str, str]) -> str:
    value = environment.get("UI_ROOT_PATH", "")
    path = value.rstrip("/")
    if path and not _PATH.fullmatch(path):
        raise SettingsError(f"UI_ROOT_PATH={value!r}: expected a path such as /sketch, or nothing")
    return path


def _log_format(environment: Mapping[str, str]) -> str:
    value = environment.get("LOG_FORMAT") or FORMATS[0]
    if value not in FORMATS:
        raise SettingsError(f"LOG_FORMAT={value!r}: expected {' or '.join(FORMATS)}")
    return value


def _number(environment: Mapping[str, str], key: str, default: float, unit: str, most: int) -> float:
    value = environment.get(key) or str(default)
    try:
        number = float(value)
    except ValueError:
        number = 0.0
    if not 0 < number <= most:
        raise SettingsError(f"{key}={value!r}: expected {unit}, more than 0 and at most {most}")
    return number
