"""What is said of a version of a model, in words."""

from collections.abc import Sequence

from db.comparison import Figures
from ui.models.board import Version
from ui.models.cards import Card
from ui.models.changes import MB
from ui.models.paired import in_words

# More labels than this are not all named.
NAMED = 12


def reads(labels: Sequence[str], *, of_photos: bool = False) -> str:
    """Return what a model can answer: its labels, or the first of them, and whether it reads photographs."""
    if not labels:
        return "not known yet: it has not answered yet, and this page cannot see its archive"
    kind = "photographs: " if of_photos else ""
    if len(labels) <= NAMED:
        return kind + ", ".join(labels)
    return f"{kind}{', '.join(labels[: NAMED - 2])} and {len(labels) - NAMED + 2} more"


def facts(
    version: Version, labels: Sequence[str], card: Card | None, figures: Figures | None
) -> list[tuple[str, str]]:
    """Return what operators see of a version, each with what it is.

    Args:
        version: As the board has it.
        labels: What it can answer.
        card: Its card, if it has one.
        figures: What the database says of it; None where the database is away.
    """
    found = [("Reads", reads(labels, of_photos=version.model.reads_photos))]
    if version.status is not None:
        found += _served(version)
    if card is not None and card.accuracy and not card.is_of_another:
        found.append(("Accuracy, from its card", card.accuracy))
    found += (
        [("Accuracy, as judged here", "the database is unavailable")]
        if figures is None
        else _figures(figures)
    )
    return found + _archive(version)


def _served(version: Version) -> list[tuple[str, str]]:
    assert version.status is not None
    status, serving = version.status, version.status.serving
    workers = f"{status.ready_workers} ready of {status.workers}"
    if serving is None:
        return [("Workers", workers)]
    # TorchServe says 0 until it has measured for the first time.
    unknown = "not measured yet" if status.workers else "none running"
    memory = f"{serving.worker_bytes / MB:,.0f} MB" if serving.worker_bytes else unknown
    return [
        ("Workers", f"{workers} (min {serving.min_workers}, max {serving.max_workers})"),
        ("Memory per worker", memory),
        ("Batches", f"up to {serving.batch_size}, collected for {serving.batch_delay_ms} ms"),
        ("Waiting", f"{serving.waiting:,} requests"),
    ]


def _figures(figures: Figures) -> list[tuple[str, str]]:
    judged = in_words(figures.right, figures.judged) or "none of its recent answers were judged"
    found = [("Accuracy, as judged here", judged)]
    if figures.p50_ms is not None and figures.p95_ms is not None:
        times = f"half within {figures.p50_ms:.0f} ms, 95\u00a0% within {figures.p95_ms:.0f} ms"
        found.append(("Time per answer", f"{times} (of {figures.answers:,})"))
    return found


def _archive(version: Version) -> list[tuple[str, str]]:
    if version.archive_bytes is None:
        return [("Archive", f"{version.model.file or 'unnamed'}; this page cannot see it")]
    known = "known" if version.is_known else "not known: it was not built here, and nobody has accepted it"
    return [
        ("Archive", f"{version.model.file}, {_size(version.archive_bytes)}, {known}"),
        ("SHA-256", version.sha256),
    ]


def _size(count: int) -> str:
    return f"{count / MB:,.1f} MB" if count >= MB / 10 else f"{count / 1000:,.1f} kB"
