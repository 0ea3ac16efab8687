"""The database's password reaches PostgreSQL's programs, and nobody who lists what runs."""

import pytest
from sqlalchemy import make_url

from db import dump, engine, libpq
from tests.db.backing_up import dumps, replace_program, run

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]


def test_the_password_is_in_no_argument(url, folder, tmp_path, monkeypatch):
    seen = tmp_path / "seen"
    replace_program(monkeypatch, tmp_path / "programs", "pg_dump", f'echo "$@" > {seen}; exec "$REAL" "$@"')
    dump.make(engine.parse(url), folder, keep=7)
    password = make_url(url).password
    assert password
    assert "--dbname postgresql://sketchserve@127.0.0.1" in seen.read_text()
    assert password not in seen.read_text()
    in_query = make_url(url)._replace(password=None).update_query_dict({"password": password})
    assert password not in libpq.argument(in_query)
    assert libpq.environment(in_query)["PGPASSWORD"] == password


@pytest.mark.parametrize("how", ["PGPASSFILE", "PGPASSWORD"])
def test_a_url_without_a_password_leaves_it_to_libpq(url, folder, tmp_path, how):
    password = make_url(url).password or ""
    passfile = tmp_path / "passfile"
    passfile.write_text(f"*:*:*:*:{password}\n")
    passfile.chmod(0o600)
    given = {"PGPASSFILE": str(passfile)} if how == "PGPASSFILE" else {"PGPASSWORD": password}
    bare = make_url(url)._replace(password=None).render_as_string()
    done = run("db.backup", bare, folder, **given)
    assert done.returncode == 0, done.stderr
    restored = run("db.restore", bare, folder, dumps(folder)[0].name, **given)
    assert restored.returncode == 0, restored.stderr
    psql = run("db.client", bare, folder, "psql", "-c", "SELECT 1", **given)
    assert psql.returncode == 0, psql.stderr


def test_no_password_anywhere_is_one_line_with_what_to_do(url, folder):
    done = run("db.backup", make_url(url)._replace(password=None).render_as_string(), folder)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "no password supplied: set PGPASSFILE, or give DATABASE_URL a password" in done.stderr
