"""The page's limits are in the documents as the code has them, each with its reason."""

import re

from db import drawings, engine, log, passwords, schema, sign_ins, spool
from reading import __main__ as reading_process
from reading import strokes
from system.fetching import fetcher
from tests.docs.documents import read
from ui import app, connection, limits, number, recent, slow_readers
from ui.analytics import once
from ui.fetching import route as fetching
from ui.history import export
from ui.many import route as many
from ui.models import changes, comparing
from ui.shell import views
from ui.sign_in import attempts, form, sessions

K, M = 1024, 1024**2
# How the first cell of a row begins, and the numbers of its second one.
LIMITS: dict[str, list[float]] = {
    "connections": [connection.MOST_CONNECTIONS],
    "time for the first line": [connection.HEAD_WITHIN_S],
    "their size": [connection.MOST_HEAD_BYTES / K],
    "what is in a chunked body": [connection.MOST_HEAD_BYTES / K],
    "requests that wait for the answer": [connection.MOST_PIPELINED],
    "time between two requests": [connection.IDLE_S],
    "time in which a browser reads": [connection.READ_WITHIN_S],
    "large answers": [slow_readers.MOST_BYTES / M, slow_readers.WITHIN_S],
    "routes": [],
    "posts from another site": [],
    "names (`Host`)": [],
    "time for a body": [limits.WITHIN_S],
    "a request's body": [limits.MOST_BYTES / M],
    "the body of [a number]": [limits.MOST_BYTES_OF_A_NUMBER / M],
    "any other body": [limits.MOST_BYTES_OF_A_FORM / K],
    "lists, objects": [limits.MOST_VALUES],
    "bodies of all requests": [limits.MOST_BYTES_HELD / M],
    "numbers that are read": [number.THREADS, number.MOST_WAITING, number.OF_ONE_CLIENT],
    "a number's picture": [reading_process.CPU_S, reading_process.MEMORY_BYTES / M],
    "a number's strokes": [strokes.MOST_STROKES, strokes.MOST_POINTS],
    "[pictures of lists]": [many.THREADS, many.MOST_WAITING, many.OF_ONE_CLIENT],
    "pictures that are fetched": [fetching.AT_ONCE, fetching.OF_ONE_CLIENT],
    "such a picture": [
        fetcher.MOST_BYTES / M,
        fetcher.WITHIN_S,
        fetcher.MOST_REDIRECTS,
        fetcher.MOST_CHARACTERS,
    ],
    "histories below the pad": [app.HISTORY_CONCURRENCY, app.HISTORY_WAITING],
    "visitors whose model": [app.LOADING_CONCURRENCY, app.LOADING_QUEUE],
    "requests for views": [views.THREADS, views.MODEL_THREADS, views.MOST_WAITING],
    "readings of [analytics]": [once.PLACES],
    "exports at once": [export._threads.total_tokens],
    "rows of an export": [export.MOST_ROWS, export.MOST_PICTURES],
    "drawings that a comparison": [comparing.MOST_DRAWINGS, comparing.AT_ONCE],
    "workers that": [changes.MOST_WORKERS],
    "time for PostgreSQL": [engine.STATEMENT_TIMEOUT_MS / 1000],
    "passwords that are checked": [form.PASSWORDS_AT_ONCE, form.PASSWORDS_WAITING],
    "a password": [passwords.LEAST, passwords.MOST],
    "wrong passwords from one": [attempts.OF_A_PLACE, attempts.WITHIN_S],
    "wrong passwords for one": [attempts.OF_A_NAME, attempts.WITHIN_A_DAY_S / 3600],
    "sign-ins that are remembered": [sessions.REMEMBERED],
    "a sign-in that": [sign_ins.UNUSED_DAYS, sign_ins.AT_MOST_DAYS],
    "time that a sign-in": [sessions.FRESH_S, sessions.OUTAGE_S],
    "a drawing that is kept": [schema.MAX_DRAWING_BYTES / M],
    "its thumbnail": [schema.MAX_THUMBNAIL_BYTES / K],
    "rows of the last visitors": [recent.MAX_ROW_BYTES / M, recent.MAX_DRAWING_BYTES / M],
    "deletions that are remembered": [recent.MAX_DELETIONS],
    "drawings that an accuracy": [log.ACCURACY_ROWS, drawings.MOST_COUNTED],
    "drawings whose labels": [drawings.KNOWN_ROWS],
    "earlier answers": [drawings.MOST_ANSWERS],
    "records that [wait": [spool.MAX_RECORDS, spool.MAX_BYTES / M],
    "records that were [set aside]": [spool.MAX_BYTES_ASIDE / M],
    "room that new records": [spool.RESERVE_BYTES / M],
}


def test_every_limit_of_the_page_is_documented_as_it_is_with_its_reason() -> None:
    section = read("docs/operating.md").partition("\n### Limits\n")[2]
    table = re.split(r"\n\|[-:| ]+\|\n", section, maxsplit=1)[1].partition("\n\n")[0]
    rows = [row.strip("| ").split(" | ") for row in table.splitlines()]
    found = {}
    for what, limit, why, beyond in rows:
        assert why, what
        assert beyond, what
        (name,) = [name for name in LIMITS if what.startswith(name)]
        found[name] = [
            float(said.replace(",", "")) for said in re.findall(r"\d+(?:,\d{3})*(?:\.\d+)?", limit)
        ]
    assert found == LIMITS
