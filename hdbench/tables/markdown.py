"""A table as GitHub renders it."""

from __future__ import annotations

from collections.abc import Iterable

from hdbench.tables.cells import Cell, grid
from hdbench.tables.rows import BEST, Table


def to_markdown(table: Table) -> str:
    """A GitHub table; the best of a column in bold, the data in a column of its own."""
    words = grid(table)
    rule = [":---", ":---", *("---:" for _ in words.headings[2:]), ":---"]
    out = [f"**{table.title}**", "", line_of(["data", *(cell.text for cell in words.headings)]), line_of(rule)]
    for heading, lines in words.sections:
        out += [line_of([heading, *map(_emphasised, line)]) for line in lines]
    return "\n".join([*out, "", *(f"{escaped(line)}  " for line in [*words.notes, *words.footer])]) + "\n"


def line_of(cells: Iterable[str]) -> str:
    """One line of a table; a bar inside a cell would end it."""
    return f"| {' | '.join(cell.strip().replace('|', '/') for cell in cells)} |"


def escaped(text: str) -> str:
    """Text that shows its asterisks."""
    return text.replace("*", "\\*")


def _emphasised(cell: Cell) -> str:
    return f"**{cell.text}**" if cell.mark == BEST else escaped(f"{cell.text}{cell.mark}")
