"""What an ablation leaves: the table in the form of the paper's Tables 3 and 4, pictures, and the record."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from hdbench.ablation.cases import DEFAULT, Ablation, Case
from hdbench.config import digest
from hdbench.flow import Outcome
from hdbench.plan import Plan
from hdbench.render import View, contact_sheet
from hdbench.runs import SHOWN, circumstances, first_meshes, first_test_shapes, row_record, write_table
from hdbench.scoring.intervals import INTERVAL, told_apart
from hdbench.scoring.score import Score, difference, row_of, score_from
from hdbench.store import FORMAT, write_json
from hdbench.tables.paper import ABLATIONS, paper_rows
from hdbench.tables.table import Column, Row, Table

Plans = dict[str, list[Plan]]  # a plan per seed, by the title of the case


def folder_of(plans: Plans) -> str:
    """A folder name for people: data, preset, what it is, identity."""
    first = plans[DEFAULT][0]
    identity = digest([[title, [plan.digest for plan in seeds]] for title, seeds in plans.items()])
    return f"{first.data.source}-{first.preset}-ablation-{identity[:8]}"


def write(
    folder: Path, plans: Plans, cases: list[Case], ablation: Ablation, stages: list[dict[str, Any]], device: str
) -> Table | None:
    """Table (text, Markdown, CSV, JSON), ``gallery.png`` and ``run.json``; the table, or None if nothing could be scored."""
    table = table_of(plans, cases, ablation)
    if table is not None:
        write_table(folder, table)
    _write_pictures(folder, plans[DEFAULT][0], ablation)
    _write_record(folder, plans, cases, ablation, stages, device)
    return table


def table_of(plans: Plans, cases: list[Case], ablation: Ablation) -> Table | None:
    """A row per case, the differences to the default, and the paper's rows where it has that ablation."""
    scores = {title: score_from(outcome.score) for title, outcome in ablation.outcomes.items() if outcome.score}
    if not scores:
        return None
    plan = plans[DEFAULT][0]
    columns = tuple(c for c in next(iter(scores.values())).columns if c.metric in plan.printed)
    title = plan.titles[next(iter(plan.titles))]
    rows = [_row(plan, outcome, scores.get(name)) for name, outcome in ablation.outcomes.items()]
    if DEFAULT in scores:
        changed = {name: score for name, score in scores.items() if name != DEFAULT}
        rows += [_difference(plan, name, score, scores[DEFAULT], columns) for name, score in changed.items()]
    return Table(
        title=f"{title} on {plan.data.source}, preset {plan.preset}, {len(plans[DEFAULT])} seeds",
        columns=columns,
        rows=(*rows, *_paper(plan, cases)),
        protocol=plan.protocol,
        notes=(f"± is {INTERVAL}.", *_verdicts(scores, columns), f"default: {_defaults(plan, cases)}."),
    )


def _row(plan: Plan, outcome: Outcome, score: Score | None) -> Row:
    category = f"{plan.data.source} ({plan.preset})"
    if score is None:
        return Row(title=outcome.title, category=category, values={}, origin="not run", note=outcome.failure or "")
    return row_of(outcome.title, score, category=category, note=outcome.note)


def _difference(plan: Plan, title: str, score: Score, default: Score, columns: tuple[Column, ...]) -> Row:
    """The case minus the default, paired."""
    values = {}
    for name in (name for column in columns for name in (column.name, *column.details)):
        found = difference(score, default, name)
        values[name] = (found.value, found.half_width)
    category = f"{plan.data.source} ({plan.preset})"
    return Row(
        title=f"{title} - default", category=category, values=values, section="difference", protocol_hash=plan.protocol.hash
    )


def _verdicts(scores: dict[str, Score], columns: tuple[Column, ...]) -> list[str]:
    """Which cases read better or worse than the default, column by column."""
    said = []
    for title, score in scores.items():
        if title == DEFAULT or DEFAULT not in scores:
            continue
        words = [_verdict(column, score, scores[DEFAULT]) for column in columns]
        said.append(f"{title}: {', '.join(words)}.")
    return said


def _verdict(column: Column, score: Score, default: Score) -> str:
    a, b = score.estimates[column.name], default.estimates[column.name]
    if not told_apart(a, b, column.target):
        return f"{column.name} not told apart"
    return f"{column.name} {'worse' if column.badness(a.value) > column.badness(b.value) else 'better'}"


def _defaults(plan: Plan, cases: list[Case]) -> str:
    """What the default's value of every changed setting is."""
    from hdbench.config import resolve_key, value_of

    keys = dict.fromkeys(part.partition("=")[0].strip() for case in cases for part in case.changes)
    return ", ".join(f"{key}={value_of(plan.settings, resolve_key(plan.settings, key))}" for key in keys)


def _paper(plan: Plan, cases: list[Case]) -> tuple[Row, ...]:
    """The paper's rows of the same ablation."""
    keys = {part.partition("=")[0].strip().rpartition(".")[2] for case in cases for part in case.changes}
    tables = sorted({ABLATIONS[key] for key in keys if key in ABLATIONS})
    return tuple(row for table in tables for row in paper_rows(plan.category, table))


def _write_pictures(folder: Path, plan: Plan, ablation: Ablation) -> None:
    truth = first_test_shapes(plan, ablation.data)
    rows = [(outcome.title, first_meshes(outcome, SHOWN)) for outcome in ablation.outcomes.values()]
    shown = [(title, meshes) for title, meshes in rows if meshes]
    sheet = [(f"Test shapes ({plan.data.source})", truth), *shown]
    contact_sheet(sheet, folder / "gallery.png", columns=8, view=replace(View(), up=plan.source.build().up))


def _write_record(
    folder: Path, plans: Plans, cases: list[Case], ablation: Ablation, stages: list[dict[str, Any]], device: str
) -> None:
    first, split = plans[DEFAULT][0], ablation.data.split
    write_json(
        folder / "run.json",
        {
            "format": FORMAT,
            "kind": "ablation",
            "name": folder.name,
            "cases": [{"title": case.title, "changes": list(case.changes)} for case in cases],
            "seeds": [plan.run.seed for plan in plans[DEFAULT]],
            "configuration": first.as_dict(),
            "preset": first.preset,
            "data": {
                "frames": ablation.data.frames, "train": len(split.train), "val": len(split.val), "test": len(split.test),
            },
            "rows": [row_record(outcome, plans[title][0]) for title, outcome in ablation.outcomes.items()],
            "stages": stages,
            **circumstances(first, device),
        },
    )  # fmt: skip
