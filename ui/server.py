"""The page's web server: what is asked for is answered before it stops, and streams are cut."""

import asyncio
import logging
import math
import signal
import socket
from pathlib import Path
from types import FrameType
from typing import cast

import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp

from system.files import allow_open_files
from ui.connection import IDLE_S, MOST_CONNECTIONS, Connection, look_after
from ui.event_streams import EventStreams, end_with_sign_ins
from ui.limits import Limits
from ui.own_names import OwnNames
from ui.request_id import RequestId
from ui.security_headers import SecurityHeaders
from ui.settings import Settings
from ui.sign_in.admission import Admission
from ui.sign_in.sessions import Sessions
from ui.slow_readers import SlowReaders

# A request in flight may take as long as an answer may, and no longer than this: containers are killed 10 s
# after they were told to stop, if nobody asked for more.
DRAIN_AT_MOST_S = 7
# Twice as many as connections, and some for TorchServe, PostgreSQL and files.
FILE_DESCRIPTORS = 10_000
# Of what is done at once, for clients that have gone, too; more is answered 503.
MOST_AT_ONCE = 2 * MOST_CONNECTIONS
# What begins the page: it loads it again where a part of it was lost on the way.
# A script and a style sheet.
BEGINNING = [Path(__file__).parent / name for name in ("lost.js", "first.css")]
# For what is left to do once the answer is there.
MARGIN_S = 1


class Server(uvicorn.Server):
    """uvicorn, which would wait for event streams as for any other answer: they are ended first."""

    def __init__(self, config: uvicorn.Config, streams: EventStreams, sessions: Sessions | None) -> None:
        super().__init__(config)
        self._streams = streams
        self._sessions = sessions
        self._looking: list[asyncio.Task[None]] = []

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen, to look after deadlines, and to end the streams of sign-ins that end."""
        await super().startup(sockets)
        connections = cast(set[Connection], self.server_state.connections)
        self._looking = [asyncio.create_task(look_after(connections))]
        if self._sessions is not None:
            self._looking.append(asyncio.create_task(end_with_sign_ins(self._streams, self._sessions)))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no new connection, end the streams, answer what was asked, then end the application."""
        for task in self._looking:
            task.cancel()
        self._streams.end()
        await super().shutdown(sockets)


def serve(web: FastAPI, settings: Settings, sessions: Sessions | None = None) -> bool:
    """Serve until SIGTERM or Ctrl-C; return whether it could begin. Without sessions nobody has to sign in.

    `X-Forwarded-For` and `X-Forwarded-Proto` are believed from the proxies that uvicorn's own variable
    FORWARDED_ALLOW_IPS names (addresses, networks or *), without it from this machine.
    """
    allow_open_files(FILE_DESCRIPTORS)
    streams = EventStreams(web)
    server = Server(configured(before(streams, settings, sessions), settings), streams, sessions)
    logging.getLogger("uvicorn.error").addFilter(_is_not_cut)

    def stop(_signal: int, _frame: FrameType | None) -> None:
        server.should_exit = True

    # uvicorn has its own handlers while it runs, and repeats the signal after its clean end: without these
    # that would count as a crash, and a signal that comes before uvicorn's handlers would be lost.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    server.run()
    return server.started


def configured(app: ASGIApp, settings: Settings) -> uvicorn.Config:
    """Return how uvicorn is to serve."""
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http=Connection,
        ws="none",  # the page opens no web socket
        log_level="warning",
        log_config=None,  # everything goes through the page's own handler
        access_log=False,
        limit_concurrency=MOST_AT_ONCE,
        timeout_keep_alive=IDLE_S,
        timeout_graceful_shutdown=min(math.ceil(settings.answer_timeout_s) + MARGIN_S, DRAIN_AT_MOST_S),
    )


def before(web: ASGIApp, settings: Settings, sessions: Sessions | None) -> ASGIApp:
    """Return what a request meets before the routes: an id, headers, who may ask and as what, limits."""
    limited: ASGIApp = Limits(web, settings.root_path)
    if sessions is not None:
        limited = Admission(limited, sessions, settings.root_path, is_behind_proxy=settings.is_behind_proxy)
    elif settings.own_names is not None:
        limited = OwnNames(limited, settings.own_names, is_behind_proxy=settings.is_behind_proxy)
    beginning = [file.read_text(encoding="utf-8") for file in BEGINNING]
    return SlowReaders(RequestId(SecurityHeaders(limited, *beginning)))


def _is_not_cut(record: logging.LogRecord) -> bool:
    """Return False for tracebacks of what is cut when the time to stop is over: uvicorn says how many."""
    return record.exc_info is None or not isinstance(record.exc_info[1], asyncio.CancelledError)
