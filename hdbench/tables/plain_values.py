"""A table as data: records in full precision, as CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import asdict
from typing import Any

from hdbench.tables.rows import Row, Table


def to_records(table: Table) -> list[dict[str, Any]]:
    """One flat record per row, values in full precision: ``MMD``, ``MMD_half_width`` and so on."""
    names = [n for column in table.columns for n in (column.name, *column.details)]
    return [_record(row, names) for _, rows in table.sections() for row in rows]


def _record(row: Row, names: list[str]) -> dict[str, Any]:
    record: dict[str, Any] = {k: getattr(row, k) for k in ("title", "category", "section", "origin", "protocol_hash")}
    for name in names:
        value, half_width = row.values.get(name, (math.nan, math.nan))
        record |= {name: value, f"{name}_half_width": half_width}
    return record | {k: getattr(row, k) for k in ("empties", "count", "draws", "note")}


def to_csv(table: Table) -> str:
    """The records as CSV; unknown values are empty, infinite ones ``inf``."""
    records, text = to_records(table), io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(records[0]) if records else ["title"], lineterminator="\n")
    writer.writeheader()
    writer.writerows({k: "" if _unknown(v) else v for k, v in record.items()} for record in records)
    return text.getvalue()


def to_json(table: Table) -> str:
    """The records with title, columns and protocol; unknown values are null, infinite ones the string "inf"."""
    records = [{k: None if _unknown(v) else "inf" if v == math.inf else v for k, v in r.items()} for r in to_records(table)]
    content = {
        "title": table.title,
        "protocol": {"hash": table.protocol.hash, **asdict(table.protocol)},
        "columns": [asdict(column) for column in table.columns],
        "rows": records,
        "notes": table.footer(),
    }
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _unknown(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))
