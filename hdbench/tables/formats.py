"""Every format of a table, by name."""

from __future__ import annotations

from collections.abc import Callable

from hdbench.tables.html import to_html
from hdbench.tables.latex import to_latex
from hdbench.tables.markdown import to_markdown
from hdbench.tables.plain_values import to_csv, to_json
from hdbench.tables.rows import Table
from hdbench.tables.text import to_plain

FORMATS: dict[str, Callable[[Table], str]] = {
    "plain": to_plain, "markdown": to_markdown, "latex": to_latex, "csv": to_csv, "html": to_html, "json": to_json,
}  # fmt: skip
