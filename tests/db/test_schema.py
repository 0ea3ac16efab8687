"""The constraints live in SQL: the database refuses what must not be kept, whoever sends it."""

import pytest

from db.log import RecordRejected
from db.schema import MAX_DRAWING_BYTES, MAX_THUMBNAIL_BYTES

pytestmark = pytest.mark.integration

TEXTS = (
    "session_id",
    "source",
    "model_name",
    "model_version",
    "preprocessing",
    "predicted_label",
    "request_id",
)


@pytest.mark.parametrize(
    ("column", "value", "constraint"),
    [
        ("confidence", -0.001, "predictions_confidence_range_check"),
        ("confidence", 1.001, "predictions_confidence_range_check"),
        ("confidence", float("nan"), "predictions_confidence_range_check"),
        ("latency_ms", -1.0, "predictions_latency_ms_range_check"),
        ("latency_ms", float("nan"), "predictions_latency_ms_range_check"),
        ("latency_ms", float("inf"), "predictions_latency_ms_range_check"),
        ("probabilities", [0.1, 0.9], "predictions_probabilities_object_check"),
        ("probabilities", 0.5, "predictions_probabilities_object_check"),
        ("probabilities", None, "predictions_probabilities_object_check"),
        ("drawing", b"", "predictions_drawing_size_check"),
        ("drawing", b"x" * (MAX_DRAWING_BYTES + 1), "predictions_drawing_size_check"),
        ("thumbnail", b"", "predictions_thumbnail_size_check"),
        ("thumbnail", b"x" * (MAX_THUMBNAIL_BYTES + 1), "predictions_thumbnail_size_check"),
        ("label_set", (), "predictions_label_set_labels_check"),
        ("label_set", ("4", None), "predictions_label_set_labels_check"),
        ("pen_colour", "", "predictions_pen_colour_length_check"),
        ("background_colour", "x" * 51, "predictions_background_colour_length_check"),
        *[(column, "", f"predictions_{column}_length_check") for column in TEXTS],
        *[(column, "  ", f"predictions_{column}_length_check") for column in TEXTS],
        *[(column, "x" * 201, f"predictions_{column}_length_check") for column in TEXTS],
    ],
)
def test_a_prediction_out_of_bounds_is_refused(log, prediction, column, value, constraint):
    with pytest.raises(RecordRejected, match=constraint):
        log.write([prediction(**{column: value})])


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("confidence", 0.0),
        ("confidence", 1.0),
        ("latency_ms", 0.0),
        ("probabilities", {}),
        ("drawing", b"x"),
        ("thumbnail", b"x" * MAX_THUMBNAIL_BYTES),
        ("pen_colour", None),
        ("is_digit", True),
        ("is_digit", False),
        ("label_set", ("4",)),
        ("label_set", ("4", "9", 'a "label", {with} all\\ that an array is written with', "")),
        ("session_id", "é" * 200),
    ],
)
def test_a_prediction_at_the_bounds_is_taken(log, prediction, column, value):
    written = prediction(**{column: value})
    log.write([written])
    assert written.summary in [row.prediction for row in log.history(written.session_id)]


def test_the_largest_drawing_is_taken_whole(log, drawings, session_id, prediction):
    largest = prediction(drawing=bytes(range(256)) * (MAX_DRAWING_BYTES // 256))
    log.write([largest])
    assert drawings.drawing(largest.id, session_id) == largest.drawing


@pytest.mark.parametrize("label", ["", " ", "x" * 201])
def test_feedback_needs_a_label(log, prediction, correction, label):
    drawn = prediction()
    log.write([drawn])
    with pytest.raises(RecordRejected, match="feedback_true_label_length_check"):
        log.write([correction(drawn, label)])
