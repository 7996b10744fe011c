"""A table as aligned text: for files and logs, and for the terminal (rich)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hdbench.tables.cells import NOT_KNOWN, Cell, Grid, grid
from hdbench.tables.rows import BEST, Table

if TYPE_CHECKING:
    from rich.console import Group
    from rich.text import Text


def to_plain(table: Table) -> str:
    """Aligned text, for logs and files; never wrapped."""
    header, sections, footer = _padded(grid(table))
    rule = "-" * len(" ".join(header))
    out = [table.title, "", " ".join(header), rule]
    for heading, lines in sections:
        out += [heading, *map(" ".join, lines)]
    return "\n".join(line.rstrip() for line in [*out, rule, *footer]) + "\n"


def to_rich(table: Table) -> Group:
    """A renderable for a rich console: sections under their headings, the best in bold, rows that were not run dimmed."""
    from rich.console import Group
    from rich.text import Text

    header, sections, footer = _padded(grid(table))
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


def _padded(words: Grid) -> tuple[list[str], list[tuple[str, list[list[str]]]], list[str]]:
    """Header and sections of cells, padded to columns, and all lines of the footer."""
    header = [f"{cell.text}{'' if cell.kind == 'source' else ' '}" for cell in words.headings]
    sections = [(heading, [list(map(_text, line)) for line in lines]) for heading, lines in words.sections]
    lines = [header, *(line for _, section in sections for line in section)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    padded = [(heading, [_justified(line, widths) for line in section]) for heading, section in sections]
    return _justified(header, widths), padded, [*words.notes, *words.footer]


def _text(cell: Cell) -> str:
    """A value ends in its mark or in a space, so digits stand in line; the method is indented under its section."""
    if cell.kind == "name":
        return f"  {cell.text} "
    if cell.kind == "value":
        return f"{cell.text}{cell.mark or ('' if cell.text == NOT_KNOWN else ' ')}"
    return cell.text if cell.kind == "source" or not cell.text else f"{cell.text} "


def _justified(cells: list[str], widths: list[int]) -> list[str]:
    left = {0, len(cells) - 1}
    return [cell.ljust(width) if i in left else cell.rjust(width) for i, (cell, width) in enumerate(zip(cells, widths))]
