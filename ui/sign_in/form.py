"""The sign-in form, which works without scripts, and what its posts do."""

import logging
import math
import re
from collections.abc import Callable
from contextlib import suppress
from html import escape
from pathlib import Path
from string import Template
from typing import Any, TypeVar
from urllib.parse import parse_qs

import anyio
import anyio.to_thread
from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, Response

from db import passwords
from db.attempts import Attempts, Limit
from db.errors import DatabaseUnavailable
from db.schema import USER_NAME
from db.user_rows import User, Users
from system.ports import is_loopback
from ui.security_headers import POLICY
from ui.sign_in import cookie, known_browser
from ui.sign_in.admission import FORM
from ui.sign_in.attempts import limits, of_network
from ui.sign_in.sessions import Sessions

logger = logging.getLogger(__name__)
T = TypeVar("T")

FOLDER = Path(__file__).parent
# Each password takes 64 MiB and tens of milliseconds; who comes while so many wait is told to come back.
PASSWORDS_AT_ONCE, PASSWORDS_WAITING = 2, 20
FORM_POLICY = (
    "default-src 'none'; style-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
AWAY = "Nobody can sign in right now: the database is unavailable. Try again in a moment."
BUSY = "Too many people are signing in. Try again in a moment."
WRONG = "Wrong name or password."
ENDED = "You are signed out."
ENDED_HERE = (
    "You are signed out in this browser. The database is unavailable: sign out again later to make sure."
)


class Form:
    """What stands behind the form."""

    def __init__(self, users: Users, sessions: Sessions, attempts: Attempts, root_path: str) -> None:
        self._users = users
        self._sessions = sessions
        self._root_path = root_path
        self._attempts = attempts
        self._threads = anyio.CapacityLimiter(PASSWORDS_AT_ONCE)
        self._html = Template((FOLDER / "form.html").read_text(encoding="utf-8"))

    def add_to(self, web: FastAPI) -> None:
        """Add the form's routes."""

        @web.get("/sign-in")
        async def form(request: Request) -> Response:
            return self._page(request)

        @web.get("/sign-in.css")
        async def style() -> Response:
            return FileResponse(FOLDER / "form.css", headers={"Cache-Control": "max-age=3600"})

        web.post("/sign-in")(self._sign_in)
        web.post("/sign-out")(self._sign_out)

    async def _sign_in(self, request: Request) -> Response:
        fields = parse_qs((await request.body()).decode("utf-8", "replace"))
        name, password = (fields.get(key, [""])[0] for key in ("name", "password"))
        name = name.strip().casefold()
        address = request.client.host if request.client else ""
        begun: list[Limit] = []
        try:
            if wait_s := await self._in_thread(self._attempts.wait_s, of_network(address)):
                return self._too_many(request, name, wait_s)
            user, kept = await self._in_thread(_find, self._users, name)
            browser = None if user is None else known_browser.read(request.scope, kept)
            tried = limits(address, name, browser)
            if wait_s := await self._in_thread(self._attempts.take, tried):
                return self._too_many(request, name, wait_s)
            begun = tried
            is_right = await self._in_thread(passwords.is_right, kept, password)
            token = await self._sessions.begin(user, kept) if user is not None and is_right else None
        except (DatabaseUnavailable, anyio.WouldBlock) as error:
            await self._forgive(begun)
            words = BUSY if isinstance(error, anyio.WouldBlock) else AWAY
            return self._page(request, words, 503, {"Retry-After": "5"}, name)
        if user is None or token is None:
            # Not the name: it may be a password in the wrong field.
            logger.warning("sign-in from %s: wrong name or password", address)
            return self._page(request, WRONG, 401, name=name)
        await self._forgive(begun)
        logger.info("sign-in from %s: %s, %s", address, user.name, user.role)
        there = RedirectResponse(f"{self._root_path}/", 303)
        cookie.put(there, request.scope, token)
        cookie.put_user(there, request.scope, user.id)
        known_browser.put(there, request.scope, kept)
        return there

    def _too_many(self, request: Request, name: str, wait_s: float) -> Response:
        logger.warning("sign-in from %s: too many attempts", request.client.host if request.client else "")
        minutes = math.ceil(wait_s / 60)
        words = f"Too many attempts. Try again in {minutes} minute{'s' if minutes > 1 else ''}."
        return self._page(request, words, 429, {"Retry-After": str(math.ceil(wait_s))}, name)

    async def _sign_out(self, request: Request) -> Response:
        words, token = ENDED, cookie.read(request.scope)
        try:
            if token is not None:
                await self._sessions.end(token)
        except DatabaseUnavailable:
            words = ENDED_HERE
        page = self._page(request, words)
        cookie.remove(page, request.scope)
        return page

    async def _forgive(self, begun: list[Limit]) -> None:
        """Give back the attempt of who is signed in now, or could not be heard."""
        with suppress(DatabaseUnavailable):
            await anyio.to_thread.run_sync(self._attempts.give_back, begun, limiter=self._threads)

    async def _in_thread(self, call: Callable[..., T], *arguments: Any) -> T:
        if self._threads.statistics().tasks_waiting >= PASSWORDS_WAITING:
            raise anyio.WouldBlock
        return await anyio.to_thread.run_sync(call, *arguments, limiter=self._threads)

    def _page(
        self,
        request: Request,
        words: str = "",
        status: int = 200,
        headers: dict[str, str] | None = None,
        name: str = "",
    ) -> HTMLResponse:
        host = request.client.host if request.client else ""
        is_plain = not cookie.is_secure(request.scope) and not is_loopback(host)
        html = self._html.substitute(
            action=f"{self._root_path}{FORM}",
            style=f"{self._root_path}/sign-in.css",
            title=f"{words} " if words else "",
            words=escape(words),
            kind="is-good" if status == 200 else "is-wrong",
            name=escape(name[:64]),
            focus_name="" if name else " autofocus",
            focus_password=" autofocus" if name else "",
            plain="" if is_plain else " hidden",
        )
        return HTMLResponse(
            html, status, {POLICY: FORM_POLICY, "Cache-Control": "no-store", **(headers or {})}
        )


def _find(users: Users, name: str) -> tuple[User | None, str]:
    """Return the user and what is kept of the password; an unknown name's takes as long to check."""
    found = users.find(name) if re.fullmatch(USER_NAME, name) else None
    return found or (None, passwords.NOBODYS)
