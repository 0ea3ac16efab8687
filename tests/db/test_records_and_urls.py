"""What is refused before a database is involved."""

import uuid
from datetime import datetime

import pytest

from db.engine import parse
from db.records import Feedback


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg2"])
def test_the_usual_spellings_of_a_postgresql_url_mean_the_same(scheme):
    url = parse(f"{scheme}://u:p%40ss@db:5433/log?sslmode=require")
    assert url.render_as_string(hide_password=False) == (
        "postgresql+psycopg2://u:p%40ss@db:5433/log?sslmode=require"
    )


@pytest.mark.parametrize(
    "url",
    ["", "digits", "mysql://u:secret@h/db", "postgresql://u:secret@h", "postgresql://u:secret@h:port/db"],
)
def test_other_urls_are_refused_with_key_and_expectation_but_without_password(url):
    with pytest.raises(ValueError, match=r"DATABASE_URL .*expected postgresql://user") as caught:
        parse(url)
    assert "secret" not in str(caught.value)


def test_a_time_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="has no time zone"):
        Feedback(uuid.uuid4(), "7", datetime(2026, 1, 1), "session")
