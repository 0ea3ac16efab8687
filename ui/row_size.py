"""What Python takes for what is kept of visitors."""

from db.records import HistoryRow

# Beside the thumbnail: for a session, for a row, and for each label's probability.
SESSION_BYTES = 1_024
ROW_BYTES = 2_048
PROBABILITY_BYTES = 128


def row_bytes(row: HistoryRow) -> int:
    """Return about how many bytes a row takes, with its thumbnail."""
    summary = row.prediction
    return ROW_BYTES + PROBABILITY_BYTES * len(summary.probabilities) + len(summary.thumbnail or b"")
