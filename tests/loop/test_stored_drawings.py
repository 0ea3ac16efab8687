"""Drawings that are asked again come from the database a few at a time, as many as there is room for."""

import os
import subprocess
import sys
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from db import candidates
from db.log import PredictionLog
from system.files import PROJECT
from tests.rollout.conftest import prediction

pytestmark = pytest.mark.integration

PICTURES, PICTURE_BYTES = 20, 4 * 1024**2
# What a process that has read them needed more than before, MiB.
PROGRAM = """
import re, sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from db import candidates, engine
from db.serving import ServingRows

def most_kib():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])

with engine.opened(sys.argv[1]) as database:
    ServingRows(database).find(sys.argv[2])
    before = most_kib()
    found = candidates.newest(database, sys.argv[2], 500, datetime.now(UTC) + timedelta(days=1))
    print(len(found), (most_kib() - before) // 1024)
"""


def draw(database: Engine, model_name: str, count: int, size: int) -> None:
    log, now = PredictionLog(database), datetime.now(UTC)
    for number in range(count):
        one = prediction(model_name, "1.0.0", uuid.uuid4().hex, now - timedelta(seconds=number), 1.0, "x")
        log.write([replace(one, drawing=os.urandom(size))])


def test_the_newest_drawings_take_little_more_room_than_they_have(
    database: Engine, model_name: str, postgres_url: str
) -> None:
    draw(database, model_name, PICTURES, PICTURE_BYTES)
    command = [sys.executable, "-c", PROGRAM, postgres_url, model_name]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    count, more_mib = map(int, done.stdout.split())
    assert count == PICTURES
    assert more_mib < 2 * PICTURES * PICTURE_BYTES / 1024**2


def test_no_more_are_read_than_there_is_room_for(
    database: Engine, model_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw(database, model_name, 5, 1000)
    later = datetime.now(UTC) + timedelta(days=1)
    assert len(candidates.newest(database, model_name, 500, later)) == 5
    monkeypatch.setattr(candidates, "MOST_BYTES", 3500)
    assert len(candidates.newest(database, model_name, 500, later)) == 3
