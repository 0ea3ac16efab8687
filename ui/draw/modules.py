"""The pad's JavaScript modules, served below an address that changes with them: an update is seen at once."""

import hashlib
from functools import cache
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import PlainTextResponse, Response

FOLDER = Path(__file__).parent / "pad"
# They import each other; this one is the pad.
FIRST = "pad.js"
FOR_EVER = "private, max-age=31536000, immutable"


@cache
def modules() -> dict[str, bytes]:
    """Return the modules by name, the pad's first."""
    found = {path.name: path.read_bytes() for path in sorted(FOLDER.glob("*.js"))}
    return {FIRST: found.pop(FIRST), **found}


@cache
def version() -> str:
    """Return 16 hexadecimal digits that are others once any module is another."""
    digest = hashlib.sha256()
    for name, content in modules().items():
        digest.update(f"{name} {len(content)}\n".encode() + content)
    return digest.hexdigest()[:16]


def add_to(web: FastAPI) -> None:
    """Add the route `/pad/VERSION/NAME`."""

    @web.get("/pad/{file:path}")
    async def module(file: str) -> Response:
        asked, _, name = file.partition("/")
        content = modules().get(name)
        if content is None:
            return PlainTextResponse("Not found", 404)
        # A page from another process, with other modules, may ask here: it gets these, for this once.
        caching = FOR_EVER if asked == version() else "no-store"
        return Response(content, media_type="text/javascript", headers={"Cache-Control": caching})
