"""The door of this room: what the other rooms use of tables.

``rows`` has the nouns, ``marks`` the best and the ties, ``cells`` the words, ``text``, ``markdown``, ``latex``, ``html`` and
``plain_values`` the formats; ``records`` and ``collect`` find rows in run folders, ``paper`` has the paper's.
"""

from __future__ import annotations

from hdbench.tables.cells import NOT_KNOWN
from hdbench.tables.formats import FORMATS
from hdbench.tables.html import to_html
from hdbench.tables.latex import to_latex
from hdbench.tables.markdown import to_markdown
from hdbench.tables.marks import marks
from hdbench.tables.plain_values import to_csv, to_json, to_records
from hdbench.tables.rows import ARROWS, BEST, LEGEND, TIED, Column, Row, Table
from hdbench.tables.text import to_plain, to_rich

__all__ = [
    "ARROWS", "BEST", "FORMATS", "LEGEND", "NOT_KNOWN", "TIED", "Column", "Row", "Table",
    "marks", "to_csv", "to_html", "to_json", "to_latex", "to_markdown", "to_plain", "to_records", "to_rich",
]  # fmt: skip
