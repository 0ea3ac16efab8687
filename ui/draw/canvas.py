"""The drawing pad: a plain canvas that hands over one PNG as the pen lifts."""

import json
from pathlib import Path

import gradio as gr

from ui.shell.files import Files

FOLDER = Path(__file__).parent


# Before the class: the copy of this file that Gradio makes ends with it.
def _script() -> str:
    """Return what loads the modules: all at once, since they import each other, and the pad first."""
    names = sorted((path.name for path in (FOLDER / "pad").glob("*.js")), key=lambda name: name != "pad.js")
    files = Files()
    paths = json.dumps([files.path(f"draw/pad/{name}") for name in names])
    return (FOLDER / "canvas.js").read_text(encoding="utf-8").replace("@MODULES@", paths)


class DrawingPad(gr.HTML):
    """The pad; its event `stroke` comes whenever what is drawn has changed, `live` while the pen moves.

    Its value is then `{"image": data URL, "source": "sketchpad", "pen": "#rrggbb", "paper": "#rrggbb"}`,
    for an uploaded picture `{"image": data URL, "source": "upload"}`, and `{"image": ""}` for blank paper;
    each with "model", the path of the model that is to read it, "sent", which counts what was sent, and
    "drawing", 32 lower-case hexadecimal digits that stay while one drawing grows;
    both of the former also with "thumbnail", a data URL of a small PNG, and "keep", false where nothing of
    the drawing may be stored. What `live` sends has no thumbnail, `"keep": false` and `"interim": true`.
    `ui.draw.drawing` reads it, and `ui/draw/pad` writes it: `pad.js` puts the other modules there together.

    On the document, the pad listens to `sketchserve-judged`, with `{drawing}` in its detail: what changes
    after a drawing was judged is another drawing. What comes on blank paper has a new id, undoing a clear
    brings the old one back, and a change of model keeps it.

    Gradio writes a copy of this file, `canvas.pyi`, beside it on import; git and the linter ignore it.
    """

    def __init__(self) -> None:
        super().__init__(
            value={"image": ""},
            html_template=(FOLDER / "canvas.html").read_text(encoding="utf-8"),
            css_template=(FOLDER / "canvas.css").read_text(encoding="utf-8"),
            js_on_load=_script(),
            apply_default_css=False,
            elem_id="pad",
        )
