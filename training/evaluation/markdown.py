"""The findings as Markdown: the table that the command prints, and the model card."""

from training.evaluation.figures import Row
from training.evaluation.findings import Findings
from training.evaluation.outliers import Rejection


def table(rows: list[Row]) -> str:
    """Give rows as a table."""
    lines = [
        "| pictures | renderer | number | correct | 95 % interval | ECE | refused | set holds it | set size "
        "| called no digit |",
        "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    lines += [
        f"| {row.kind} | {row.renderer or '-'} | {row.pictures:,} | {row.accuracy:.2%} "
        f"| {row.low:.2%} to {row.high:.2%} | {row.ece:.4f} | {row.refused} "
        f"| {row.covered:.2%} | {row.set_size:.3f} | {row.no_digit / row.pictures:.2%} |"
        for row in rows
    ]
    return "\n".join(lines)


def outlier_table(rejections: list[Rejection]) -> str:
    """Give how well what is no digit is told from digits, as a table; the means come last."""
    lines = [
        "| outliers | in training | pictures | AUROC | false positives at 95 % | called digits |",
        "|---|---|--:|--:|--:|--:|",
    ]
    lines += [
        f"| {row.kind or 'mean of these kinds'} | {'yes' if row.seen else 'no'} | {row.pictures:,} "
        f"| {row.auroc:.4f} | {row.false_positives:.2%} | {row.accepted:.2%} |"
        for row in rejections
    ]
    return "\n".join(lines)


def model_card(found: Findings, command: str) -> str:
    """Give the model card (Mitchell et al. 2019, arXiv:1810.03993), made from the page's own figures."""
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
    return f"""# Model card: {model["model"]} {model["version"]}

Reads one handwritten digit from a picture. Preprocessing `{model["preprocessing"]}`.

**Use**: one digit on one sheet or pad, any colours, any size. **Not for**: several characters at once,
letters (`is_digit` says so of most; the label is the likeliest digit whatever is drawn), or decisions that
nobody checks.

**Trained on** MNIST's training set and pen strokes of 20 writers (UCI pen-based digits, CC BY 4.0,
https://doi.org/10.24432/C5MG6K), drawn in many ways. **Measured on** MNIST's test set and on the strokes of
five writers who are in neither training nor validation, drawn by the renderer that training uses and by an
independent one. Everything went over HTTP through the served archive:

    {command}

{table(found.rows + found.together)}
{changes}{outliers}
ECE is the expected calibration error over 15 bins of confidence; intervals are Wilson's; a refused picture
counts as wrong; the interval of all kinds together counts each digit once; a set is meant to hold the true
label in 99 of 100 answers. A few hundred digits by five people say little about all people: intervals cover
chance in the choice of digits, not of writers.
"""
