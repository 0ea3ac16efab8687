"""The commands of docs/backup.md, run as they stand there."""

import os

import pytest

from db import embedded, migrate
from tests.db.backing_up import fill, finished
from tests.docs.documents import scripts

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]


def test_the_commands_of_the_page_about_backups_work(tmp_path):
    restore, measure = (
        *scripts("docs/backup.md", "Restore"),
        *scripts("docs/backup.md", "How long, how large"),
    )
    kept = {
        key: value for key, value in os.environ.items() if not key.startswith(("DATABASE_", "BACKUP_", "PG"))
    }
    with embedded.start(tmp_path / "postgres") as server:
        migrate.upgrade(server.url)
        fill(server.url, 5)
        for block in (restore, measure):
            command = ["bash", "-euo", "pipefail", "-c", block.replace(" var/", f" {tmp_path}/")]
            done = finished(command, {**kept, "VAR_DIR": str(tmp_path)})
            assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
    assert "INSERT 0 10000" in done.stdout
    assert "10,005 rows in 16 tables" in done.stdout
