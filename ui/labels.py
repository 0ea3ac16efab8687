"""The labels of a model with hundreds of them, of which an answer has the likeliest alone."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from client.answers import Answer
from client.management import path_of
from db.records import HistoryRow, Summary
from ui.models.listing import Models


def labels_told(answer: Answer, known: Sequence[str]) -> tuple[str, ...]:
    """Return the labels that are known of a model after an answer, and before it."""
    return tuple(dict.fromkeys([*([] if answer.has_all else known), *answer.probabilities]))


def has_label(models: Models, prediction: Summary, label: object) -> bool:
    """Tell whether the model that answered has a label; what is not known of it is looked for."""
    if label in labels_of(models, prediction):
        return True
    models.find(path_of(prediction.model_name, prediction.model_version))
    return label in labels_of(models, prediction)


def labels_of(models: Models, prediction: Summary) -> tuple[str, ...]:
    """Return the labels of the model that answered, as far as they are known: the answer's own at least."""
    own = tuple(prediction.probabilities)
    known = models.known(path_of(prediction.model_name, prediction.model_version))
    labels = models.labels(known) if known else ()
    return labels if set(own) < set(labels) else own


def with_all_labels(models: Models, row: HistoryRow) -> HistoryRow:
    """Return a row with 0 for each label that its answer left out."""
    named = all_named(row.prediction.probabilities, labels_of(models, row.prediction))
    return replace(row, prediction=replace(row.prediction, probabilities=named))


def all_named(probabilities: Mapping[str, float], labels: Collection[str]) -> dict[str, float]:
    """Return probabilities of all labels in the model's order, where an answer left some out: 0 for these."""
    if not set(probabilities) < set(labels):
        return dict(probabilities)
    return {label: probabilities.get(label, 0.0) for label in labels}
