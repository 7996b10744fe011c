"""Run folders -> the report: one HTML file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from markupsafe import Markup

from hdbench.errors import HdbenchError
from hdbench.registry import Registry
from hdbench.report.page import Page, RunSection, Shape, render
from hdbench.report.sections import section
from hdbench.store import write_atomically
from hdbench.tables.collect import of_one_run, paper_table
from hdbench.tables.html import STYLE, to_html
from hdbench.tables.records import Record, read_record


def write_report(folders: Sequence[Path], file: Path, registry: Registry, *, title: str, shown: int, turnable: bool) -> int:
    """Write the report of these run folders and return its size in bytes. ``shown`` shapes of each set, that can be turned if
    ``turnable``. HdbenchError for a folder that is no run."""
    records = [read_record(folder) for folder in folders]
    sections: list[RunSection] = []
    shapes: list[Shape] = []
    for record in records:
        table = to_html(of_one_run(record, registry.metrics("table")), style=False)
        made, own = section(record, table, up_of(registry, record), shown if turnable else 0)
        sections.append(made)
        shapes += own
    page = Page(
        title=title,
        subtitle=f"{len(records)} run{'s' if len(records) > 1 else ''}, written {datetime.now(UTC):%d %B %Y}",
        tables=[Markup(text) for text in (STYLE, *paper_tables(records, registry))],  # noqa: S704 (of hdbench.tables, which escapes)
        runs=sections,
        shapes=shapes,
        turnable=turnable,
    )
    data = render(page).encode()
    write_atomically(file, data)
    return len(data)


def paper_tables(records: Sequence[Record], registry: Registry) -> Iterator[str]:
    """Those of the paper's four tables that these runs have rows for."""
    for number in (1, 2, 3, 4):
        if any(_fits(record, number) for record in records):
            try:
                yield to_html(paper_table(number, [r.folder for r in records], Path(), registry), style=False)
            except HdbenchError as error:  # runs of several protocols: said where the table would stand
                yield Markup("<p>Table {}: {}</p>").format(number, str(error))


def _fits(record: Record, number: int) -> bool:
    if number in (1, 2):
        return record.kind == "run" and (record.data.frames > 1) == (number == 2)
    return record.kind == "ablation"


def up_of(registry: Registry, record: Record) -> str:
    """The upward axis of a run's shapes; z where their source is not installed."""
    if ("shapes", record.data.source) not in registry.components:
        return "z"
    return str(registry.resolve("shapes", record.data.source).up)
