"""A table as a fragment of HTML that stands alone in any page: no script, no request, readable in the dark and on a phone."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from hdbench.tables.cells import Cell, grid
from hdbench.tables.rows import BEST, TIED, Table

STYLE = """<style>
.hdbench-table{--ink:#1c2330;--dim:#68707d;--line:#d9dde3;--tint:#f4f6f8;--best:#0a6b4b;margin:1.5rem 0;color:var(--ink);\
font:15px/1.45 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
.hdbench-table .scroll{overflow-x:auto}
.hdbench-table table{border-collapse:collapse;min-width:100%;font-variant-numeric:tabular-nums}
.hdbench-table caption{text-align:left;font-weight:650;font-size:1.1em;padding:0 0 .6rem}
.hdbench-table th,.hdbench-table td{padding:.32rem .55rem;text-align:right;white-space:nowrap}
.hdbench-table thead th{white-space:normal;vertical-align:bottom}
.hdbench-table th:first-child,.hdbench-table .source{text-align:left}
.hdbench-table thead th{border-top:2px solid var(--ink);border-bottom:1px solid var(--ink);font-weight:600}
.hdbench-table tbody:last-of-type tr:last-child>*{border-bottom:2px solid var(--ink)}
.hdbench-table tbody th{font-weight:400}
.hdbench-table .section th{background:var(--tint);text-align:left;font-style:italic;border-top:1px solid var(--line)}
.hdbench-table .best{font-weight:700;color:var(--best)}
.hdbench-table .width,.hdbench-table .details,.hdbench-table .empty,.hdbench-table .source{color:var(--dim);font-weight:400}
.hdbench-table .not-run{color:var(--dim)}
.hdbench-table figcaption{color:var(--dim);font-size:.85em;margin-top:.7rem;max-width:60rem}
.hdbench-table figcaption p{margin:.2rem 0}
@media (prefers-color-scheme:dark){.hdbench-table{--ink:#e6e9ee;--dim:#9aa3b0;--line:#343b46;--tint:#1f252e;--best:#5fd3a5}}
@media print{.hdbench-table .scroll{overflow:visible}.hdbench-table{font-size:10px}}
</style>
"""


def to_html(table: Table, style: bool = True) -> str:
    """A ``figure`` with the table and what is said under it; ``style`` before it, once per page, or a page's own.

    Classes: ``hdbench-table``, ``section``, ``best``, ``tied``, ``width`` (of an interval), ``details``, ``empty``, ``source``,
    ``not-run``.
    """
    words = grid(table)
    head = "".join(f'<th scope="col" class="{cell.kind}">{escape(cell.text)}</th>' for cell in words.headings)
    body = "".join(_section(heading, lines, len(words.headings)) for heading, lines in words.sections)
    said = "".join(f"<p>{escape(line)}</p>\n" for line in [*words.notes, *words.footer])
    return (
        f'{STYLE if style else ""}<figure class="hdbench-table">\n<div class="scroll"><table>\n<caption>{escape(table.title)}'
        f"</caption>\n<thead><tr>{head}</tr></thead>\n{body}</table></div>\n<figcaption>\n{said}</figcaption>\n</figure>\n"
    )


def _section(heading: str, lines: list[list[Cell]], width: int) -> str:
    title = f'<tr class="section"><th colspan="{width}" scope="rowgroup">{escape(heading)}</th></tr>\n'
    return f"<tbody>\n{title}{''.join(map(_line, lines))}</tbody>\n"


def _line(cells: list[Cell]) -> str:
    kind = ' class="not-run"' if cells[-1].text.startswith("not run") else ""
    return f"<tr{kind}>{''.join(_cell(cell) for cell in cells)}</tr>\n"


def _cell(cell: Cell) -> str:
    if cell.kind == "name":
        return f'<th scope="row">{escape(cell.text)}</th>'
    return f'<td class="{" ".join(_classes(cell))}">{_marked(cell)}</td>'


def _classes(cell: Cell) -> Iterator[str]:
    yield cell.kind
    if cell.mark:
        yield "best" if cell.mark == BEST else "tied"


def _marked(cell: Cell) -> str:
    """The half width of an interval apart, so that a page can print it smaller; the mark of a tie is a word to screen readers."""
    value, sign, width = cell.text.partition(" ±")
    apart = f' <span class="width">±{escape(width)}</span>' if sign else ""
    tie = f'<span title="not told apart from the best">{TIED}</span>' if cell.mark == TIED else ""
    return f"{escape(value)}{apart}{tie}"
