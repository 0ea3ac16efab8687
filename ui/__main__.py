"""`python -m ui`: the page, `/healthz` and `/metrics` under one address, until SIGTERM or Ctrl-C."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import FrameType
from typing import Any

import gradio as gr
import uvicorn
from fastapi import FastAPI, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import Engine

from db import engine as database
from db.log import PredictionLog
from db.writer import Writer
from ui import app as page
from ui.health import health
from ui.loading import Loader
from ui.management import Management
from ui.metrics import Metrics
from ui.models import Models
from ui.outcome import Backend
from ui.recent import Recent
from ui.settings import Settings, SettingsError, from_environment
from ui.thumbnails import Thumbnails
from ui.torchserve import TorchServe

logger = logging.getLogger("ui")

# Open pages hold event streams that never end by themselves; this long they may finish what they carry.
CLOSE_STREAMS_S = 0
DRAIN_S = 0.5


def main() -> int:
    """Serve until stopped; return the exit status."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        settings = from_environment(os.environ)
    except SettingsError as error:
        print(f"ui: {error}", file=sys.stderr)
        return 2
    server = uvicorn.Server(
        uvicorn.Config(
            build(settings),
            host=settings.host,
            port=settings.port,
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=CLOSE_STREAMS_S,
        )
    )
    logging.getLogger("uvicorn.error").addFilter(_is_no_cut_stream)

    def stop(_signal: int, _frame: FrameType | None) -> None:
        server.should_exit = True

    # uvicorn has its own handlers while it runs, and repeats the signal after its clean end: without these
    # that would count as a crash, and a signal that comes before uvicorn's handlers would be lost.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    server.run()
    return 0 if server.started else 1


def build(settings: Settings) -> FastAPI:
    """Return the web application; its start and end are the writer's start and end."""
    engine = database.create(settings.database_url)
    log = PredictionLog(engine)
    writer = Writer(log)
    management = Management(settings.management_url)
    backend = Backend(
        torchserve=TorchServe(settings.inference_url, timeout_s=settings.answer_timeout_s),
        management=management,
        model=settings.model,
        models=Models(settings.model, management, settings.model_store),
        loader=Loader(management, settings.model, settings.idle_s),
        log=log,
        writer=writer,
        recent=Recent(),
        thumbnails=Thumbnails(),
        metrics=Metrics(writer),
    )

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        writer.start()
        backend.loader.start()
        logger.info("starting the page at %s", settings.url)
        yield
        backend.loader.stop()
        lost = writer.stop(DRAIN_S)
        engine.dispose()
        logger.info("stopped; %d records not written", lost)

    web = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    _add_routes(web, backend, engine)
    return gr.mount_gradio_app(
        web,
        page.build_page(backend),
        path="/",
        server_name=settings.host,
        server_port=settings.port,
        footer_links=[],
        run_history=False,
        show_error=False,
        ssr_mode=False,
        enable_monitoring=False,
        theme=page.theme(),
        css=page.page_css(),
        head='<meta name="color-scheme" content="light dark">',
    )


def _is_no_cut_stream(record: logging.LogRecord) -> bool:
    """Return False for what uvicorn says of streams that end with the page: that is meant, and no error."""
    is_cancelled = record.exc_info is not None and isinstance(record.exc_info[1], asyncio.CancelledError)
    return not is_cancelled and "timeout graceful" not in record.getMessage()


def _add_routes(web: FastAPI, backend: Backend, engine: Engine) -> None:
    @web.get("/healthz")
    def healthz() -> dict[str, Any]:
        return health(backend, engine)

    @web.get("/metrics")
    def metrics() -> Response:
        return Response(generate_latest(backend.metrics.registry), media_type=CONTENT_TYPE_LATEST)


if __name__ == "__main__":
    sys.exit(main())
