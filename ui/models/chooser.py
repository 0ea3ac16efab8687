"""The model chooser: what happens when a visitor chooses a model, and its HTML."""

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from client.errors import LoadFailed
from ui.models.listing import Listing, Model, Models
from ui.models.loading import Loader


@dataclass(frozen=True)
class Chooser:
    """What the chooser shows.

    Attributes:
        listing: What may be chosen.
        active: The model that reads what is drawn.
        loading: The model that was chosen and is not ready yet, or None.
        complaint: Why the chosen model could not be loaded, "" where it could.
    """

    listing: Listing
    active: Model
    loading: Model | None = None
    complaint: str = ""


def choose(
    models: Models, loader: Loader, wanted_path: object, active_path: object, *, may_load: bool = True
) -> Iterator[Chooser]:
    """Yield the chooser's states one after the other, until the wanted model is active or will not be.

    The active model stays active, and answers, until the wanted one has a READY worker. Who may not have
    models loaded, which starts workers, may choose those that are.
    """
    listing = models.listing()
    wanted, active = models.find(wanted_path), models.find(active_path) or models.own()
    if wanted is None:
        why = listing.complaint or "That model is no longer available."
        yield Chooser(listing, active, complaint=f"{why} Using {active.title} instead.")
        return
    if wanted.is_own or wanted.ready_workers:
        loader.used(wanted)
        yield Chooser(listing, wanted)
        return
    if not may_load:
        active = models.own() if active == wanted else active
        why = f"{wanted.title} is not loaded, and only an operator can load it."
        yield Chooser(listing, active, complaint=f"{why} Still using {active.title}.")
        return
    yield Chooser(listing, active, loading=wanted)
    try:
        loader.load(wanted)
    except LoadFailed as error:
        # The active one itself may be what has lost its workers: the page's own is always there.
        active = models.own() if active == wanted else active
        complaint = f"{wanted.title} could not be loaded: {error}. Still using {active.title}."
        yield Chooser(models.listing(), active, complaint=complaint)
        return
    yield Chooser(models.listing(), wanted)


def chooser_html(chooser: Chooser, asked: object = 0) -> str:
    """Return the chooser: a select and, beside it, a line where there is something to say.

    Args:
        chooser: What it shows.
        asked: The number of the browser's question that this answers; 0 before it has asked anything.
    """
    listing, active, loading = chooser.listing, chooser.active, chooser.loading
    shown = loading or active
    options = "".join(_option(model, shown, is_loading=model == loading) for model in listing.models)
    options += "".join(
        f'<option disabled title="{escape(reason)}">{escape(file)}: {escape(reason)}</option>'
        for file, reason in listing.damaged.items()
    )
    notice, kind = chooser.complaint or listing.complaint, "complaint" if chooser.complaint else "remark"
    if loading:
        notice, kind = f"Loading {loading.title} … Using {active.title} until then.", "loading"
        if loading == active:
            notice = f"Loading {loading.title} again: it was idle …"
    return (
        f'<div class="chooser{" is-loading" if loading else ""}" data-model="{escape(active.path)}" '
        f'data-reads="{"photo" if active.reads_photos else "drawing"}" data-shown="{escape(shown.path)}" '
        f'data-asked="{asked if isinstance(asked, int) else 0}">'
        f'<p class="chooser-notice is-{kind}" role="status">{escape(notice)}</p>'
        '<label><span>Model</span><select aria-label="Model" title="With the keyboard, press Enter to choose"'
        f"{' disabled' if loading or not asked else ''}>"
        f"{options}</select></label></div>"
    )


def _option(model: Model, shown: Model, is_loading: bool) -> str:
    words = model.title if model.is_own or model.ready_workers else f"{model.title} · not loaded"
    if is_loading:
        words = f"Loading {model.title} …"
    return (
        f'<option value="{escape(model.path)}"{" selected" if model.path == shown.path else ""}>'
        f"{escape(words)}</option>"
    )
