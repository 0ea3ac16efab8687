"""What `make run` runs: for each part its command, the environment that it needs, and when it is ready."""

import sys
from collections.abc import Mapping

import psycopg2
import requests

from client.management import Management, path_of
from client.readiness import is_ready
from client.session import local_session
from db.server import CLIENTS_TIMEOUT_S, STOP_TIMEOUT_S
from launch.preflight import Found
from launch.processes import Part
from launch.settings import Settings
from launch.variables import DEVICES, TUNING
from system.environment import PYTHON, passed

# Recovery after a crash has to fit in.
POSTGRES_S = 60
TORCHSERVE_S = 180  # the first import of torch from a slow disk takes most of it
UI_S = 120
# For its clients, the last checkpoint of its server, and itself; a server that is killed has to recover.
POSTGRES_STOP_S = CLIENTS_TIMEOUT_S + STOP_TIMEOUT_S + 3
ASK_S = 5
PAGE_ANSWERS = "/livez"
# What each part reads beside what it is told below.
OF_TORCHSERVE = ("LOG_TO", DEVICES, *TUNING)
OF_PAGE = (
    "FORWARDED_ALLOW_IPS",
    "KEEP_DAYS",
    "LOG_FORMAT",
    "PUBLISHED_AT",
    "ROLLOUT_STORE",
    "SIGN_IN",
    "UI_ROOT_PATH",
)
# libpq's, and Kerberos', for a database of the user's own. The embedded one is not where they say.
OF_DATABASE = ("PG*", "KRB5*")


def parts(settings: Settings, found: Found, database_url: str, environ: Mapping[str, str]) -> dict[str, Part]:
    """Return the parts by name, in the order in which they are started.

    Args:
        settings: where everything is; `postgres_port` is the one to take, now and after each restart.
        found: the Java to run.
        database_url: the database of this run, with its password: for the page alone.
        environ: the launcher's own environment.
    """
    shared = {**passed(environ, *PYTHON), "PYTHONUNBUFFERED": "1", "VAR_DIR": str(settings.var)}
    models = {"MODEL": settings.model, "MODEL_STORE": str(settings.model_store)}
    # All of them, since it refuses two that are the same.
    ports = {key: str(port) for key, (_, port) in settings.ports().items()}
    management = Management(settings.management_url, settings.management_token_file, timeout_s=ASK_S)
    postgres = Part(
        "postgres",
        [sys.executable, "-m", "db.embedded"],
        {**shared, "POSTGRES_PORT": str(settings.postgres_port)},
        lambda: _accepts(database_url),
        POSTGRES_S,
        POSTGRES_STOP_S,
    )
    torchserve = Part(
        "torchserve",
        [sys.executable, "-m", "launch.torchserve"],
        {
            **shared,
            **passed(environ, *OF_TORCHSERVE),
            **models,
            **ports,
            "MANAGEMENT_TOKEN_FILE": str(settings.management_token_file),
            "KEY_FILE": str(settings.key_file),
            "INFERENCE_KEYS": settings.key_rule,
            "MODELS": settings.models,
            "INFERENCE_HOST": settings.inference_host,
            "MANAGEMENT_HOST": settings.management_host,
            "METRICS_HOST": settings.metrics_host,
            "JAVA_HOME": str(found.java.path.resolve().parent.parent),
        },
        lambda: is_ready(management, path_of(settings.model)),
        TORCHSERVE_S,
    )
    page = {
        **shared,
        **passed(environ, *OF_PAGE, *(OF_DATABASE if settings.database_url else ())),
        **models,
        "DATABASE_URL": database_url,
        "TORCHSERVE_INFERENCE_URL": settings.inference_url,
        "TORCHSERVE_MANAGEMENT_URL": settings.management_url,
        "MANAGEMENT_TOKEN_FILE": str(settings.management_token_file),
        "UI_HOST": settings.ui_host,
        "UI_PORT": str(settings.ui_port),
        "ANSWER_TIMEOUT_S": str(settings.answer_timeout_s),
        "IDLE_MINUTES": str(settings.idle_minutes),
    }
    ui = Part(
        "ui",
        [sys.executable, "-m", "ui"],
        page,
        lambda: _answers(f"{settings.ui_url}{PAGE_ANSWERS}"),
        UI_S,
    )
    wanted = [torchserve, ui] if settings.database_url else [postgres, torchserve, ui]
    return {part.name: part for part in wanted}


def _accepts(database_url: str) -> bool:
    try:
        psycopg2.connect(database_url, connect_timeout=ASK_S).close()
    except psycopg2.OperationalError:
        return False
    return True


def _answers(url: str) -> bool:
    with local_session() as session:
        try:
            return session.get(url, timeout=ASK_S).status_code == requests.codes.ok
        except requests.RequestException:
            return False
