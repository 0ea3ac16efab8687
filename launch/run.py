"""`make run`: starts PostgreSQL, TorchServe and the page together and says when they really answer."""

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from honcho.environ import parse_procfile

from launch.bring_up import Clock, bring_up
from launch.errors import LaunchError
from launch.ports import free_ports
from launch.preflight import Found, preflight
from launch.processes import Platform
from launch.settings import PROJECT, Settings, read_settings
from launch.terminal import show


def main() -> None:
    """Run the platform until Ctrl-C or SIGTERM, then exit with 0; with 1 and one line after a failure."""
    clock = Clock(time.monotonic())
    try:
        settings = read_settings()
        found = preflight(settings)
        clock.say(
            f"found model {found.archive.name} {found.archive.version} "
            f"and Java {found.java.version} ({found.java.origin})"
        )
        run(settings, found, clock)
    except LaunchError as error:
        sys.exit(f"make run: {error}")
    except KeyboardInterrupt:  # before the processes; from then on a signal is theirs to be told
        sys.exit(130)


def run(settings: Settings, found: Found, clock: Clock) -> None:
    """Run the Procfile's processes until a signal says to end.

    Raises:
        LaunchError: when one of them ends by itself or does not become ready.
    """
    environ = process_environment(settings, found, os.environ)

    def started(platform: Platform) -> None:
        bring_up(platform, settings, environ, clock)
        show(addresses(settings, environ["DATABASE_URL"], clock.seconds()))

    platform = Platform(settings.log_dir, started)
    procfile = parse_procfile((PROJECT / "Procfile").read_text(encoding="utf-8"))
    for name, command in procfile.processes.items():
        if name == "postgres" and settings.database_url:
            continue
        platform.add_process(name, command, env=environ, cwd=str(PROJECT))
    platform.run()
    show("stopped; no process is left")


def process_environment(settings: Settings, found: Found, environ: Mapping[str, str]) -> dict[str, str]:
    """Give the environment of the processes: the given one, and where each finds the others."""
    database_url, postgres_port = settings.database_url, settings.postgres_port
    if not database_url:
        from db.embedded import url  # an installation with its own PostgreSQL need not have this one's

        postgres_port = postgres_port or free_ports(1)[0]
        database_url = url(settings.var / "postgres", postgres_port)
    return {
        **environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{environ.get('PATH', os.defpath)}",
        "PYTHONUNBUFFERED": "1",
        "JAVA_HOME": str(found.java.path.resolve().parent.parent),
        "VAR_DIR": str(settings.var),
        "MODEL": settings.model,
        "MODEL_STORE": str(settings.model_store),
        "DATABASE_URL": database_url,
        "POSTGRES_PORT": str(postgres_port),
        "TORCHSERVE_INFERENCE_URL": settings.inference_url,
        "TORCHSERVE_MANAGEMENT_URL": settings.management_url,
        "UI_HOST": settings.ui_host,
        "UI_PORT": str(settings.ui_port),
        "ANSWER_TIMEOUT_S": str(settings.answer_timeout_s),
        "IDLE_MINUTES": str(settings.idle_minutes),
    }


def addresses(settings: Settings, database_url: str, seconds: float) -> str:
    """Give the block that tells where everything answers; the database's password is left out."""
    place = urlsplit(database_url)
    kind = "" if settings.database_url else f" (embedded, in {settings.var / 'postgres'})"
    rows = {
        "page": settings.ui_url,
        "predict": f"{settings.inference_url}/predictions/{settings.model}",
        "manage": f"{settings.management_url}/models",
        "metrics": f"{settings.metrics_url}, {settings.handler_metrics_url}",
        "database": f"{place.hostname}:{place.port or 5432}{place.path}{kind}",
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


if __name__ == "__main__":
    main()
