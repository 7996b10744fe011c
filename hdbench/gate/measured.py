"""One or several runs as a gate sees them: values, intervals, and all that must be the same for them to compare."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import hdbench
from hdbench.errors import HdbenchError
from hdbench.protocol import Protocol
from hdbench.scoring.intervals import Estimate
from hdbench.tables.collect import columns_of
from hdbench.tables.entries import Entry, entries_of, mean_score
from hdbench.tables.records import Record
from hdbench.tables.rows import Column


@dataclass(frozen=True, slots=True, kw_only=True)
class Shapes:
    """The shapes of a run, wherever their files lie: source, settings, split, and the digest of what was read."""

    source: str
    settings: Mapping[str, Any]
    counts: tuple[int, int, int]
    frames: int
    test_names: tuple[str, ...]
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gated:
    """One method's numbers: estimates by column, how many samples came out empty of how many, its settings; or its failure."""

    title: str
    method: str
    settings: Mapping[str, Any]
    estimates: Mapping[str, Estimate]
    count: int = 0
    draws: int = 0
    requested: int = 0
    empty: int = 0
    failure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One or several runs of one configuration (seeds), as a gate sees them. ``gated``: the metrics to gate by.
    ``timings``: CPU seconds by stage, of one run."""

    name: str
    protocol: Protocol
    shapes: Shapes
    seeds: tuple[int, ...]
    columns: tuple[Column, ...]
    gated: tuple[str, ...]
    rows: tuple[Gated, ...]
    timings: Mapping[str, float]
    commands: tuple[str, ...] = ()
    libraries: Mapping[str, str] = field(default_factory=dict)
    commits: tuple[str, ...] = ()
    machine: str = ""
    version: str = hdbench.__version__
    calibration_seconds: float = math.nan

    def row(self, title: str) -> Gated | None:
        """The row of this title, or None."""
        return next((row for row in self.rows if row.title == title), None)


# ------------------------------------------------------------------------------------------------------------ from runs


def measured(records: Sequence[Record], metrics: Sequence[str], calibration_seconds: float = math.nan) -> Measured:
    """Runs that differ in the seed alone, as one. ``metrics`` are gated: those that the runs have, or all that they have if
    they have none of these; replicates are kept of these alone.

    Raises HdbenchError for ablations, and for runs that differ in more than the seed.
    """
    _refuse_mixture(records)
    ordered = sorted(records, key=lambda record: record.seeds)
    entries = [[entry for entry in entries_of(record) if entry.origin == "ours"] for record in ordered]
    first = ordered[0]
    columns = tuple(columns_of(first))
    gated = tuple(c.metric for c in columns if c.metric in metrics) or tuple(c.metric for c in columns)
    return Measured(
        name=", ".join(record.name for record in ordered),
        protocol=first.protocol,
        shapes=_shapes(first),
        seeds=tuple(seed for record in ordered for seed in record.seeds),
        columns=columns,
        gated=gated,
        rows=tuple(_row([_of(found, entry.title) for found in entries], gated) for entry in entries[0]),
        timings=_timings(ordered),
        commands=tuple(record.command for record in ordered),
        libraries=dict(first.content.get("libraries", {})),
        commits=tuple(dict.fromkeys(str((record.content.get("git") or {}).get("commit", "")) for record in ordered)),
        machine=str(first.content.get("machine", {}).get("processor", "")),
        calibration_seconds=calibration_seconds,
    )


def _refuse_mixture(records: Sequence[Record]) -> None:
    for record in records:
        if record.kind != "run":
            raise HdbenchError(f"'{record.folder}' is an {record.kind}; the gate takes runs ('hdbench run').")
    plain = [_without_seed(record) for record in records]
    if any(other != plain[0] for other in plain):
        raise HdbenchError(
            f"{len(records)} runs are one reference only if they differ in nothing but the seed. Name runs of one configuration."
        )
    seeds = [seed for record in records for seed in record.seeds]
    if len(set(seeds)) < len(seeds):
        twice = min(seed for seed in seeds if seeds.count(seed) > 1)
        raise HdbenchError(f"Two of these runs have the seed {twice}. Name one of them.")


def _without_seed(record: Record) -> dict[str, Any]:
    configuration = record.configuration
    return {**configuration, "run": {k: v for k, v in configuration["run"].items() if k not in ("seed", "threads")}}


def _of(entries: Sequence[Entry], title: str) -> Entry:
    return next(entry for entry in entries if entry.title == title)


def _shapes(record: Record) -> Shapes:
    data, settings = record.data, {**record.configuration["data"], **record.configuration["shapes"]}
    return Shapes(
        source=data.source,
        settings={key: value for key, value in settings.items() if key not in ("path", "source", "strict")},
        counts=data.counts,
        frames=data.frames,
        test_names=tuple(record.content["data"].get("test_names", ())),
        digest=str(record.content.get("digests", {}).get("shapes: look at them", "")),
    )


def _row(entries: Sequence[Entry], metrics: Sequence[str]) -> Gated:
    """One method over all seeds; one seed that failed fails the row."""
    first, scores = entries[0], [entry.score for entry in entries if entry.score]
    if len(scores) < len(entries):
        failed = next(entry for entry in entries if entry.score is None)
        return Gated(title=first.title, method=first.method, settings=first.settings, estimates={}, failure=failed.note)
    score = mean_score(scores)
    made = sum(one.requested * one.draws for one in scores)
    kept = {column.name for column in score.columns if column.metric in metrics}
    return Gated(
        title=first.title,
        method=first.method,
        settings=first.settings,
        estimates={name: e if name in kept else replace(e, replicates=()) for name, e in score.estimates.items()},
        count=score.count,
        draws=score.draws,
        requested=made,
        empty=round(sum(one.empties * one.requested * one.draws for one in scores)),
    )


def _timings(records: Sequence[Record]) -> dict[str, float]:
    """CPU seconds of every stage, the mean over runs; stages that were taken up again are left out, their cost is a part."""
    found: dict[str, list[float]] = {}
    for record in records:
        for stage in record.stages:
            if stage.get("cpu_seconds") and not stage.get("resumed"):
                found.setdefault(stage["label"], []).append(float(stage["cpu_seconds"]))
    return {label: sum(seconds) / len(seconds) for label, seconds in found.items() if len(seconds) == len(records)}
