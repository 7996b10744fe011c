"""Rows -> a table: for the terminal (rich), and as plain text, markdown, CSV and JSON.

The paper's rows stand beside ours in sections of their own, named after their data, since other shapes make other numbers.
Rows of our own must be of one protocol, whose hash and sentence are printed under the table. ``*`` marks the best value of a
column in its section and ``≈`` the values that are not told apart from it: their paired difference may be zero.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from hdbench.errors import HdbenchError
from hdbench.protocol import Protocol
from hdbench.scoring.intervals import Estimate, told_apart

if TYPE_CHECKING:
    from rich.console import Group
    from rich.text import Text

ARROWS = {"lower": "↓", "higher": "↑", "target": "→"}
BEST, TIED = "*", "≈"
LEGEND = f"{BEST} best of its section; {TIED} not told apart from the best; ± is 95 %; DxN: D draws of N shapes"
NOT_KNOWN = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """How a metric's column is read; ``details`` are the metric's further values, which are printed beside it."""

    name: str
    metric: str = ""
    unit: str = ""
    direction: Literal["lower", "higher", "target"] = "lower"
    target: float | None = None
    definition: str = ""
    details: tuple[str, ...] = ()

    @property
    def heading(self) -> str:
        """Such as ``MMD ↓ x100`` or ``1-NNA → 50 %``."""
        goal = f" {self.target:g}" if self.target is not None else ""
        return f"{self.name} {ARROWS[self.direction]}{goal} {self.unit}".rstrip()

    def badness(self, value: float) -> float:
        """A number that is the smaller, the better the value."""
        if self.direction == "target":
            return abs(value - (self.target or 0.0))
        return -value if self.direction == "higher" else value

    def reads_as_well(self, a: Row, b: Row) -> bool:
        """Whether the numbers do not tell two rows apart: zero lies in the interval of their paired difference. Rows that were
        not scored on one reference overlap within their own intervals; a value without an interval ties with nothing."""
        if self.name in a.estimates and self.name in b.estimates:
            return not told_apart(a.estimates[self.name], b.estimates[self.name], self.target)
        (x, x_width), (y, y_width) = a.values[self.name], b.values[self.name]
        return abs(self.badness(x) - self.badness(y)) <= x_width + y_width


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One method's numbers on one category. ``values``: column -> (value, half width of the 95 % interval, nan if unknown).

    ``empties`` is the share of samples without a surface, ``count`` the shapes per draw, ``draws`` how many draws the values are
    means of; ``note`` says how it was made. A row that was not run has no values. The paper's rows have no protocol hash.
    ``p_value``: of the test that its shapes and the reference's are alike. ``estimates`` are those of the values, where rows were
    scored on one reference and can be compared part by part.
    """

    title: str
    protocol_hash: str = ""
    category: str = ""
    values: Mapping[str, tuple[float, float]]
    estimates: Mapping[str, Estimate] = field(default_factory=dict, repr=False)
    empties: float | None = None
    count: int | None = None
    draws: int | None = None
    p_value: float | None = None
    origin: Literal["ours", "paper", "not run"] = "ours"
    note: str = ""
    section: str = "methods"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows under columns, all of ours made by ``protocol``. Raises HdbenchError if one was not."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    protocol: Protocol
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        other = [r for r in self.rows if r.origin == "ours" and r.protocol_hash != self.protocol.hash]
        if other:
            raise HdbenchError(
                f"The row '{other[0].title}' was made by protocol {other[0].protocol_hash or '(none)'}, the table is of protocol "
                f"{self.protocol.hash} ({self.protocol.name}). Their numbers do not compare: print a table for each."
            )

    def sections(self) -> Iterator[tuple[str, list[Row]]]:
        """(heading, rows) in the order of first appearance; ours before the paper's."""
        ordered = sorted(self.rows, key=lambda r: r.origin == "paper")
        headings = dict.fromkeys(_heading(r) for r in ordered)
        for heading in headings:
            yield heading, [r for r in ordered if _heading(r) == heading]

    def footer(self) -> list[str]:
        """What a reader must know to use the numbers."""
        lines = [f"protocol {self.protocol.hash} ({self.protocol.name}): {self.protocol.sentence()}", LEGEND]
        if any(r.origin == "paper" for r in self.rows):
            lines.append("The paper's rows are of other shapes and another protocol: read them beside ours, not against ours.")
        return [*lines, *self._p_values(), *self.notes]

    def _p_values(self) -> list[str]:
        """The test of every row, in one line."""
        known = [f"{row.title} {row.p_value:.2g}" for row in self.rows if row.p_value is not None and math.isfinite(row.p_value)]
        said = "Permutation p-values of 'generated and reference shapes are alike' (nearest neighbours)"
        return [f"{said}: {', '.join(known)}."] if known else []


def _heading(row: Row) -> str:
    data = f"{row.category}, {'paper' if row.origin == 'paper' else 'ours'}" if row.category else row.origin
    return data if row.section == "methods" else f"{data}: {row.section} rows"


# --------------------------------------------------------------------------------------------------------------- cells


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
    return row.section == "methods" and column.name in row.values and math.isfinite(row.values[column.name][0])


def _number(value: float, digits: int) -> str:
    return "∞" if math.isinf(value) else NOT_KNOWN if math.isnan(value) else f"{value:.{digits}f}"


def _value(row: Row, column: Column, digits: int, mark: str = "") -> str:
    """Such as ``69.3 ±4.1*``."""
    if column.name not in row.values:
        return NOT_KNOWN
    value, half_width = row.values[column.name]
    width = f" ±{half_width:.{digits}f}" if math.isfinite(half_width) else ""
    return f"{_number(value, digits)}{width}{mark or ' '}"


def _digits(rows: list[Row], column: Column) -> int:
    """Decimals of a section's column: as many as the paper prints, or ours by the unit."""
    printed = [f"{r.values[column.name][0]:g}".partition(".")[2] for r in rows if column.name in r.values]
    ours = 1 if column.unit == "%" else 2
    return max(map(len, printed), default=0) if all(r.origin == "paper" for r in rows) else ours


def _details(row: Row, column: Column) -> str:
    """The metric's further values, such as ``72/66``."""
    known = [row.values[name][0] for name in column.details if name in row.values]
    return "/".join(_number(v, 0) for v in known) + " " if known else ""


def _empties(row: Row) -> str:
    return "" if row.empties is None else f"{100 * row.empties:.{0 if row.empties in (0, 1) else 1}f} % "


def _source(row: Row, remark: str) -> str:
    """Whose numbers these are and how many shapes stand behind them, such as ``ours 3x60 [1]``."""
    counted = f"{row.draws}x{row.count}" if row.draws and row.count else ""
    return " ".join(part for part in (row.origin, counted, remark) if part)


def _header(table: Table) -> list[str]:
    cells = ["method "]
    for column in table.columns:
        cells += [f"{column.heading} ", *([f"{'/'.join(column.details)} "] if column.details else [])]
    return [*cells, "empty ", "source"]


def _cells(rows: list[Row], columns: tuple[Column, ...], remarks: Mapping[str, str]) -> list[list[str]]:
    """The text of every cell of a section; a value ends in its mark or in a space, so digits stand in line."""
    lines = [[f"  {row.title} "] for row in rows]
    for column in columns:
        marked, digits = marks(rows, column), _digits(rows, column)
        for i, row in enumerate(rows):
            lines[i].append(_value(row, column, digits, marked.get(i, "")))
            lines[i] += [_details(row, column)] if column.details else []
    return [[*line, _empties(row), _source(row, remarks.get(row.note, ""))] for line, row in zip(lines, rows)]


def _grid(table: Table) -> tuple[list[str], list[tuple[str, list[list[str]]]], list[str]]:
    """Header and sections of cells, padded to columns, and the footer; notes are footnotes, so that lines stay short."""
    notes = dict.fromkeys(row.note for _, rows in table.sections() for row in rows if row.note)
    remarks = {note: f"[{i}]" for i, note in enumerate(notes, start=1)}
    header = _header(table)
    sections = [(heading, _cells(rows, table.columns, remarks)) for heading, rows in table.sections()]
    lines = [header, *(line for _, section in sections for line in section)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    padded = [(heading, [_padded(line, widths) for line in section]) for heading, section in sections]
    return _padded(header, widths), padded, [*(f"{mark} {note}" for note, mark in remarks.items()), *table.footer()]


def _padded(cells: list[str], widths: list[int]) -> list[str]:
    left = {0, len(cells) - 1}
    return [cell.ljust(width) if i in left else cell.rjust(width) for i, (cell, width) in enumerate(zip(cells, widths))]


# -------------------------------------------------------------------------------------------------------------- formats


def to_rich(table: Table) -> Group:
    """A renderable for a rich console: sections under their headings, the best in bold, rows that were not run dimmed."""
    from rich.console import Group
    from rich.text import Text

    header, sections, footer = _grid(table)
    rule = Text("─" * len(" ".join(header)), style="dim", overflow="crop", no_wrap=True)
    parts = [Text(table.title, style="bold"), Text(), Text(" ".join(header)), rule]
    for heading, lines in sections:
        parts += [Text(heading, style="italic cyan"), *map(_rich_line, lines)]
    return Group(*parts, rule, *(Text(line, style="dim") for line in footer))


def _rich_line(cells: list[str]) -> Text:
    from rich.text import Text

    line = Text(" ").join(Text(cell, style="bold" if cell.endswith(BEST) else "") for cell in cells)
    line.stylize("dim" if cells[-1].startswith("not run") else "")
    return line


def to_plain(table: Table) -> str:
    """Aligned text, for logs and files; never wrapped."""
    header, sections, footer = _grid(table)
    rule = "-" * len(" ".join(header))
    out = [table.title, "", " ".join(header), rule]
    for heading, lines in sections:
        out += [heading, *map(" ".join, lines)]
    return "\n".join(line.rstrip() for line in [*out, rule, *footer]) + "\n"


def to_markdown(table: Table) -> str:
    """A GitHub table; the best of a column in bold, the data in a column of its own."""
    header, sections, footer = _grid(table)
    rule = [":---", ":---", *("---:" for _ in header[2:]), ":---"]
    out = [f"**{table.title}**", "", _markdown_line(["data", *header]), _markdown_line(rule)]
    for heading, lines in sections:
        out += [_markdown_line([heading, *map(_emphasised, line)]) for line in lines]
    return "\n".join([*out, "", *(f"{_escaped(line)}  " for line in footer)]) + "\n"


def _markdown_line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell.strip().replace('|', '/') for cell in cells)} |"


def _escaped(text: str) -> str:
    return text.replace("*", "\\*")


def _emphasised(cell: str) -> str:
    return f"**{cell.removesuffix(BEST).strip()}**" if cell.endswith(BEST) else _escaped(cell)


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


FORMATS = {"plain": to_plain, "markdown": to_markdown, "csv": to_csv, "json": to_json}
