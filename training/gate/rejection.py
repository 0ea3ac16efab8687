"""How well what is no digit is told from digits: the figures, and their table."""

from dataclasses import dataclass

import numpy as np

from training.gate import characters
from training.outliers.kinds import HELD_OUT

KEPT = 0.95  # the share of digits that is let through where false positives are counted


@dataclass(frozen=True)
class Rejection:
    """How one kind of outlier is told from digits.

    Attributes:
        kind: what was sent; empty for all kinds together, each counting alike.
        seen: whether training saw others of this kind.
        pictures: how many.
        auroc: the share of pairs of a digit and an outlier in which the digit has the higher score, 0..1.
        false_positives: the share of outliers that score at least as high as 95 % of the digits do.
        accepted: the share of outliers that the served threshold calls digits.
    """

    kind: str
    seen: bool
    pictures: int
    auroc: float
    false_positives: float
    accepted: float


def rejection(kind: str, digits: np.ndarray, outliers: np.ndarray, accepted: np.ndarray) -> Rejection:
    """Return the figures of one kind.

    Args:
        kind: a name, for `seen` one of training.outliers.kinds.
        digits: the scores of digits, float (count,).
        outliers: the scores of outliers, float (count,).
        accepted: which outliers were called digits, bool (count,).

    Raises:
        ValueError: there are no digits or no outliers.
    """
    from sklearn.metrics import roc_auc_score  # takes 1.4 s, which few who import this module need

    if not len(digits) or not len(outliers):
        raise ValueError(f"{kind}: {len(digits)} digits and {len(outliers)} outliers, expected some of each.")
    is_digit = np.concatenate([np.ones(len(digits)), np.zeros(len(outliers))])
    return Rejection(
        kind,
        kind not in HELD_OUT | {characters.KIND},
        len(outliers),
        float(roc_auc_score(is_digit, np.concatenate([digits, outliers]))),
        float(np.mean(outliers >= np.quantile(digits, 1 - KEPT, method="lower"))),
        float(np.mean(accepted)),
    )


def together(rows: list[Rejection], seen: bool) -> Rejection:
    """Return the mean over the kinds that training saw, or over those that it never saw."""
    chosen = [row for row in rows if row.seen == seen]
    figures = np.mean([[row.auroc, row.false_positives, row.accepted] for row in chosen], axis=0)
    return Rejection("", seen, sum(row.pictures for row in chosen), *(float(figure) for figure in figures))


def with_means(rows: list[Rejection]) -> list[Rejection]:
    """Return the figures, and after them the means of the kinds that training saw and of the others."""
    return rows + [together(rows, seen) for seen in (True, False) if any(row.seen == seen for row in rows)]


def outlier_table(rejections: list[Rejection]) -> str:
    """Return how well what is no digit is told from digits, as a table; the means come last."""
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
