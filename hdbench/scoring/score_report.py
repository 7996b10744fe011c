"""Scores of rows -> the table that is printed, and the record that lets a stranger repeat or doubt it."""

from __future__ import annotations

import hashlib
import math
import shlex
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import hdbench
from hdbench.errors import HdbenchError
from hdbench.interfaces import Metric
from hdbench.loading.inputs import Loaded
from hdbench.loading.sources import Job, Source
from hdbench.loading.wording import plural
from hdbench.plain import plain
from hdbench.provenance import git_state, library_versions, machine
from hdbench.registry import Registry
from hdbench.scoring.intervals import INTERVAL
from hdbench.scoring.score import Score, numbers, row_of
from hdbench.scoring.sets import Scored
from hdbench.shape_set import ShapeSet
from hdbench.tables.table import Column, Row, Table

FORMAT = 1  # of the record
INTERVALS = f"± is {INTERVAL}."


def table_of(job: Job, sets: Loaded, scored: Scored) -> Table:
    """A row per title, in the order of the command line, with all columns that any of them has."""
    columns: dict[str, Column] = {}
    for score in scored.rows.values():
        columns |= {} if isinstance(score, HdbenchError) else {column.name: column for column in score.columns}
    compared = plural(len(sets.reference), "reference shape" if sets.reference.frames == 1 else "reference sequence")
    return Table(
        title=f"{plural(len(job.rows), 'row')} against {compared} of {job.reference.path.name}",
        columns=tuple(columns.values()),
        rows=tuple(_row(title, score, sets, scored) for title, score in scored.rows.items()),
        protocol=job.protocol,
        notes=(*([INTERVALS] if _has_intervals(scored) else []), *scored.notes, *_not_computed(scored)),
    )


def _has_intervals(scored: Scored) -> bool:
    scores = [score for score in scored.rows.values() if not isinstance(score, HdbenchError)]
    return any(math.isfinite(estimate.half_width) for score in scores for estimate in score.estimates.values())


def _row(title: str, score: Score | HdbenchError, sets: Loaded, scored: Scored) -> Row:
    section = "reference" if title in scored.controls else "methods"
    if isinstance(score, HdbenchError):
        return Row(title=title, values={}, origin="not run", note=str(score), section=section)
    note = scored.controls.get(title) or "; ".join(sets.remarks.get(title, ()))
    return row_of(title, score, note=note, section=section)


def _not_computed(scored: Scored) -> list[str]:
    """The metrics that have no column, by the reason."""
    reasons: dict[str, dict[str, None]] = defaultdict(dict)
    scores = {title: score for title, score in scored.rows.items() if not isinstance(score, HdbenchError)}
    for title, score in scores.items():
        everywhere = [name for name in score.left_out if all(name in other.left_out for other in scores.values())]
        for name, reason in score.left_out.items():
            reasons[reason][name if name in everywhere else f"{name} of {title}"] = None
    return [f"Not computed: {', '.join(names)} ({reason.rstrip('.')})." for reason, names in reasons.items()]


# -------------------------------------------------------------------------------------------------------------- record


def record_of(
    job: Job, sets: Loaded, scored: Scored, metrics: Sequence[Metric], device: str, novelty: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Everything as plain values: nan is null, infinity the string ``inf``. ``novelty`` is the record of every sample."""
    return plain({
        "format": FORMAT,
        "hdbench": hdbench.__version__,
        "command": shlex.join(["hdbench", *sys.argv[1:]]),
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "protocol": {**asdict(job.protocol), "hash": job.protocol.hash, "sentence": job.protocol.sentence()},
        "seed": job.seed,
        "reference": _input(job.reference, [sets.reference]),
        "train": None if job.training is None or sets.training is None else _input(job.training, [sets.training]),
        "rows": [_record(title, score, job, sets, scored) for title, score in scored.rows.items()],
        "novelty": novelty,
        "metrics": [_metric(metric) for metric in metrics],
        "interval": INTERVAL,
        "notes": list(scored.notes),
        "device": device,
        "libraries": library_versions(),
        "git": git_state(),
        "machine": machine(),
    })  # fmt: skip


def _record(title: str, score: Score | HdbenchError, job: Job, sets: Loaded, scored: Scored) -> dict[str, Any]:
    about: dict[str, Any] = {"title": title}
    if title in job.rows:
        about["inputs"] = [_input(source, ()) for source in job.rows[title]]
        about |= {"draws": [_set(draw) for draw in sets.rows[title]], "remarks": sets.remarks[title]}
    else:
        about["control"] = scored.controls[title]
    if isinstance(score, HdbenchError):
        return about | {"failure": str(score)}
    estimates = {
        name: {key: value for key, value in asdict(estimate).items() if key != "replicates"}
        for name, estimate in score.estimates.items()
    }
    return about | {"score": numbers(score) | {"estimates": estimates}}


def _input(source: Source, draws: Sequence[ShapeSet]) -> dict[str, Any]:
    about = {"path": str(source.path), "key": source.key, "sha256": source.digest()}
    return about | ({"sets": [_set(draw) for draw in draws]} if draws else {})


def _set(shapes: ShapeSet) -> dict[str, Any]:
    """What was read; ``clouds_sha256`` is of the points that were scored, before they are normalised."""
    points = hashlib.sha256(shapes.clouds.tobytes()).hexdigest()
    return {"shape": list(shapes.clouds.shape), "clouds_sha256": points, "notes": list(shapes.notes)}


def _metric(metric: Metric) -> dict[str, Any]:
    found = Registry().load().find("metric", metric.name)
    return {
        "name": metric.name, "definition": metric.definition, "direction": metric.direction, "target": metric.target,
        "range": list(metric.range), "unit": metric.unit, "source": metric.source, "distribution": found.distribution,
        "version": found.version,
    }  # fmt: skip
