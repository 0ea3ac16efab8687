"""What the view of analytics takes does not depend on how many drawings there are.

    pytest -s tests/db/test_analytics_time.py

prints it.
"""

import time
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from db import counting
from db import engine as database
from db.analytics import Analytics
from db.figures import Span

pytestmark = [pytest.mark.integration, pytest.mark.alone]

DAYS, FEW, MANY, TIMES = 90, 2_000, 20_000, 9
LONGEST_MS = 300
DRAWN = text("""
INSERT INTO predictions (id, created_at, session_id, source, model_name, model_version, preprocessing,
    predicted_label, confidence, probabilities, drawing, latency_ms, request_id, is_digit, label_set)
SELECT gen_random_uuid(), now() - interval '90 days' * ((g - 0.5) / :count), repeat('a', 32), 'sketchpad',
    'digits', :version, 'a1b2c3d4', (g % 10)::text, 0.9, '{"7": 1}', 'png', 1.1 ^ (g % 8), g::text,
    g % 50 > 0, ARRAY[(g % 10)::text]
FROM generate_series(1, :count) AS g
""")


def test_ten_times_as_many_drawings_take_no_longer(url):
    since = (datetime.now(UTC) - timedelta(days=DAYS)).date()
    span = Span(since, 1, since + timedelta(days=DAYS // 2), since)
    with database.opened(url) as engine:
        for version, count in (("few", FEW), ("many", MANY)):
            with engine.begin() as connection:
                connection.execute(DRAWN, {"version": version, "count": count})
        while counting.count(engine):
            pass
        took_ms = {"few": [], "many": []}
        for turn in range(TIMES):
            for version in ("few", "many") if turn % 2 else ("many", "few"):
                began = time.perf_counter()
                with Analytics(engine).reading() as reading:
                    found = reading.figures("digits", version, span)
                took_ms[version].append(1000 * (time.perf_counter() - began))
                assert found.whole.drawings == {"few": FEW, "many": MANY}[version]
    few_ms, many_ms = (min(took_ms[version]) for version in ("few", "many"))
    print(f"{DAYS} days of {FEW:,} drawings {few_ms:.0f} ms, of {MANY:,} {many_ms:.0f} ms")
    assert many_ms < min(2 * few_ms + 10, LONGEST_MS)
