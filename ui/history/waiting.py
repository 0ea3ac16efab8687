"""What visitors did on a page that has ended, and the database has not heard of."""

from db.records import Deletion, Feedback, Prediction, Superseded
from db.spool import Spool
from ui.recent import Recent


def recall(spool: Spool, recent: Recent) -> None:
    """Put into memory what an earlier page left in the spool: it can be seen and corrected meanwhile."""
    for record in spool.records():
        match record:
            case Prediction():
                recent.add(record)
            case Feedback():
                recent.judge(record)
            case Deletion():
                recent.delete(record)
            case Superseded():
                recent.supersede(record)
