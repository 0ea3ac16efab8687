"""What the page is told by its environment, read once and checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from db import engine
from system import environment, known_archives, variables
from system.ports import is_address, is_loopback


@dataclass(frozen=True)
class Settings:
    """Where the page listens and whom it talks to.

    Attributes:
        inference_url: TorchServe's inference API, without a trailing slash.
        management_url: TorchServe's management API, without a trailing slash.
        management_token_file: Holds the header with the token that it asks for.
        database_url: `postgresql://user:password@host:port/name`.
        host: Address to listen on.
        port: Port to listen on.
        model: Name under which TorchServe serves the model.
        answer_timeout_s: How long a person waits for an answer before being told that there is none.
        model_store: The folder of archives that TorchServe registers from; None where the page cannot see it.
        rollout_store: The same, for rollouts alone: visitors and operators load nothing from it.
        idle_s: A model that was chosen on the page and then not asked for so long loses its workers.
        root_path: The path below which a proxy shows the page, such as /sketch; "" at the top.
        log_format: "text" or "json".
        spool: The folder where records wait for the database.
        gradio: The folder for Gradio's own files.
        keep_days: Drawings older than so many days are deleted; None for never.
        known_archives: The list of the archives that may be registered.
        has_sign_in: Whether people have to sign in.
        own_names: By which names the page is asked, beside its addresses, in lower case; None: by any.
        is_behind_proxy: Whether all strangers come through a proxy, which refuses what is for those inside.
        is_for_this_machine: Whether the page is published on this machine alone.
    """

    inference_url: str
    management_url: str
    management_token_file: Path
    database_url: str
    host: str
    port: int
    model: str
    answer_timeout_s: float
    model_store: Path | None
    rollout_store: Path | None
    idle_s: float
    root_path: str
    log_format: str
    spool: Path
    gradio: Path
    keep_days: int | None
    known_archives: Path
    has_sign_in: bool
    own_names: frozenset[str] | None
    is_behind_proxy: bool
    is_for_this_machine: bool

    @property
    def url(self) -> str:
        """The page's address; an IPv6 host stands in brackets (RFC 3986, 3.2.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


def from_environment(env: Mapping[str, str]) -> Settings:
    """Return the settings; an absent variable has its default, except DATABASE_URL.

    Raises:
        ValueError: A variable cannot be used; the message names it and says what was expected.
    """
    store = environment.text(env, "MODEL_STORE")
    rollout_store = environment.text(env, "ROLLOUT_STORE", store)
    host = environment.text(env, "UI_HOST", "127.0.0.1")
    published_at = environment.text(env, "PUBLISHED_AT")
    has_sign_in = _has_sign_in(variables.sign_in(env), published_at or host)
    return Settings(
        inference_url=environment.http_address(env, "TORCHSERVE_INFERENCE_URL", "http://127.0.0.1:8080"),
        management_url=environment.http_address(env, "TORCHSERVE_MANAGEMENT_URL", "http://127.0.0.1:8081"),
        management_token_file=variables.token_file(env),
        database_url=_database_url(env),
        host=host,
        port=environment.port(env, "UI_PORT", 7860),
        model=environment.text(env, "MODEL", "digits"),
        answer_timeout_s=environment.span(env, "ANSWER_TIMEOUT_S", 5, "seconds", 600),
        model_store=Path(store) if store else None,
        rollout_store=Path(rollout_store) if rollout_store else None,
        idle_s=60 * environment.span(env, "IDLE_MINUTES", 10, "minutes", 7 * 24 * 60),
        root_path=variables.root_path(env),
        log_format=variables.log_format(env),
        spool=variables.var_dir(env) / "spool",
        gradio=variables.var_dir(env) / "gradio-files",
        keep_days=variables.keep_days(env),
        known_archives=known_archives.place(env),
        has_sign_in=has_sign_in,
        own_names=None if has_sign_in else _own_names(host, published_at),
        is_behind_proxy=bool(published_at),
        is_for_this_machine=is_loopback(published_at or host),
    )


def _has_sign_in(wanted: str, address: str) -> bool:
    """Return whether people have to sign in: where nobody says, whenever other machines can come."""
    return wanted == "on" or (wanted == "auto" and not is_loopback(address))


def _own_names(host: str, published_at: str) -> frozenset[str] | None:
    """Return the names: known on this machine alone, or where the page is published under one.

    Under which names other machines know an address of this one, it cannot know.
    """
    address = published_at or host
    is_known = is_loopback(address) or bool(published_at and not is_address(published_at))
    return frozenset({"localhost", address.lower()}) if is_known else None


def _database_url(env: Mapping[str, str]) -> str:
    """Return PostgreSQL's address; it may hold a password, so that no error repeats it."""
    url = environment.text(env, "DATABASE_URL")
    if not url:
        raise ValueError(
            "DATABASE_URL is empty, expected postgresql://user:password@host:port/name. "
            "`make run` starts a local PostgreSQL and sets it."
        )
    engine.parse(url)
    return url
