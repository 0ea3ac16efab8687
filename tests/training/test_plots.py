"""A training's plots, of labels as people have them."""

import io

import numpy as np

from training import plots


def test_a_label_with_dollar_signs_is_no_mathematics() -> None:
    both = np.array([0, 1])
    figure = plots.confusion("prices", ("$_$", "a$\\frac$"), both, both)
    figure.savefig(io.BytesIO(), dpi=20)
    assert [one.get_text() for one in figure.axes[0].get_yticklabels()] == ["$_$", "a$\\frac$"]


def test_of_very_many_labels_those_that_are_confused_most_are_shown() -> None:
    labels = tuple(f"label {number}" for number in range(500))
    true = np.arange(500).repeat(2)
    predicted = true.copy()
    predicted[[14, 15, 600]] = [400, 401, 7]  # of labels 7, 7 and 300
    figure = plots.confusion("many", labels, true, predicted)
    shown = [one.get_text() for one in figure.axes[0].get_yticklabels()]
    assert len(shown) == plots.MOST_CONFUSED == 100
    assert {"label 7", "label 300", "label 400", "label 401"} < set(shown)
    assert shown == sorted(shown, key=labels.index)
    assert figure.axes[0].get_title() == (
        "many, test set: 99.70%; the 100 of 500 labels that are confused most"
    )
    assert max(figure.get_size_inches()) < 40
