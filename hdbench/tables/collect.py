"""The paper's tables from what has been run: ``hdbench table 1|2|3|4``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from hdbench.errors import HdbenchError, unknown
from hdbench.protocol import PRESETS, Protocol
from hdbench.registry import Registry
from hdbench.scoring.intervals import INTERVAL
from hdbench.tables.changes import ablation_rows
from hdbench.tables.entries import one_protocol
from hdbench.tables.methods import method_rows
from hdbench.tables.paper import COLUMNS, DATA_SETS
from hdbench.tables.records import Record, note_of, read_all, read_record, run_folders
from hdbench.tables.rows import Column, Row, Table

TITLES = {
    1: "Table 1: unconditional generation of 3D shapes",
    2: "Table 2: unconditional generation of 4D sequences",
    3: "Table 3: initialisation of the fields",
    4: "Table 4: positional encoding",
}
PAPERS_FPD = "The paper's FPD is of other features (PointNet++ trained on ModelNet40) than FPD[procedural]: their scales differ."


def paper_table(
    number: int, folders: Sequence[Path], runs: Path, registry: Registry, *, protocol: str | None = None,
    metrics: Sequence[str] = (), reference_rows: bool = False,
) -> Table:  # fmt: skip
    """The paper's table from these run folders, or from all below ``runs`` if none is named.

    Columns are the metrics that belong in every table, and ``metrics``. Raises HdbenchError for a folder that is no run, for runs
    of several protocols (unless one is chosen by name or hash), and for metrics that are not in them.
    """
    if number not in DATA_SETS:
        raise unknown("table of the paper", str(number), map(str, DATA_SETS))
    records, left_out = _found(folders, runs)
    able = [record for record in records if _belongs(record, number)]
    chosen, able = one_protocol(able, protocol) if able else (_preset(protocol), [])
    rows = (
        method_rows(number, able, chosen, registry, reference_rows)
        if number in (1, 2)
        else ablation_rows(number, able, chosen, registry)
    )
    columns = _columns(rows, able, [*registry.metrics("table"), *metrics])
    _refuse_missing(metrics, columns)
    return Table(title=TITLES[number], columns=columns, rows=tuple(rows), protocol=chosen, notes=_notes(rows, columns, left_out))


def _found(folders: Sequence[Path], runs: Path) -> tuple[list[Record], list[str]]:
    """A folder that was named must be one; among those that were found, others are left out and said."""
    return ([read_record(folder) for folder in folders], []) if folders else read_all(run_folders(runs))


def _belongs(record: Record, number: int) -> bool:
    if number in (1, 2):
        return (record.data.frames > 1) == (number == 2)
    return record.kind == "ablation"


def _preset(name: str | None) -> Protocol:
    if name is not None and name not in PRESETS:
        raise unknown("protocol", name, PRESETS)
    return PRESETS[name or "strict"]


def _columns(rows: Sequence[Row], records: Sequence[Record], wanted: Sequence[str]) -> tuple[Column, ...]:
    """The columns of the scores, in the order of ``wanted``, then those of the paper that have none. One meaning per name."""
    known: dict[str, Column] = {}
    for record in records:
        for column in columns_of(record):
            if known.setdefault(column.name, column) != column:
                raise HdbenchError(
                    f"The column '{column.name}' of '{record.folder}' is defined in another way than in the other runs: they are "
                    "of different versions of its metric. Name runs of one version."
                )
    ours = sorted((c for c in known.values() if c.metric in wanted), key=lambda c: wanted.index(c.metric))
    names = {column.name for column in ours}
    papers = [c for c in COLUMNS if c.name not in names and any(c.name in row.values for row in rows)]
    return tuple(c for c in (*ours, *papers) if any(c.name in row.values for row in rows))


def columns_of(record: Record) -> list[Column]:
    """How the columns of a run folder are read."""
    scores = [row["score"] for row in record.rows if row["score"]]
    plain = {column["name"]: column for score in scores for column in score["columns"]}
    return [Column(**{**column, "details": tuple(column["details"])}) for column in plain.values()]


def _refuse_missing(metrics: Sequence[str], columns: Sequence[Column]) -> None:
    for name in metrics:
        if name not in {column.metric for column in columns}:
            raise HdbenchError(
                f"None of these runs has numbers of the metric '{name}'. 'hdbench metrics' lists all; a run computes those that "
                f"must be asked for with '-o metrics={name}'."
            )


def _notes(rows: Sequence[Row], columns: Sequence[Column], left_out: Sequence[str]) -> tuple[str, ...]:
    ours = any(row.origin == "ours" for row in rows)
    papers = {"FPD", "FPD[procedural]"} <= {column.name for column in columns}
    said = ([f"± is {INTERVAL}."] if ours else []) + ([PAPERS_FPD] if papers else [])
    return (*said, *(f"Left out: {reason}" for reason in left_out))


def of_one_run(record: Record, wanted: Sequence[str]) -> Table:
    """The rows of one run folder or ablation as they were scored, ``wanted`` metrics as columns."""
    from hdbench.scoring.score import row_of

    columns = [column for column in columns_of(record) if column.metric in wanted] or columns_of(record)
    rows = []
    for row in sorted(record.rows, key=lambda row: row["origin"] == "reference"):
        section = "reference" if row["origin"] == "reference" else "methods"
        score = record.score(row["title"])
        made = (
            Row(title=row["title"], values={}, origin="not run", note=f"failed: {row['failure']}")
            if score is None
            else row_of(row["title"], score, note=note_of(row))
        )
        rows.append(replace(made, category=f"{record.data.label} ({record.preset})", section=section))
    return Table(title=record.name, columns=tuple(columns), rows=tuple(rows), protocol=record.protocol,
                 notes=(f"± is {INTERVAL}.",))  # fmt: skip
