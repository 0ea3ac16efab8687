"""How a record is written into the spool: its fields as JSON, and beside them the bytes that are in it.

Nothing here names a field: one that a record of an earlier version lacks has its default, and one that only a
later version knows is left out. Not pickle, which runs what a file says.
"""

import json
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, get_args
from uuid import UUID

from db.records import Record

_KINDS: dict[str, type[Record]] = {kind.__name__: kind for kind in get_args(Record)}


@dataclass(frozen=True)
class Waiting:
    """A record that waits.

    Attributes:
        id: Its place in the order.
        size: What it counts against the spool's bytes.
        record: The record itself, or the reason why it cannot be read.
    """

    id: int
    size: int
    record: Record | str


def packed(record: Record) -> tuple[str, str, bytes]:
    """Return a record's kind, its fields as a JSON object, and all its bytes, one after the other.

    Raises:
        TypeError: A field holds something else than texts, numbers, bytes, UUIDs, times, or tuples, lists
            and dictionaries of them.
    """
    content = bytearray()
    values = {field.name: _plain(getattr(record, field.name), content) for field in fields(record)}
    return type(record).__name__, json.dumps(values), bytes(content)


def unpacked(kind: str, text: str, content: bytes) -> Record:
    """Return the record that was packed so, whichever version packed it.

    Raises:
        ValueError: It is damaged, of a kind that is not known here, or lacks a field that has no default.
    """
    if kind not in _KINDS:
        raise ValueError(f"a record of the kind {kind!r}, expected one of {', '.join(_KINDS)}")
    known = {field.name for field in fields(_KINDS[kind])}
    try:
        values = {name: _value(plain, content) for name, plain in json.loads(text).items() if name in known}
        return _KINDS[kind](**values)
    except (ValueError, TypeError, AttributeError, LookupError) as error:
        raise ValueError(f"a {kind} that cannot be read: {error}") from error


def read(kind: str, text: str, content: bytes) -> Record | str:
    """Return the record that was packed so, or why it cannot be read."""
    try:
        return unpacked(kind, text, content)
    except ValueError as error:
        return str(error)


def _plain(value: object, content: bytearray) -> Any:
    """Return a value as JSON has it: what JSON lacks is an array that begins with its type's name."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case dict():
            return {key: _plain(one, content) for key, one in value.items()}
        case bytes():
            start = len(content)
            content += value
            return ["bytes", start, len(content)]
        case UUID():
            return ["uuid", value.hex]
        case datetime():
            return ["time", value.isoformat()]
        case tuple() | list():
            return [type(value).__name__, *(_plain(one, content) for one in value)]
    raise TypeError(f"a value of the type {type(value).__name__} cannot be kept: {value!r:.50}")


def _value(plain: Any, content: bytes) -> Any:
    """Return what `_plain` made this of."""
    match plain:
        case dict():
            return {key: _value(one, content) for key, one in plain.items()}
        case ["bytes", start, end]:
            if not 0 <= start <= end <= len(content):
                raise ValueError(f"bytes {start} to {end} of {len(content)}")
            return content[start:end]
        case ["uuid", text]:
            return UUID(text)
        case ["time", text]:
            return datetime.fromisoformat(text)
        case ["tuple", *rest]:
            return tuple(_value(one, content) for one in rest)
        case ["list", *rest]:
            return [_value(one, content) for one in rest]
        case list():
            raise ValueError(f"a value of the type {plain[:1]}")
    return plain
