"""Who is signed in, and the button that ends it, on the page."""

from html import escape
from pathlib import Path

import gradio as gr

from ui.sign_in.who import user_of

FOLDER = Path(__file__).parent


def account() -> gr.HTML:
    """Return the control; `account_html` says what it shows."""
    script = (FOLDER / "account.js").read_text(encoding="utf-8")
    return gr.HTML("", js_on_load=script, apply_default_css=False, elem_id="account")


def account_html(request: gr.Request) -> str:
    """Return the user's name and a form that signs out, which needs no script."""
    user = user_of(request)
    if user is None:
        return ""
    name = escape(user.name)
    return (
        '<form class="account" method="post" action="sign-out">'
        f'<span title="{name}, {user.role}"><span class="only-heard">Signed in as </span>{name}</span>'
        "<button>Sign out</button></form>"
    )
