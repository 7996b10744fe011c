"""Tables 1 and 2 from what has been run: methods by category, shapes or sequences, and the paper's rows beside them."""

from __future__ import annotations

from collections.abc import Sequence

from hdbench.kit.known import hint
from hdbench.protocol import Protocol
from hdbench.registry import Registry
from hdbench.scoring.score import row_of
from hdbench.tables.entries import Entry, entries_of, merge_seeds, titles_with_settings
from hdbench.tables.paper import METHODS, paper_categories, paper_rows
from hdbench.tables.records import Record, command_for
from hdbench.tables.rows import Row

DATA = {"animals-4d": "animals"}  # the shapes that stand in for a category of the paper, where the names differ
ORACLE = "oracle"


def method_rows(table: int, records: Sequence[Record], protocol: Protocol, registry: Registry, reference_rows: bool) -> list[Row]:
    """The rows of Table 1 (shapes) or 2 (sequences): ours by data set, what was not run with its command, the paper's beside.

    ``reference_rows`` takes in all of them; otherwise the oracle alone, without which no number can be read.
    """
    entries = [entry for record in records for entry in entries_of(record) if (record.data.frames > 1) == (table == 2)]
    entries = merge_seeds(e for e in entries if e.origin == "ours" or reference_rows or e.method == ORACLE)
    titles = titles_with_settings(entries)
    rows: list[Row] = []
    seen = set()
    groups: dict[tuple[str, str], list[int]] = {}
    for index, entry in enumerate(entries):
        groups.setdefault((entry.record.data.identity, entry.record.preset), []).append(index)
    headings = _headings([entries[indices[0]].record for indices in groups.values()])
    ordered = sorted(zip(groups.values(), headings), key=lambda group: _place(entries[group[0][0]].record, table))
    for indices, heading in ordered:
        record = entries[indices[0]].record
        made = [(entries[i].method, _row(entries[i], titles[i], heading)) for i in indices]
        missing = _not_run(table, {method for method, _ in made}, heading, registry, record, protocol)
        rows += [row for _, row in sorted([*made, *missing], key=_rank)]
        rows += paper_rows(record.data.category, table) if record.data.category not in seen else ()
        seen.add(record.data.category)
    for category in paper_categories(table):
        if category not in seen:
            rows += [row for _, row in _not_run(table, set(), category, registry, None, protocol)]
            rows += paper_rows(category, table)
    return rows


def _headings(records: Sequence[Record]) -> list[str]:
    """Data and preset of every group; where two groups would be called the same, how many test shapes they have, or which."""
    plain = [f"{record.data.label} ({record.preset})" for record in records]
    sized = [f"{record.data.label} ({record.preset}, {record.data.counts[2]} test shapes)" for record in records]
    named = [f"{record.data.label} ({record.preset}, shapes {record.data.identity[:6]})" for record in records]
    return [
        first if plain.count(first) == 1 else second if sized.count(second) == 1 else third
        for first, second, third in zip(plain, sized, named)
    ]


def _place(record: Record, table: int) -> int:
    """The paper's categories first, in its order."""
    categories = paper_categories(table)
    return categories.index(record.data.category) if record.data.category in categories else len(categories)


def _rank(made: tuple[str, Row]) -> tuple[bool, int]:
    """Methods in the order of the paper, then others, then reference rows."""
    (method, row), names = made, list(METHODS.values())
    return row.section == "reference", names.index(method) if method in names else len(names)


def _row(entry: Entry, title: str, heading: str) -> Row:
    section = "reference" if entry.origin == "reference" else "methods"
    if entry.score is None:
        note = f"failed: {entry.note}" if entry.note else "it has no numbers"
        return Row(title=title, category=heading, values={}, origin="not run", note=note, section=section)
    note = " ".join(filter(None, (entry.provenance, entry.note)))
    return row_of(title, entry.score, category=heading, note=note, section=section)


def _not_run(
    table: int, found: set[str], heading: str, registry: Registry, record: Record | None, protocol: Protocol
) -> list[tuple[str, Row]]:
    """(method, row) of the paper's methods that have none, with the one command that would make those that are installed."""
    category = heading if record is None else record.data.category
    missing = {METHODS[row.title]: row.title for row in paper_rows(category, table) if METHODS[row.title] not in found}
    installed = [name for name in missing if name in registry.names("recipe") + registry.names("baseline")]
    notes = {name: hint(registry, name) or f"no installed plugin offers '{name}'" for name in missing}
    notes |= dict.fromkeys(installed, _command(installed, category, record, protocol))
    return [
        (name, Row(title=title, category=heading, values={}, origin="not run", note=notes[name]))
        for name, title in missing.items()
    ]


def _command(methods: Sequence[str], category: str, record: Record | None, protocol: Protocol) -> str:
    if record is not None:
        return command_for(record, methods)
    other = "" if protocol.name == "strict" else f" --protocol {protocol.name}"
    return f"hdbench run {' '.join(f'--method {name}' for name in methods)} --data {DATA.get(category, category)}{other}"
