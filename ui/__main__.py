"""`python -m ui`: the page, its health and its metrics under one address, until SIGTERM or Ctrl-C."""

import logging
import os
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import gradio as gr
from fastapi import FastAPI
from sqlalchemy import Engine

from client.inference import Inference
from client.management import Management
from db import engine as database
from db import spool_folder
from db.analytics import Analytics
from db.attempts import Attempts
from db.counting import Counting
from db.drawings import Drawings
from db.embedded import data_dir
from db.log import PredictionLog
from db.model_uses import ModelUses
from db.retention import Retention
from db.sign_ins import SignIns
from db.spool import Spool
from db.user_rows import Users
from db.writer import Writer
from rollout.driver import Driver
from rollout.reconcile import Places
from rollout.replicas import Replicas
from system.fetching.fetcher import Fetcher
from ui import app as page
from ui import gradio_folder, log_lines, number, probes
from ui.analytics import view as analytics
from ui.analytics.metric import Drifts
from ui.backend import Backend
from ui.fetching import route as fetching
from ui.history import view as history
from ui.history.waiting import recall
from ui.many import route as many
from ui.metrics import Metrics
from ui.models import view as models_view
from ui.models.listing import Models
from ui.models.loading import Loader
from ui.networks import Networks
from ui.recent import Recent
from ui.review import view as review
from ui.server import serve
from ui.settings import Settings, from_environment
from ui.shell.files import FOLDER
from ui.shell.views import Views
from ui.sign_in import starting
from ui.sign_in.form import Form
from ui.sign_in.sessions import Sessions

logger = logging.getLogger("ui")

# For the writer's last records once the last request is answered.
DRAIN_S = 0.5


def main() -> int:
    """Serve until stopped; return the exit status."""
    try:
        settings = from_environment(os.environ)
    except ValueError as error:
        print(f"ui: {error}", file=sys.stderr)
        return 2
    log_lines.install(settings.log_format)
    try:
        spool = spool_folder.first_free(settings.spool, data_dir(os.environ))
    except (OSError, sqlite3.Error) as error:
        print(spool_folder.cannot_be_used(settings.spool, error), file=sys.stderr)
        return 2
    try:
        gradio_folder.begin(settings.gradio)
    except OSError as error:
        print(f"ui: {error}: remove it, or set VAR_DIR to a folder that can be written", file=sys.stderr)
        return 2
    engine = database.create(settings.database_url)
    if settings.has_sign_in and not starting.is_ready_for_sign_in(Users(engine)):
        print(starting.NO_USER, file=sys.stderr)
        return 2
    sessions = Sessions(SignIns(engine)) if settings.has_sign_in else None
    return 0 if serve(build(settings, engine, spool, sessions), settings, sessions) else 1


def build(settings: Settings, engine: Engine, spool: Spool, sessions: Sessions | None = None) -> FastAPI:
    """Return the web application; its start and end are the writer's start and end."""
    log = PredictionLog(engine)
    writer = Writer(log, spool)
    retention = Retention(log, settings.keep_days)
    counting = Counting(engine)
    recent = Recent()
    recall(spool, recent)
    management = Management(settings.management_url, settings.management_token_file)
    backend = Backend(
        inference=Inference(settings.inference_url, timeout_s=settings.answer_timeout_s),
        management=management,
        model=settings.model,
        models=Models(settings.model, management, settings.model_store, settings.known_archives),
        loader=Loader(management, settings.model, settings.idle_s, ModelUses(engine)),
        log=log,
        drawings=Drawings(engine),
        writer=writer,
        recent=recent,
        metrics=Metrics(writer),
        networks=Networks(settings.management_token_file, settings.is_for_this_machine),
    )
    backend.metrics.registry.register(Drifts(engine, lambda: writer.paused))
    desks = number.Desks(backend)
    driver = Driver(
        engine,
        Replicas(settings.management_url, settings.management_token_file),
        Places(settings.rollout_store, settings.known_archives),
        backend.routes,
        backend.inference,
        on_ready=backend.models.listing,
    )

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        writer.start()
        backend.loader.start()
        retention.start()
        counting.start()
        driver.start()
        logger.info("starting the page at %s", settings.url)
        yield
        backend.loader.stop()
        driver.stop()
        retention.stop()
        desks.close()
        counting.stop()
        waiting = writer.stop(DRAIN_S)
        engine.dispose()
        logger.info("stopped; %d records wait for the next start", waiting)

    web = FastAPI(
        lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None, root_path=settings.root_path
    )
    probes.add_to(web, backend, engine)
    fetching.add_to(web, Fetcher())
    number.add_to(web, desks)
    many.add_to(web, backend)
    views = Views(
        web,
        settings.root_path,
        has_sign_in=sessions is not None,
        is_for_this_machine=settings.is_for_this_machine,
    )
    history.add_to(views, backend, backend.drawings)
    review.add_to(views, backend, engine)
    analytics.add_to(views, backend, Analytics(engine))
    models_view.add_to(views, backend, engine, settings)
    if sessions is not None:
        Form(Users(engine), sessions, Attempts(engine), settings.root_path).add_to(web)
    return gr.mount_gradio_app(
        web,
        page.build_page(backend, desks, has_sign_in=sessions is not None, links=views.links),
        path="/",
        root_path=settings.root_path or None,
        server_name=settings.host,
        server_port=settings.port,
        footer_links=[],
        run_history=False,
        show_error=False,
        ssr_mode=False,
        enable_monitoring=False,
        theme=page.theme(),
        css=page.page_css(),
        favicon_path=str(FOLDER / "shell" / "icons" / "icon.svg"),
        head='<meta name="color-scheme" content="light dark">',
    )


if __name__ == "__main__":
    status = main()
    logging.shutdown()
    # Python would wait for threads, and one may wait for TorchServe as long as ANSWER_TIMEOUT_S says.
    os._exit(status)
