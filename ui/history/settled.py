"""What was said a moment ago is seen: a view waits until the writer has brought it to the database."""

import time

from db.writer import Writer

# A record is written within milliseconds; who waits longer sees the view without it.
WAIT_S = 1.0
LOOK_S = 0.005


def settle(writer: Writer) -> None:
    """Wait until the records that are there now are in the database, unless that is away."""
    end = time.monotonic() + WAIT_S
    target = writer.written + writer.rejected + writer.pending
    while (
        writer.pending
        and writer.written + writer.rejected < target
        and not writer.paused
        and time.monotonic() < end
    ):
        time.sleep(LOOK_S)
