"""`POST /fetch`: a picture from the web, for the pad."""

from fastapi import FastAPI, Request
from starlette.responses import Response

from system.fetching.fetcher import Fetcher
from system.fetching.formats import FetchError
from ui.refusal import refusal
from ui.shares import Shares, TooMany

# So many are fetched at once, and for one client; each takes up to 5 s and 16 MB.
AT_ONCE, OF_ONE_CLIENT = 8, 2


def add_to(web: FastAPI, fetcher: Fetcher) -> None:
    """Add the route: it takes an address as text, and answers with the picture, or why there is none."""
    shares = Shares(AT_ONCE, OF_ONE_CLIENT)

    @web.post("/fetch")
    async def fetch(request: Request) -> Response:
        address = (await request.body()).decode("utf-8", "replace").strip()
        try:
            with shares.one(request):
                picture = await fetcher.fetch(address)
        except FetchError as error:
            return refusal(400, "BadAddress", str(error))
        except TooMany:
            return refusal(503, "Busy", "Too many pictures are being fetched. Try again in a moment.", 2)
        return Response(picture.content, media_type=picture.media_type, headers={"Cache-Control": "no-store"})
