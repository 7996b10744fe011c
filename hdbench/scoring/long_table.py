"""A table turned on its side: a line per metric and a column per method, for more metrics than fit beside each other."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from hdbench.tables.table import BEST, NOT_KNOWN, Column, Row, Table, marks

if TYPE_CHECKING:
    from rich.console import Group

WIDE = 6  # values that fit beside each other
MOST_DIGITS = 6
NO_WIDTH = 1e-3  # an interval that is narrower than this share of the largest value asks for no digits of its own

Line = list[str]  # a label, and a cell for each row of the table; a cell ends in its mark or in a space


def to_long_plain(table: Table) -> str:
    """Aligned text, never wrapped."""
    lines = _padded(_lines(table))
    rule = "-" * len(lines[0])
    out = [table.title, "", lines[0], rule, *lines[1:], rule, *_footer(table)]
    return "\n".join(line.rstrip() for line in out) + "\n"


def to_long_rich(table: Table) -> Group:
    """A renderable for a rich console, the best values in bold."""
    from rich.console import Group
    from rich.text import Text

    lines = _lines(table)
    widths = _widths(lines)
    shown = [
        Text(" ").join(Text(cell, style="bold" if cell.rstrip().endswith(BEST) else "") for cell in _pad(line, widths))
        for line in lines
    ]
    rule = Text("─" * (sum(widths) + len(widths) - 1), style="dim", overflow="crop", no_wrap=True)
    foot = [Text(line, style="dim") for line in _footer(table)]
    return Group(Text(table.title, style="bold"), Text(), shown[0], rule, *shown[1:], rule, *foot)


def to_long_markdown(table: Table) -> str:
    """A GitHub table, the best of a line in bold."""
    head, *lines = _lines(table)
    body = [_markdown([line[0], *(_emphasised(cell) for cell in line[1:])]) for line in lines]
    rule = _markdown([":---", *("---:" for _ in head[1:])])
    foot = [f"{line.replace('*', chr(92) + '*')}  " for line in _footer(table)]
    return "\n".join([f"**{table.title}**", "", _markdown(head), rule, *body, "", *foot]) + "\n"


def _footer(table: Table) -> list[str]:
    notes = [f"{row.title}: {row.note}" for row in table.rows if row.note]
    return [*notes, *table.footer()]


def _lines(table: Table) -> list[Line]:
    """Head, metrics with their details, and what stands behind the numbers."""
    rows = [row for _, part in table.sections() for row in part]
    lines = [["metric", *(f"{row.title} " for row in rows)]]
    for column in table.columns:
        lines += _metric(table, rows, column)
    empties = ["empty samples", *(NOT_KNOWN + " " if row.empties is None else f"{100 * row.empties:.1f} % " for row in rows)]
    counts = ["draws x shapes", *(f"{row.draws} x {row.count} " if row.draws and row.count else f"{row.origin} " for row in rows)]
    return [*lines, empties, counts]


def _metric(table: Table, rows: Sequence[Row], column: Column) -> list[Line]:
    marked: dict[int, str] = {}
    for _, part in table.sections():
        marked |= {id(part[index]): mark for index, mark in marks(part, column).items()}
    names = [column.name, *column.details]
    cells = {name: _cells(rows, name) for name in names}
    first = [f"{cell}{marked.get(id(row), ' ')}" for cell, row in zip(cells[column.name], rows)]
    return [[column.heading, *first], *([f"  {name}", *(f"{cell} " for cell in cells[name])] for name in column.details)]


def _cells(rows: Sequence[Row], name: str) -> Line:
    """Values of one column; all with the digits that the narrowest interval deserves."""
    known = [row.values.get(name, (math.nan, math.nan)) for row in rows]
    digits = _digits(known)
    return [_cell(value, width, digits) for value, width in known]


def _digits(known: Iterable[tuple[float, float]]) -> int:
    """Decimals: two significant digits of the narrowest interval, or three of the largest value when there are no intervals."""
    pairs = list(known)
    sizes = [abs(value) for value, _ in pairs if math.isfinite(value) and value]
    widths = [width for _, width in pairs if math.isfinite(width) and width > NO_WIDTH * max(sizes, default=0.0)]
    if not widths and not sizes:
        return 1
    wanted = 1 - math.floor(math.log10(min(widths))) if widths else max(1, 2 - math.floor(math.log10(max(sizes))))
    return min(max(wanted, 0), MOST_DIGITS)


def _cell(value: float, width: float, digits: int) -> str:
    if math.isnan(value):
        return NOT_KNOWN
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    return f"{value:.{digits}f}" + (f" ±{width:.{digits}f}" if math.isfinite(width) else "")


# --------------------------------------------------------------------------------------------------------------- layout


def _widths(lines: Sequence[Line]) -> list[int]:
    return [max(len(line[place]) for line in lines) for place in range(len(lines[0]))]


def _pad(line: Line, widths: Sequence[int]) -> Line:
    return [line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:]))]


def _padded(lines: Sequence[Line]) -> list[str]:
    widths = _widths(lines)
    return [" ".join(_pad(line, widths)) for line in lines]


def _markdown(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell.strip().replace('|', '/') for cell in cells)} |"


def _emphasised(cell: str) -> str:
    return f"**{cell.removesuffix(BEST).strip()}**" if cell.endswith(BEST) else cell.replace("*", "\\*")
