"""The findings as Markdown: the table that the command prints, and the model card."""

from textwrap import fill

from training.archive.contents import Archive
from training.evaluation.figures import Row
from training.evaluation.findings import Findings
from training.fitting.report import card
from training.gate.rejection import outlier_table

WIDTH = 110
# Data set, as archives name it -> what is in it. Of another one the card gives the name.
TRAINED_ON = {
    "digits": "MNIST's training set and pen strokes of 20 writers (UCI pen-based digits, CC BY 4.0, "
    "https://doi.org/10.24432/C5MG6K), drawn in many ways",
    "mnist": "MNIST's training set",
    "optdigits": "scikit-learn's 8x8 digits (UCI, https://doi.org/10.24432/C50P49)",
}


def table(rows: list[Row]) -> str:
    """Return rows as a table."""
    lines = [
        "| pictures | renderer | number | correct | 95 % interval | ECE | refused | set holds it | set size "
        "| called no digit | right, a digit | wrong, a digit |",
        "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    lines += [
        f"| {row.kind} | {row.renderer or '-'} | {row.pictures:,} | {row.accuracy:.2%} "
        f"| {row.low:.2%} to {row.high:.2%} | {row.ece:.4f} | {row.refused} "
        f"| {row.covered:.2%} | {row.set_size:.3f} | {row.no_digit / row.pictures:.2%} "
        f"| {row.trusted / row.pictures:.2%} | {row.misled / row.pictures:.2%} |"
        for row in rows
    ]
    return "\n".join(lines)


def model_card(found: Findings, command: str, archive: Archive) -> str:
    """Return the model card made from the page's own figures.

    Args:
        found: the figures.
        command: what was run to find them.
        archive: what the archive that answered says of its model.
    """
    model = found.model
    unchanged = "\n".join(
        f"| {one.name} | {one.renderer} | {one.share:.1%} | {one.confidence_change:.3f} |"
        for one in found.changes
    )
    changes = (
        "\nThe same digit drawn again with one thing changed:\n\n"
        "| changed | renderer | same answer | mean change of its probability |\n|---|---|--:|--:|\n"
        f"{unchanged}\n"
        if found.changes
        else ""
    )
    outliers = (
        "\nWhat is no digit, against all digits above; a false positive scores as high as 95 % of the digits "
        f"do:\n\n{outlier_table(found.rejections)}\n"
        if found.rejections
        else ""
    )
    measured = f"{table(found.rows + found.together)}\n{changes}{outliers}".rstrip("\n")
    return card(
        model["model"],
        model["version"],
        f"Reads one handwritten digit from a picture. Preprocessing `{model['preprocessing']}`.",
        _use(found),
        _data(found, archive),
        f"    {command}",
        measured,
        _terms(found, archive.coverage),
    )


def _use(found: Findings) -> str:
    of_most = "`is_digit` says so of most; " if found.has_gate else ""
    return _wrapped(
        "**Use**: one digit on one sheet or pad, any colours, any size. **Not for**: several characters at "
        f"once, letters ({of_most}the label is the likeliest digit whatever is drawn), or decisions that "
        "nobody checks."
    )


def _data(found: Findings, archive: Archive) -> str:
    data_set = archive.data_set
    looks = f" ({archive.reference.in_words()}; in brackets nine in ten)" if archive.reference else ""
    trained_on = TRAINED_ON.get(data_set, f"the data set `{data_set}`") if data_set else "data not known here"
    strokes = (
        " and on the strokes of five writers who are kept out of training and validation, drawn by the "
        "renderer that training uses and by an independent one"
        if found.together
        else ""
    )
    return _wrapped(
        f"**Trained on** {trained_on}{looks}. **Measured on** MNIST's test set{strokes}. Everything "
        "went over HTTP through the served archive:"
    )


def _terms(found: Findings, coverage: float | None) -> str:
    often = f" in {100 * coverage:g} % of answers" if coverage else ""
    people = (
        " A few hundred digits by five people say little about all people: intervals cover chance in the "
        "choice of digits, not of writers."
        if found.together
        else ""
    )
    return _wrapped(
        "ECE is the expected calibration error over 15 bins of confidence; intervals are Wilson's; a refused "
        "picture counts as wrong; the interval of all kinds together counts each digit once; a set is meant "
        f"to hold the true label{often}.{people}"
    )


def _wrapped(paragraph: str) -> str:
    return fill(paragraph, WIDTH, break_long_words=False, break_on_hyphens=False)
