"""The launcher's settings: environment variables, read once, into one frozen object."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from guard.room import MOST_BYTES_HELD
from launch.errors import LaunchError
from system import environment, known_archives, variables
from system.environment import SettingError
from system.ports import LOOPBACK, is_address, is_loopback

# 65535 is refused by TorchServe itself ("Invalid port number").
LAST_PORT = 65534


@dataclass(frozen=True)
class Settings:
    """Where everything is and which ports it uses.

    Attributes:
        model: the name under which TorchServe serves the archive; the archive is `<model>.mar`.
        models: TorchServe's own list of what to load, `name.mar` or `name=file.mar`, comma-separated.
        model_store: the folder of archives, absolute.
        var: the folder of everything written while running (logs, database, sockets), absolute.
        database_url: PostgreSQL to use, or "" for the embedded one.
        inference_host, management_host, metrics_host: where TorchServe's APIs listen: an address of this
            machine, or a name that has one, as containers of one service share it.
        key_file: holds the keys that programs on other hosts ask the inference API with.
        key_rule: "on": who is on another host needs a key; "behind-proxy": what a proxy says comes from
            outside does; "off": nobody.
        management_token_file: holds the header with the token that TorchServe's management API asks for.
        max_request_size: bytes of a body that are taken; None for what config.properties says.
        postgres_port: the embedded PostgreSQL's port; 0 means a free one.
        answer_timeout_s: how long the page waits for an answer, more than 0 and at most 600.
        idle_minutes: after how long a model that was chosen on the page and is not asked for loses its
            workers, more than 0 and at most a week.
    """

    model: str
    models: str
    model_store: Path
    var: Path
    inference_host: str
    management_host: str
    metrics_host: str
    inference_port: int
    management_port: int
    management_token_file: Path
    key_file: Path
    key_rule: str
    max_request_size: int | None
    metrics_port: int
    handler_metrics_port: int
    grpc_inference_port: int
    grpc_management_port: int
    ui_host: str
    ui_port: int
    database_url: str
    postgres_port: int
    answer_timeout_s: float
    idle_minutes: float

    @property
    def archive(self) -> Path:
        """Return the archive of the served model."""
        return self.model_store / f"{self.model}.mar"

    @property
    def archives(self) -> list[Path]:
        """Return the archives of all models that TorchServe loads at its start."""
        if self.models == "all":
            return sorted(self.model_store.glob("*.mar"))
        return [self.model_store / entry.rpartition("=")[2] for entry in self.models.split(",")]

    @property
    def loaded(self) -> list[str]:
        """Return the names by which TorchServe serves them."""
        if self.models == "all":
            return [path.stem for path in self.archives]
        return [entry.partition("=")[0].removesuffix(".mar") for entry in self.models.split(",")]

    @property
    def known_archives(self) -> Path:
        """Return the list of the archives that may be served."""
        return self.var / known_archives.NAME

    @property
    def log_dir(self) -> Path:
        """Return the folder of all logs."""
        return self.var / "log"

    @property
    def inference_url(self) -> str:
        """Return the address of TorchServe's inference API."""
        return _own_url(self.inference_host, self.inference_port)

    @property
    def management_url(self) -> str:
        """Return the address of TorchServe's management API."""
        return _own_url(self.management_host, self.management_port)

    @property
    def metrics_url(self) -> str:
        """Return the address of TorchServe's metrics, as Prometheus on this machine reaches it."""
        return f"{_own_url(self.metrics_host, self.metrics_port)}/metrics"

    @property
    def handler_metrics_url(self) -> str:
        """Return the address of the handler's metrics, likewise."""
        return f"{_own_url(self.metrics_host, self.handler_metrics_port)}/metrics"

    @property
    def ui_url(self) -> str:
        """Return the address of the page, as a browser on this machine reaches it."""
        return _own_url(self.ui_host, self.ui_port)

    def torchserve_ports(self) -> dict[str, tuple[str, int]]:
        """Return every port that TorchServe binds: environment variable -> (what it is for, port)."""
        return {
            "INFERENCE_PORT": ("TorchServe's inference API", self.inference_port),
            "MANAGEMENT_PORT": ("TorchServe's management API", self.management_port),
            "METRICS_PORT": ("TorchServe's metrics", self.metrics_port),
            "HANDLER_METRICS_PORT": ("the handler's metrics", self.handler_metrics_port),
            "GRPC_INFERENCE_PORT": ("TorchServe's gRPC inference", self.grpc_inference_port),
            "GRPC_MANAGEMENT_PORT": ("TorchServe's gRPC management", self.grpc_management_port),
        }

    def ports(self) -> dict[str, tuple[str, int]]:
        """Return every port that a local run binds, the embedded PostgreSQL's only when it is fixed."""
        ports = {**self.torchserve_ports(), "UI_PORT": ("the page", self.ui_port)}
        if not self.database_url and self.postgres_port:
            ports["POSTGRES_PORT"] = ("the embedded PostgreSQL", self.postgres_port)
        return ports


def read_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Return the settings that the environment asks for.

    Raises:
        LaunchError: when a value is not what its key expects; the line names key, value and expectation.
    """
    try:
        settings = _read(os.environ if environ is None else environ)
    except SettingError as error:
        raise LaunchError(str(error), error.fix) from None
    _refuse_shared_ports(settings)
    return settings


def http_url(host: str, port: int) -> str:
    """Return the address of a server."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _read(env: Mapping[str, str]) -> Settings:
    def host(key: str) -> str:
        return environment.text(env, key, LOOPBACK)

    def port(key: str, default: int, least: int = 1) -> int:
        return environment.port(env, key, default, least, LAST_PORT)

    environment.one_of(env, "LOG_TO", ("file", "console"))  # log4j2.xml would write no request at all
    # The page's own, which it checks only once the others run.
    for checked in (variables.keep_days, variables.sign_in, variables.log_format, variables.root_path):
        checked(env)
    name = "the name of an archive in the model store, without .mar (letters, digits, - and _)"
    model = environment.text(env, "MODEL", "digits", pattern=r"[\w-]+", expected=name)
    return Settings(
        model=model,
        # TorchServe takes a space after a comma for the beginning of a name.
        models=re.sub(r"\s*([,=])\s*", r"\1", environment.text(env, "MODELS", f"{model}.mar")),
        model_store=environment.path(env, "MODEL_STORE", "model_store"),
        var=variables.var_dir(env),
        inference_host=host("INFERENCE_HOST"),
        management_host=host("MANAGEMENT_HOST"),
        metrics_host=host("METRICS_HOST"),
        inference_port=port("INFERENCE_PORT", 8080),
        management_port=port("MANAGEMENT_PORT", 8081),
        management_token_file=variables.token_file(env),
        key_file=variables.key_file(env),
        key_rule=environment.one_of(env, "INFERENCE_KEYS", _key_rules(env)),
        max_request_size=_max_request_size(env),
        metrics_port=port("METRICS_PORT", 8082),
        handler_metrics_port=port("HANDLER_METRICS_PORT", 8083),
        grpc_inference_port=port("GRPC_INFERENCE_PORT", 7070),
        grpc_management_port=port("GRPC_MANAGEMENT_PORT", 7071),
        ui_host=host("UI_HOST"),
        ui_port=port("UI_PORT", 7860),
        database_url=_database_url(env),
        postgres_port=port("POSTGRES_PORT", 0, least=0),
        # The page's own limits, which it checks only once the others run.
        answer_timeout_s=environment.span(env, "ANSWER_TIMEOUT_S", 5, "seconds", 600),
        idle_minutes=environment.span(env, "IDLE_MINUTES", 10, "minutes", 7 * 24 * 60),
    )


def _own_url(host: str, port: int) -> str:
    """Return the address of a server that listens at the host, as this machine reaches it."""
    # It listens on IPv6 alone where it is told "::".
    return http_url({"0.0.0.0": LOOPBACK, "::": "::1"}.get(host, host), port)  # noqa: S104


def _key_rules(env: Mapping[str, str]) -> list[str]:
    """Return the rules by which keys are asked for, the one that holds by itself first.

    Behind a proxy that is published all come through it, and from this machine alone where that is published
    on loopback; but not where TorchServe listens at an address of its own that others reach.
    """
    published_at = environment.text(env, "PUBLISHED_AT")
    own = environment.text(env, "INFERENCE_HOST", LOOPBACK)
    is_direct = is_address(own) and not is_loopback(own)
    usual = "on" if is_direct or not published_at else "off" if is_loopback(published_at) else "behind-proxy"
    return sorted(("on", "behind-proxy", "off"), key=lambda rule: rule != usual)


def _max_request_size(env: Mapping[str, str]) -> int | None:
    key = "TS_MAX_REQUEST_SIZE"
    size = environment.whole(env, key, MOST_BYTES_HELD, 1, MOST_BYTES_HELD, "size")
    return size if environment.text(env, key) else None


def _database_url(env: Mapping[str, str]) -> str:
    url = environment.text(env, "DATABASE_URL")
    if url and not url.startswith(("postgresql://", "postgres://", "postgresql+psycopg2://")):
        # The value may hold a password, so only its scheme is repeated.
        scheme, separator, _ = url.partition("://")
        seen = f"starts with {scheme[:20]!r}" if separator and scheme.isalpha() else "is not a URL"
        raise LaunchError(
            f"DATABASE_URL {seen}, expected postgresql://",
            "set it to postgresql://USER:PASSWORD@HOST:PORT/NAME, or unset it for the embedded PostgreSQL",
        )
    return url


def _refuse_shared_ports(settings: Settings) -> None:
    seen: dict[int, str] = {}
    for key, (_, port) in settings.ports().items():
        if port in seen:
            raise LaunchError(
                f"{seen[port]} and {key} are both {port}, expected different ports",
                f"set one of {seen[port]} and {key} to another port",
            )
        seen[port] = key
