"""The scripts, style sheets and icons of the views, which browsers keep until one of them changes."""

import hashlib
from pathlib import Path

from fastapi import FastAPI
from starlette.responses import PlainTextResponse, Response

FOLDER = Path(__file__).parents[1]
MEDIA_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
}
# RFC 8246: under this address there will never be anything else.
FOR_GOOD = "public, max-age=31536000, immutable"


class Files:
    """All scripts, style sheets and icons below ui/, read once.

    Their addresses begin with the hash of all of them, so that modules find each other by relative names and
    an update is seen at once.
    """

    def __init__(self, folder: Path = FOLDER) -> None:
        paths = sorted(path for path in folder.rglob("*") if path.suffix in MEDIA_TYPES)
        self._contents = {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
        digest = hashlib.sha256()
        for name, content in self._contents.items():
            digest.update(f"{name} {len(content)}\n".encode() + content)
        self._digest = digest.hexdigest()[:16]

    def path(self, name: str) -> str:
        """Return the path of a file, such as "shell/shell.css", below the page's address.

        Raises:
            KeyError: There is no such file.
        """
        if name not in self._contents:
            raise KeyError(name)
        return f"files/{self._digest}/{name}"

    def add_to(self, web: FastAPI) -> None:
        """Add the files' route."""

        @web.get("/files/{digest}/{name:path}")
        async def file(digest: str, name: str) -> Response:
            content = self._contents.get(name)
            if content is None:
                return PlainTextResponse("Not found", 404)
            # Who still has the page of an earlier version gets what there is now, this once.
            caching = FOR_GOOD if digest == self._digest else "no-store"
            media_type = MEDIA_TYPES[Path(name).suffix]
            return Response(content, media_type=media_type, headers={"Cache-Control": caching})
