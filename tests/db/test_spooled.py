"""A record comes out of the spool as it went in, also where another version of the code put it in."""

import json
from dataclasses import replace
from datetime import UTC, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from db.records import Superseded
from db.spooled import _plain, _value, packed, unpacked

VALUES = some.recursive(
    some.none()
    | some.booleans()
    | some.integers()
    | some.floats(allow_nan=False)
    | some.text()
    | some.binary()
    | some.uuids()
    | some.datetimes(timezones=some.just(UTC) | some.just(timezone(timedelta(hours=5.5)))),
    lambda value: some.lists(value) | some.lists(value).map(tuple) | some.dictionaries(some.text(), value),
)


@given(VALUES)
@settings(deadline=None)
def test_every_value_comes_back_as_it_was(value: object) -> None:
    content = bytearray()
    text = json.dumps(_plain(value, content))
    back = _value(json.loads(text), bytes(content))
    assert (back, type(back)) == (value, type(value))


def test_records_come_back_as_they_were(prediction, correction) -> None:
    record = prediction(is_digit=False, label_set=("7", "1"), drawing=bytes(range(256)))
    superseded = Superseded(record.session_id, record.created_at, (record.id,))
    for one in (record, correction(record, "1\0\ud800", network=bytes(16)), superseded):
        assert unpacked(*packed(one)) == one


def test_a_record_of_an_earlier_version_has_defaults_for_what_it_lacks(prediction) -> None:
    record = prediction(is_digit=True, label_set=("7",))
    kind, text, content = packed(record)
    values = json.loads(text)
    del values["is_digit"], values["label_set"]
    assert unpacked(kind, json.dumps(values), content) == replace(record, is_digit=None, label_set=None)


def test_of_a_later_version_what_is_not_known_is_left_out(prediction) -> None:
    record = prediction()
    kind, text, content = packed(record)
    later = {**json.loads(text), "mood": ["bytes", 0, 3], "place": ["of a type that comes later", 1]}
    assert unpacked(kind, json.dumps(later), content) == record


@pytest.mark.parametrize(
    ("kind", "text", "reason"),
    [
        ("Wish", "{}", r"a record of the kind 'Wish', expected one of Prediction, Feedback, Deletion"),
        ("Feedback", "{", "a Feedback that cannot be read"),
        ("Feedback", "[]", "a Feedback that cannot be read"),
        ("Feedback", "{}", "missing 4 required positional arguments"),
        ("Feedback", '{"prediction_id": ["uuid", "7"]}', "badly formed hexadecimal UUID"),
        ("Feedback", '{"true_label": ["bytes", 0, 1]}', "bytes 0 to 1 of 0"),
        ("Feedback", '{"true_label": ["secret"]}', r"a value of the type \['secret'\]"),
    ],
)
def test_what_cannot_be_read_is_told(kind: str, text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        unpacked(kind, text, b"")


def test_what_no_record_can_hold_is_refused_by_name(prediction) -> None:
    with pytest.raises(TypeError, match="a value of the type object cannot be kept"):
        packed(prediction(latency_ms=object()))
