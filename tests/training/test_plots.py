"""A training's plots, of labels as people have them."""

import io

import numpy as np

from training import plots


def test_a_label_with_dollar_signs_is_no_mathematics() -> None:
    both = np.array([0, 1])
    figure = plots.confusion("prices", ("$_$", "a$\\frac$"), both, both)
    figure.savefig(io.BytesIO(), dpi=20)
    assert [one.get_text() for one in figure.axes[0].get_yticklabels()] == ["$_$", "a$\\frac$"]
