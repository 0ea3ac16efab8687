"""The web app manifest: what a phone needs to install the page (W3C, Web Application Manifest)."""

from fastapi import FastAPI
from starlette.responses import JSONResponse

from ui.shell.files import Files

# Of the icons: their sizes, and whether a system may cut them into its own shape.
ICONS = {
    "icon.svg": ("any", "any"),
    "icon-192.png": ("192x192", "any"),
    "icon-512.png": ("512x512", "any"),
    "icon-maskable-512.png": ("512x512", "maskable"),
}
# As shell/colours.css has --page in the light theme: a manifest has one colour, and pages say what they have.
COLOUR = "#f6f4f0"


def add_to(web: FastAPI, files: Files) -> None:
    """Add the route, in the place of the one that Gradio has and its page names.

    All addresses in it are relative to its own, so that they stay below UI_ROOT_PATH. It has no "id", which
    would be relative to the host alone: without one it is the start_url. Who is not signed in
    gets 401, as everywhere: the pages ask for it with their cookie.
    """
    icons = [
        {
            "src": files.path(f"shell/icons/{name}"),
            "sizes": sizes,
            "type": "image/svg+xml" if name.endswith(".svg") else "image/png",
            "purpose": purpose,
        }
        for name, (sizes, purpose) in ICONS.items()
    ]
    content = {
        "name": "Sketchserve",
        "short_name": "Sketchserve",
        "description": "Draw a digit and see what the model reads.",
        "start_url": "./",
        "scope": "./",
        "display": "standalone",
        "background_color": COLOUR,
        "theme_color": COLOUR,
        "icons": icons,
    }

    @web.get("/manifest.json")
    async def manifest() -> JSONResponse:
        return JSONResponse(
            content, media_type="application/manifest+json", headers={"Cache-Control": "no-cache"}
        )
