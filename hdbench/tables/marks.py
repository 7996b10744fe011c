"""Which value of a column is the best of its section, and which ones are not told apart from it."""

from __future__ import annotations

import math

from hdbench.tables.rows import BEST, TIED, Column, Row


def marks(rows: list[Row], column: Column) -> dict[int, str]:
    """Index of a row -> the mark of its value: the best, or not told apart from it. Reference rows do not compete."""
    known = {i: row for i, row in enumerate(rows) if _is_competitor(row, column)}
    if len(known) < 2:
        return {}
    badness = {i: column.badness(row.values[column.name][0]) for i, row in known.items()}
    winners = [known[i] for i in known if badness[i] == min(badness.values())]
    found = {i: BEST for i in known if badness[i] == min(badness.values())}
    tied = {i: TIED for i in known if i not in found and any(column.reads_as_well(known[i], winner) for winner in winners)}
    return found | tied


def _is_competitor(row: Row, column: Column) -> bool:
    return row.competes and column.name in row.values and math.isfinite(row.values[column.name][0])
