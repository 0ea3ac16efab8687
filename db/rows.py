"""What queries of predictions share: which rows count, what people said of them, and a row of the history."""

from dataclasses import fields
from datetime import UTC
from typing import Any

from sqlalchemy import Row, Select, case, func, select

from db.records import HistoryRow, Summary
from db.schema import predictions

# An answer that a later one to the same drawing has not replaced.
counts = predictions.c.is_superseded.is_(False)
# The same as HistoryRow's is_judged and is_right, but NULL of what nobody judged. The former is worded like
# the condition of an index.
is_judged = predictions.c.said != "taken_back"
is_open = func.coalesce(predictions.c.said, "taken_back") == "taken_back"
is_right = case(
    (predictions.c.said == "not_a_digit", predictions.c.is_digit.is_(False)),
    else_=predictions.c.true_label == predictions.c.predicted_label,
)
newest_first = (predictions.c.created_at.desc(), predictions.c.id.desc())


def history_rows() -> Select[Any]:
    """Return the query for rows, without the drawings: a list of them may be hundreds of MB."""
    columns = [predictions.c[field.name] for field in fields(Summary)]
    return select(*columns, predictions.c.said, predictions.c.true_label, predictions.c.is_replaced)


def history_row(row: Row) -> HistoryRow:
    """Return one row of that query."""
    values = dict(row._mapping)
    said, true_label, is_replaced = (values.pop(name) for name in ("said", "true_label", "is_replaced"))
    values["created_at"] = values["created_at"].astimezone(UTC)
    if values["thumbnail"] is not None:
        values["thumbnail"] = bytes(values["thumbnail"])
    if values["label_set"] is not None:
        values["label_set"] = tuple(values["label_set"])
    return HistoryRow(Summary(**values), true_label, said == "not_a_digit", is_replaced)
