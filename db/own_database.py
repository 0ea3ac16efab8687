"""The database of a command that somebody types."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine

from db import embedded, engine, libpq, migrate


@contextmanager
def opened() -> Iterator[Engine]:
    """Yield connections to the database of DATABASE_URL, or else to the embedded one; its schema is current.

    The embedded one is started for as long as this lasts where it does not run.

    Raises:
        EmbeddedError, MigrationError, ValueError: It cannot be reached; the message says why.
    """
    folder = embedded.data_dir(os.environ)
    if os.environ.get("DATABASE_URL") or embedded.running_url(folder):
        url = libpq.database_url()
        migrate.upgrade(url)
        with engine.opened(url) as found:
            yield found
        return
    with embedded.start(folder) as server:
        migrate.upgrade(server.url)
        with engine.opened(server.url) as found:
            yield found
