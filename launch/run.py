"""`make run`: start PostgreSQL, TorchServe and the page together, and say when they really answer."""

import os
import shlex
import sys
import time
from dataclasses import replace

from db import engine
from launch.bring_up import Clock, bring_up
from launch.errors import LaunchError
from launch.parts import parts
from launch.preflight import Found, preflight
from launch.processes import Platform
from launch.settings import Settings, read_settings
from launch.terminal import show
from system.files import keep_private
from system.ports import free_ports


def main() -> None:
    """Run the platform until Ctrl-C or SIGTERM, then exit with 0; with 1 and one line after a failure."""
    clock = Clock(time.monotonic())
    keep_private()
    try:
        settings = read_settings()
        found = preflight(settings)
        clock.say(
            f"found model {found.archive.name} {found.archive.version} "
            f"and Java {found.java.version} ({found.java.origin})"
        )
        if found.memory:
            clock.say(found.memory)
        run(settings, found, clock)
    except LaunchError as error:
        sys.exit(f"make run: {error}")
    except KeyboardInterrupt:  # before the processes; from then on a signal is theirs to be told
        sys.exit(130)


def run(settings: Settings, found: Found, clock: Clock) -> None:
    """Run the platform until a signal says to end.

    Raises:
        LaunchError: when a part of it does not become ready, or ends again and again.
    """
    settings, database_url = with_database(settings)
    wanted = parts(settings, found, database_url, os.environ)

    def started(platform: Platform) -> None:
        bring_up(platform, settings, wanted, clock)
        platform.restart_from_now_on()
        show(addresses(settings, database_url, clock.seconds()))

    Platform(settings.log_dir, list(wanted.values()), started).run()
    show("stopped; no process is left running")


def with_database(settings: Settings) -> tuple[Settings, str]:
    """Return the settings with the port that an embedded PostgreSQL keeps, and the database's URL."""
    if settings.database_url:
        # Encoded, whatever its password has: # and / end a URL's parts for others that read it.
        given = engine.parse(settings.database_url).set(drivername="postgresql")
        return settings, given.render_as_string(hide_password=False)
    from db.embedded import (
        forget_libpq,
        url,
    )  # an installation with its own PostgreSQL need not have this one's

    forget_libpq()
    port = settings.postgres_port or free_ports(1)[0]
    return replace(settings, postgres_port=port), url(settings.var / "postgres", port)


def addresses(settings: Settings, database_url: str, seconds: float) -> str:
    """Return the block that tells where everything answers; the database's password is left out."""
    token = shlex.quote(f"@{settings.management_token_file}")
    kind = "" if settings.database_url else f" (embedded, in {settings.var / 'postgres'})"
    rows = {
        "page": settings.ui_url,
        "predict": f"{settings.inference_url}/predictions/{settings.model}",
        "manage": f"curl -H {token} {settings.management_url}/models",
        "metrics": f"{settings.metrics_url}, {settings.handler_metrics_url}",
        "database": f"{database_place(database_url)}{kind}",
        "logs": str(settings.log_dir),
    }
    return "\n".join(
        [
            "",
            f"Sketchserve is ready after {seconds:.1f} s",
            "",
            *(f"  {name:<9} {where}" for name, where in rows.items()),
            "",
            "Ctrl-C stops everything.",
            "",
        ]
    )


def database_place(database_url: str) -> str:
    """Return where a database is, without user and password."""
    url = engine.parse(database_url)

    def said(key: str) -> str:
        value = url.query.get(key, "")
        return value if isinstance(value, str) else ",".join(value)

    host, port = url.host or said("host"), url.port or said("port") or 5432
    if host.startswith(("/", "@")):  # a folder, or Linux's abstract name
        return f"{url.database}, on the socket for port {port} in {host}"
    if not host:
        return f"{url.database}, at the server that libpq's settings name"
    return f"{f'[{host}]' if ':' in host else host}:{port}/{url.database}"


if __name__ == "__main__":
    main()
