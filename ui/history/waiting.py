"""What still waits for the database when the page starts belongs to its visitors' histories."""

from db.records import Feedback, HistoryRow, Prediction
from db.spool import Spool
from ui.recent import Recent


def recall(spool: Spool, recent: Recent) -> None:
    """Put into memory what an earlier page left in the spool: it can be seen and corrected meanwhile."""
    for record in spool.records():
        if isinstance(record, Prediction):
            recent.add(HistoryRow(record, true_label=None))
        elif isinstance(record, Feedback):
            recent.judge(record.session_id, record.prediction_id, record.true_label)
