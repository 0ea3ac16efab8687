"""Judged drawings as the loop weighs them, made up."""

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from db.judged import Judged
from loop.choosing import is_gate_session

START = datetime(2026, 11, 1, tzinfo=UTC)
OF_TRAINING = [name for name in (f"visitor-{number}" for number in range(200)) if not is_gate_session(name)]
OF_THE_GATE = [name for name in (f"visitor-{number}" for number in range(200)) if is_gate_session(name)]


def picture(name: object) -> bytes:
    """Return the hash of a picture of this name."""
    return hashlib.sha256(str(name).encode()).digest()


def unsure(read_as: str, but: str, probability: float = 0.1) -> dict[str, float]:
    """Return probabilities that leave another label open."""
    return {**dict.fromkeys("0123456789", 0.0), read_as: 1 - probability, but: probability}


def sure(read_as: str) -> dict[str, float]:
    """Return probabilities that leave no other label open."""
    return {**dict.fromkeys("0123456789", 0.00005), read_as: 0.99955}


_count = 0


def judged(
    said_by: str | None, label: str | None, probabilities: Mapping[str, float], **values: Any
) -> Judged:
    """Return a drawing that its own session judged, of a picture of its own, later than those before it."""
    global _count
    _count += 1
    best = max(probabilities, key=lambda name: probabilities[name])
    usual: dict[str, Any] = {
        "id": uuid.UUID(int=_count),
        "created_at": START + timedelta(seconds=_count),
        "drawn_by": said_by or "somebody",
        "predicted_label": best,
        "confidence": probabilities[best],
        "is_digit": True,
        "picture": picture(_count),
    }
    return Judged(said_by=said_by, label=label, probabilities=probabilities, **{**usual, **values})


def reviewed(one: Judged, label: str | None, decision: str = "label") -> Judged:
    """Return the drawing with an operator's decision."""
    return replace(one, decision=decision, decided_label=label, decided_at=one.created_at)


def corrected(one: Judged, label: str | None, days: float = 0) -> Judged:
    """Return the drawing with what an operator said of it in the history, so many days after it was drawn."""
    return replace(one, operators_label=label, operator_said_at=one.created_at + timedelta(days=days))
