"""Give up on a PostgreSQL that is connected but silent: frozen, swapping, or behind a dead network.

PostgreSQL's own `statement_timeout` needs a server that works, and libpq would wait without end.
"""

import select
import time

import psycopg2
from psycopg2 import extensions

CONNECT_TIMEOUT_S = 2.0


class Connection(extensions.connection):
    """A connection whose statements wait for at most `answer_timeout_s`, or without end where it is None."""

    answer_timeout_s: float | None = None


def install() -> None:
    """Make every psycopg2 connection of this process wait by `wait`, whose limits `Connection` sets."""
    extensions.set_wait_callback(wait)


def wait(connection: extensions.connection) -> None:
    """Return when libpq has finished what it is doing for `connection`.

    See https://www.psycopg.org/docs/advanced.html#support-for-coroutine-libraries. After an error here
    psycopg2 closes the connection, and a pool replaces it.

    Raises:
        psycopg2.OperationalError: It took too long.
    """
    connecting = connection.status == extensions.STATUS_SETUP
    limit_s = CONNECT_TIMEOUT_S if connecting else getattr(connection, "answer_timeout_s", None)
    deadline = None if limit_s is None else time.monotonic() + limit_s
    poll = select.poll()
    while (state := connection.poll()) != extensions.POLL_OK:
        left_s = None if deadline is None else deadline - time.monotonic()
        if left_s is not None and left_s <= 0:
            doing = "accept a connection" if connecting else "answer"
            raise psycopg2.OperationalError(f"PostgreSQL did not {doing} within {limit_s:g} s")
        # The socket may change from one attempted address to the next.
        descriptor = connection.fileno()
        poll.register(descriptor, select.POLLIN if state == extensions.POLL_READ else select.POLLOUT)
        poll.poll(None if left_s is None else left_s * 1000)
        poll.unregister(descriptor)
