"""The drawing pad: a plain canvas that hands over one PNG as the pen lifts."""

from pathlib import Path

import gradio as gr

FOLDER = Path(__file__).parent


class DrawingPad(gr.HTML):
    """The pad; its event `stroke` comes whenever what is drawn has changed.

    Its value is then `{"image": data URL, "source": "sketchpad", "pen": "#rrggbb", "paper": "#rrggbb"}`,
    for an uploaded picture `{"image": data URL, "source": "upload"}`, and `{"image": ""}` for blank paper;
    each with "model", the path of the model that is to read it, and "sent", which counts what was sent;
    both of the former also with "thumbnail", a data URL of a small PNG, and "keep", false where nothing of
    the drawing may be stored.
    `ui.draw.drawing` reads it.

    Gradio writes a copy of this file, `canvas.pyi`, beside it on import; git and the linter ignore it.
    """

    def __init__(self) -> None:
        super().__init__(
            value={"image": ""},
            html_template=(FOLDER / "canvas.html").read_text(encoding="utf-8"),
            css_template=(FOLDER / "canvas.css").read_text(encoding="utf-8"),
            js_on_load=(FOLDER / "canvas.js").read_text(encoding="utf-8"),
            apply_default_css=False,
            elem_id="pad",
        )
