"""The databases that are made beside one: their names, and whose sessions keep them from being exchanged."""

import threading
from contextlib import closing

import psycopg2
import pytest
from sqlalchemy import make_url

from db import beside, cluster, dump, embedded, engine, unprivileged
from tests.db.backing_up import (
    back_up,
    databases,
    execute,
    fill,
    migrated_database,
    one_line,
    run,
    server_url,
)

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]


@pytest.fixture
def watched(tmp_path):
    """The URL of a database, and one of the same for another role, whose sessions ours may not end."""
    folder = tmp_path / "postgres"
    embedded.start(folder).stop()
    identity = unprivileged.choose(folder, folder / "data", cluster.programs() / "postgres")
    cluster._single_user(folder / "data", identity, "CREATE ROLE watcher LOGIN PASSWORD 'w'")
    with embedded.start(folder) as server, migrated_database(server.url) as url:
        yield url, make_url(url).set(username="watcher", password="w")


def test_another_roles_session_is_named_and_nothing_is_changed(watched, folder):
    url, other = watched
    fill(url, 1)
    file = back_up(url, folder)
    name = make_url(url).database
    with closing(psycopg2.connect(other.render_as_string(False), application_name="exporter")):
        refused = one_line(run("db.restore", url, folder, str(file), "--yes"))
    assert (
        f"the database {name} is in use by watcher exporter, and sketchserve may not end their sessions"
        in refused
    )
    assert databases(url) == [name]
    assert run("db.restore", url, folder, str(file), "--yes").returncode == 0
    assert len(databases(url)) == 2


def test_a_database_is_dropped_once_a_session_ends_that_may_not_be_ended(watched):
    # As an autovacuum, which is the superuser's.
    url, other = watched
    session = psycopg2.connect(other.render_as_string(False))
    ends = threading.Timer(1, session.close)
    ends.start()
    with beside.server(make_url(url)) as server, server.connect() as connection:
        beside.drop(connection, make_url(url).database)
    ends.join()
    assert databases(url) == []


def test_a_name_that_postgresql_would_cut_is_refused(url):
    with (
        pytest.raises(beside.BesideError, match="has more than 63 bytes"),
        beside.new_database(engine.parse(url).set(database="d" * 60), "_restored"),
    ):
        pass


def test_a_name_with_signs_that_sql_reads_is_quoted(postgres_server):
    odd = make_url(postgres_server.url).set(database='odd " :name %s')
    with beside.new_database(odd, "_new") as new:
        assert beside.exists(new)
    assert not beside.exists(new)


def test_a_name_that_a_person_is_shown_is_quoted_as_sql_wants_it():
    assert beside.identifier('odd " :name') == '"odd "" :name"'


def test_a_database_of_the_scratch_ones_name_that_was_not_made_here_is_left_alone(url, folder):
    back_up(url, folder)
    own = f"{make_url(url).database}_backup_check"
    execute(server_url(url), f'CREATE DATABASE "{own}"')
    try:
        with pytest.raises(
            dump.BackupError, match=f"there is already a database {own}, which Sketchserve did not make"
        ):
            back_up(url, folder)
        assert own in databases(url)
    finally:
        execute(server_url(url), f'DROP DATABASE "{own}"')
