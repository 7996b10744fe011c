"""Two run folders side by side: the rows of both, their differences where they compare, and what was set differently."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from hdbench.config import leaves
from hdbench.scoring.intervals import INTERVAL, Estimate, difference, told_apart
from hdbench.scoring.score import Score, row_of
from hdbench.tables.collect import columns_of, of_one_run
from hdbench.tables.records import Record, note_of
from hdbench.tables.rows import Column, Row, Table

SHOWN_SETTINGS = 12


def comparison(first: Record, second: Record, metrics: Sequence[str]) -> list[Table]:
    """One table of both where the protocol is the same, with second minus first where the test shapes are, too; else one of each.

    The last table's notes say what was set differently, and why there are no differences if there are none.
    """
    said = [f"± is {INTERVAL}.", f"A is {_who(first)}, B is {_who(second)}.", *_settings(first, second)]
    columns = _shared_columns(first, second, metrics)
    if first.protocol.hash != second.protocol.hash or not columns:
        why = "they are of different protocols" if columns else "they have no metric in common that is defined in one way"
        tables = [of_one_run(record, metrics) for record in (first, second)]
        return [tables[0], replace(tables[1], notes=(*said, f"The runs do not compare: {why}."))]
    reason = _why_not_subtracted(first, second)
    rows = [row for title in _titles(first, second) for row in _rows(title, first, second, same=not reason)]
    if reason:
        said.append(f"No differences: {reason}.")
    else:
        made = [_difference(title, first, second, columns) for title in _titles(first, second)]
        rows += [row for row, _ in filter(None, made)]
        said += [verdict for _, verdict in filter(None, made)]
    rows.sort(key=lambda row: row.section == "reference")
    return [Table(title=f"{first.name} and {second.name}", columns=columns, rows=tuple(rows), protocol=first.protocol,
                  notes=tuple(said))]  # fmt: skip


def _who(record: Record) -> str:
    return f"{record.folder} (seed {', '.join(map(str, record.seeds))})"


def _shared_columns(first: Record, second: Record, metrics: Sequence[str]) -> tuple[Column, ...]:
    """The columns that both have and define in one way: those of ``metrics``, or all where none of them is shared."""
    theirs = columns_of(second)
    shared = [column for column in columns_of(first) if column in theirs]
    return tuple(column for column in shared if column.metric in metrics) or tuple(shared)


def _why_not_subtracted(first: Record, second: Record) -> str:
    """Why second minus first means nothing, or the empty string."""
    if first.data.identity != second.data.identity:
        return "the runs are of other shapes"
    names = [record.content["data"].get("test_names") for record in (first, second)]
    return "" if names[0] == names[1] else "the runs have other test shapes"


def _titles(first: Record, second: Record) -> list[str]:
    """Every row of both, methods before reference rows."""
    rows = sorted([*first.rows, *second.rows], key=lambda row: row["origin"] == "reference")
    return list(dict.fromkeys(row["title"] for row in rows))


def _has(record: Record, title: str) -> bool:
    return any(row["title"] == title for row in record.rows)


def _rows(title: str, first: Record, second: Record, same: bool) -> Iterator[Row]:
    for letter, record in (("A", first), ("B", second)):
        if not _has(record, title):
            continue
        [row] = [row for row in record.rows if row["title"] == title]
        score = record.score(title)
        made = (
            Row(title=title, values={}, origin="not run", note=f"failed: {row['failure']}")
            if score is None
            else row_of(title, score, note=note_of(row))
        )
        category = f"{record.data.label} ({record.preset})"
        yield replace(
            made,
            title=f"{title}, {letter}",
            category=category if same else f"{category} of {letter}",
            section="reference" if row["origin"] == "reference" else "methods",
        )


# ---------------------------------------------------------------------------------------------------------- differences


def _difference(title: str, first: Record, second: Record, columns: Sequence[Column]) -> tuple[Row, str] | None:
    """B - A of one row, and the verdict on every column in words; None where one of them lacks the row."""
    scores = [record.score(title) if _has(record, title) else None for record in (first, second)]
    a, b = scores
    if a is None or b is None:
        return None
    paired = all(_pair(a, b, column.name) for column in columns)
    names = [name for column in columns for name in (column.name, *column.details)]
    values = {name: _minus(b.estimates[name], a.estimates[name]) for name in names if name in a.estimates and name in b.estimates}
    row = Row(
        title=f"{title}, B - A",
        category=f"{first.data.label} ({first.preset})",
        values=values,
        section="difference",
        protocol_hash=first.protocol.hash,
        note="" if paired else "not subtracted part by part (no store beside both runs): wider than it need be",
    )
    words = ", ".join(_word(column, a.estimates[column.name], b.estimates[column.name]) for column in columns)
    return row, f"{title}, B against A: {words}."


def _pair(a: Score, b: Score, name: str) -> bool:
    counts = len(a.estimates[name].replicates), len(b.estimates[name].replicates)
    return counts[0] == counts[1] > 0


def _minus(b: Estimate, a: Estimate) -> tuple[float, float]:
    """With its half width: paired, or that of two independent numbers."""
    if len(a.replicates) == len(b.replicates) > 0:
        found = difference(b, a)
        return found.value, found.half_width
    return b.value - a.value, math.hypot(a.half_width, b.half_width)


def _word(column: Column, a: Estimate, b: Estimate) -> str:
    if not told_apart(a, b, column.target):
        return f"{column.name} not told apart"
    return f"{column.name} {'worse' if column.badness(b.value) > column.badness(a.value) else 'better'}"


def _settings(first: Record, second: Record) -> list[str]:
    before, after = dict(leaves(first.configuration)), dict(leaves(second.configuration))
    shared = {key.partition(".")[0] for key in before} & {key.partition(".")[0] for key in after}
    keys = [key for key in dict.fromkeys([*before, *after]) if key.partition(".")[0] in shared]
    changed = [f"{key}: {before.get(key)} -> {after.get(key)}" for key in keys if before.get(key) != after.get(key)]
    more = f" and {len(changed) - SHOWN_SETTINGS} more" if len(changed) > SHOWN_SETTINGS else ""
    return [f"Set differently: {'; '.join(changed[:SHOWN_SETTINGS])}{more}."] if changed else ["Nothing was set differently."]
