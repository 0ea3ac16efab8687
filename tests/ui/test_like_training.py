"""What the page says of a look at whether drawings look like those of training, and what Prometheus reads."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from sqlalchemy import Engine

from db import drifts
from db import engine as database
from db.drifts import Figure, Look
from ui.analytics import metric
from ui.analytics.like_training import like_training
from ui.analytics.metric import Drifts

TEN = [0.1] * 10
WIDTH = Figure(
    "stroke_width_px", 0.0001, True, 0.61, [1.0 + i / 10 for i in range(9)], None, TEN, [0.55, *[0.05] * 9],
    [1.1, 2.2, 3.4], [1.0, 1.3, 2.0],
)  # fmt: skip
INK = Figure(
    "ink_share", 0.02, True, 0.12, [0.1], None, [0.5, 0.5], [0.7, 0.3], [0.05, 0.1, 0.2], [0.04, 0.08, 0.2]
)
ASPECT = Figure(
    "aspect", 0.7, False, 0.31, [0.7], None, [0.5, 0.5], [0.2, 0.8], [0.4, 0.7, 1.1], [0.5, 0.9, 1.1]
)
LABELS = Figure("labels", 0.001, True, 0.04, None, ["1", "7"], [0.5, 0.5], [0.6, 0.4])
SIZES = Figure("set_sizes", 1.0, False, 0.0, None, ["1"], [1.0], [1.0])
SURE = Figure(
    "confidence", 1.0, False, 0.0, [1.0], None, [0.2, 0.8], [0.2, 0.8], [0.95, 1.0, 1.0], [0.95, 1.0, 1.0]
)


@pytest.fixture
def look() -> Look:
    """A look at a model of its own, at drawings of last week."""
    until = datetime.now(UTC) - timedelta(days=7)
    first = until - timedelta(days=1)
    return Look(f"m{uuid4().hex[:8]}", "1.0.0", first, until, 2000, [INK, WIDTH, ASPECT, SURE, LABELS, SIZES])


@pytest.fixture
def engine(postgres_url: str):
    """An engine on the session's migrated database."""
    with database.opened(postgres_url) as opened:
        yield opened


def test_a_figure_differs_where_it_is_more_than_chance_and_enough(look: Look) -> None:
    found = like_training(look)
    assert found is not None
    assert found.verdict == "Different: Width of strokes and 1 more"
    assert found.is_much
    words = {row.name: row.words for row in found.figures.rows}
    assert words == {
        "Ink": "0.12, some",
        "Width of strokes": "0.61, much",
        "Width / height": "0.31, may be chance",
        "Labels": "0.04, little",
        "Confidence": "0.00, may be chance",
        "Labels in a set": "0.00, may be chance",
    }
    assert found.sample.startswith("2,000 drawings from ")


def test_bars_end_at_twice_what_is_much_unless_one_is_longer(look: Look) -> None:
    def longest(figures: list[Figure]) -> float:
        found = like_training(replace(look, figures=figures))
        assert found is not None
        return max(bar[1] for row in found.figures.rows for bar in row.bars)

    assert longest([WIDTH, INK]) == 1
    assert longest([INK]) == pytest.approx(0.24)


def test_the_table_has_both_sides_of_each_figure(look: Look) -> None:
    found = like_training(look)
    assert found is not None
    assert found.figures.table.rows == (
        ("Ink", "10.0 % (5.0 % to 20.0 %)", "8.0 % (4.0 % to 20.0 %)", "0.120", "0.020"),
        ("Width of strokes", "2.2 px (1.1 px to 3.4 px)", "1.3 px (1.0 px to 2.0 px)", "0.610", "< 0.001"),
        ("Width / height", "0.70 (0.40 to 1.10)", "0.90 (0.50 to 1.10)", "0.310", "0.700"),
        ("Labels", "1: 50.0 %", "1: 60.0 %", "0.040", "0.001"),
        ("Confidence", "100.0 % (95.0 % to 100.0 %)", "100.0 % (95.0 % to 100.0 %)", "0.000", "1.000"),
        ("Labels in a set", "1: 100.0 %", "1: 100.0 %", "0.000", "1.000"),
    )


def test_what_differs_most_is_shown_in_bins(look: Look) -> None:
    found = like_training(look)
    assert found is not None
    assert found.most is not None
    assert found.most.title == "Width of strokes, drawn and in training"
    names = [row.name for row in found.most.rows]
    assert (names[0], names[1], names[-1]) == ("below 1.0 px", "1.0 px to 1.1 px", "1.8 px or more")
    assert found.most.rows[0].words == "55.0 %, in training 10.0 %"
    assert found.most.rows[0].bars == (("is-strong", 1.0), ("is-plain", pytest.approx(0.1 / 0.55)))
    many = replace(
        LABELS, stability=0.3, values=[str(i) for i in range(30)], training=[1 / 30] * 30, drawn=[1 / 30] * 30
    )
    of_many = like_training(replace(look, figures=[many]))
    assert of_many is not None
    assert of_many.most is not None
    assert len(of_many.most.rows) <= 12
    assert len(of_many.most.table.rows) == 30


def test_where_nothing_differs_that_is_said_and_no_bins_are_shown(look: Look) -> None:
    found = like_training(replace(look, figures=[ASPECT, LABELS, SURE]))
    assert found is not None
    assert (found.verdict, found.is_much, found.most) == ("Similar to training", False, None)


def test_a_figure_that_only_newer_code_knows_is_left_out(look: Look) -> None:
    found = like_training(replace(look, figures=[INK, replace(INK, name="colour")]))
    assert found is not None
    assert len(found.figures.rows) == 1


@pytest.mark.integration
def test_prometheus_reads_the_latest_look_at_each_version(engine: Engine, look: Look) -> None:
    drifts.add(engine, replace(look, figures=[INK]))
    drifts.add(engine, look)
    old = look.last_at - timedelta(days=60)
    drifts.add(engine, replace(look, model_version="0.9.0", first_at=old, last_at=old))
    lines = exported(Drifts(engine, lambda: False), look)
    of = f'sketchserve_drift_stability_index{{figure="%s",model="{look.model_name}",version="1.0.0"}}'
    assert lines[of % "stroke_width_px"] == 0.61
    assert lines[of % "aspect"] == 0, "what may be chance is no drift"
    assert len(lines) == 6


@pytest.mark.integration
def test_a_scrape_reads_no_oftener_than_once_a_minute_and_not_while_the_database_is_away(
    engine: Engine, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_away = [True]
    collector = Drifts(engine, lambda: is_away[0])
    drifts.add(engine, replace(look, figures=[INK]))
    assert exported(collector, look) == {}
    is_away[0] = False
    assert len(exported(collector, look)) == 1
    drifts.add(engine, look)
    assert len(exported(collector, look)) == 1
    monkeypatch.setattr(metric, "READ_EVERY_S", 0.0)
    assert len(exported(collector, look)) == 6


def test_a_database_that_cannot_be_reached_takes_nothing_from_the_other_metrics(look: Look) -> None:
    with database.opened("postgresql://nobody@127.0.0.1:1/none") as nowhere:
        assert exported(Drifts(nowhere, lambda: False), look) == {}


def exported(collector: Drifts, look: Look) -> dict[str, float]:
    """Return what is exported of this look's model, by name and labels."""
    registry = CollectorRegistry()
    registry.register(collector)
    pairs = (
        line.rsplit(" ", 1) for line in generate_latest(registry).decode().splitlines() if line[0] != "#"
    )
    return {name: float(value) for name, value in pairs if f'"{look.model_name}"' in name}
