"""The words and digits of every cell, the same for all formats: how a value is rounded, marked, and said to be unknown."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from hdbench.tables.marks import marks
from hdbench.tables.rows import Column, Row, Table

NOT_KNOWN = "-"


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in a cell; ``mark`` is that of a value (the best of its column, or tied with it); ``kind`` is what it holds:
    a ``name``, a ``value``, the ``details`` of the value before, the share of ``empty`` samples, or the ``source``."""

    text: str
    mark: str = ""
    kind: str = "value"


@dataclass(frozen=True, slots=True)
class Grid:
    """A table as words: its headings, sections of lines of cells, and what is said under it (notes are numbered there)."""

    headings: list[Cell]
    sections: list[tuple[str, list[list[Cell]]]]
    notes: list[str]
    footer: list[str]


def grid(table: Table) -> Grid:
    """The words of a table. Notes are footnotes, so that lines stay short."""
    found = dict.fromkeys(row.note for _, rows in table.sections() for row in rows if row.note)
    remarks = {note: f"[{i}]" for i, note in enumerate(found, start=1)}
    sections = [(heading, list(_lines(rows, table.columns, remarks))) for heading, rows in table.sections()]
    return Grid(_headings(table), sections, [f"{mark} {note}" for note, mark in remarks.items()], table.footer())


def _headings(table: Table) -> list[Cell]:
    cells = [Cell("method", kind="name")]
    for column in table.columns:
        cells += [Cell(column.heading), *([Cell("/".join(column.details), kind="details")] if column.details else [])]
    return [*cells, Cell("empty", kind="empty"), Cell("source", kind="source")]


def _lines(rows: list[Row], columns: tuple[Column, ...], remarks: Mapping[str, str]) -> Iterator[list[Cell]]:
    """The cells of a section, row by row."""
    marked, digits = [marks(rows, column) for column in columns], [_digits(rows, column) for column in columns]
    for i, row in enumerate(rows):
        cells = [Cell(row.title, kind="name")]
        for k, column in enumerate(columns):
            cells.append(Cell(_value(row, column, digits[k]), marked[k].get(i, "")))
            cells += [Cell(_details(row, column), kind="details")] if column.details else []
        yield [*cells, Cell(_empties(row), kind="empty"), Cell(_source(row, remarks.get(row.note, "")), kind="source")]


def _number(value: float, digits: int) -> str:
    return "∞" if math.isinf(value) else NOT_KNOWN if math.isnan(value) else f"{value:.{digits}f}"


def _value(row: Row, column: Column, digits: int) -> str:
    """Such as ``69.3 ±4.1``."""
    if column.name not in row.values:
        return NOT_KNOWN
    value, half_width = row.values[column.name]
    width = f" ±{half_width:.{digits}f}" if math.isfinite(half_width) else ""
    return f"{_number(value, digits)}{width}"


def _digits(rows: list[Row], column: Column) -> int:
    """Decimals of a section's column: as many as the paper prints, or ours by the unit."""
    printed = [f"{r.values[column.name][0]:g}".partition(".")[2] for r in rows if column.name in r.values]
    ours = 1 if column.unit == "%" else 2
    return max(map(len, printed), default=0) if all(r.origin == "paper" for r in rows) else ours


def _details(row: Row, column: Column) -> str:
    """The metric's further values, such as ``72/66``."""
    known = [row.values[name][0] for name in column.details if name in row.values]
    return "/".join(_number(v, 0) for v in known)


def _empties(row: Row) -> str:
    return "" if row.empties is None else f"{100 * row.empties:.{0 if row.empties in (0, 1) else 1}f} %"


def _source(row: Row, remark: str) -> str:
    """Whose numbers these are and how many shapes stand behind them, such as ``ours 3x60 [1]``."""
    counted = f"{row.draws}x{row.count}" if row.draws and row.count else ""
    return " ".join(part for part in (row.origin, counted, remark) if part)
