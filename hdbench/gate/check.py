"""The gate itself: one line per method and metric, each with how surely it is worse, and a verdict on all of them.

A run fails when a metric of a method is worse than the reference beyond the noise of both. The question is one-sided and asked of
every gated metric of every method; Holm's correction keeps the chance that a re-seed of an equal generator fails, in any of
them, below ``ALPHA``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from hdbench.errors import HdbenchError, unknown
from hdbench.gate.comparable import gated_columns, refuse_unlike, remarks, same_bits
from hdbench.gate.measured import Gated, Measured
from hdbench.gate.noise import Noise, as_badness, holm, noise_between
from hdbench.gate.thresholds import EMPTY, Threshold, thresholds
from hdbench.scoring.intervals import Estimate
from hdbench.tables.rows import Column

ALPHA = 0.01
NAN = math.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One question and its answer. ``worse``: by how much the run is worse (negative: better), in the metric's ``unit``;
    ``fails_from``: the worsening from which on it would fail alone; ``p_value`` is adjusted for the number of questions."""

    row: str
    name: str
    value: float = NAN
    half_width: float = NAN
    reference: float = NAN
    reference_half_width: float = NAN
    unit: str = ""
    worse: float = NAN
    tolerated: float = 0.0
    p_value: float = 1.0
    fails_from: float = NAN
    verdict: Literal["pass", "fail", "not gated"] = "pass"
    reason: str = ""
    kind: Literal["metric", "time"] = "metric"

    @property
    def failed(self) -> bool:
        return self.verdict == "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """All lines, and what a reader should know."""

    run: str
    against: str
    lines: tuple[Line, ...]
    notes: tuple[str, ...] = ()
    alpha: float = ALPHA

    @property
    def passed(self) -> bool:
        return not any(line.failed for line in self.lines)


@dataclass(frozen=True, slots=True)
class _Question:
    """A line before it is judged: its noise, or the p-value that was found in another way."""

    line: Line
    noise: Noise = field(default_factory=Noise)
    p_value: float = 1.0


def check(
    run: Measured, reference: Measured, metrics: Sequence[str], *, tolerate: Sequence[str] = (), alpha: float = ALPHA,
    rows: Sequence[str] = (),
) -> Verdict:  # fmt: skip
    """Hold a run against a reference in these metrics and in its share of empty samples.

    ``tolerate`` is ``METRIC=VALUE`` each (see ``thresholds``); ``rows`` limits the methods. Raises HdbenchError where protocol,
    shapes, metrics or methods are not the same.
    """
    refuse_unlike(run, reference)
    columns = gated_columns(run, reference, metrics)
    known = [EMPTY, *(column.name for column in columns), *(column.metric for column in columns)]
    allowed = thresholds(tolerate, known)
    same_shapes = same_bits(run, reference)
    seeds = len(run.seeds), len(reference.seeds)
    questions = [
        question
        for ours, theirs in _rows(run, reference, rows)
        for question in _questions(ours, theirs, columns, allowed, same_shapes, seeds)
    ]
    _refuse_to_gate_nothing(questions, metrics)
    return Verdict(
        run=_name(run),
        against=_name(reference),
        lines=tuple(_judged(questions, alpha)),
        notes=tuple(remarks(run, reference)),
        alpha=alpha,
    )


def _refuse_to_gate_nothing(questions: Sequence[_Question], metrics: Sequence[str]) -> None:
    """A gate that no metric has to pass would pass everything."""
    lines = [question.line for question in questions if question.line.name != EMPTY]
    if metrics and lines and all(line.verdict == "not gated" for line in lines):
        raise HdbenchError(
            f"None of {len(lines)} metrics can be gated: {lines[0].reason}. Intervals need at least 8 test shapes and samples; "
            "run with more of them, or say with --threshold METRIC=VALUE how much is too much."
        )


def _name(measured: Measured) -> str:
    seeds = f"seed{'s' if len(measured.seeds) > 1 else ''} {', '.join(map(str, measured.seeds))}"
    return f"{measured.name} ({seeds})"


def _rows(run: Measured, reference: Measured, wanted: Sequence[str]) -> list[tuple[Gated, Gated]]:
    """(ours, the reference's) of every method of the reference, or of those that were named."""
    titles = [row.title for row in reference.rows]
    for name in wanted:
        if name not in titles:
            raise unknown("row of the reference", name, titles)
    pairs = []
    for row in reference.rows:
        ours = run.row(row.title)
        if wanted and row.title not in wanted:
            continue
        if ours is None:
            have = ", ".join(r.title for r in run.rows)
            raise HdbenchError(
                f"The run has no row '{row.title}', which the reference has (it has: {have}). "
                f"Gate some rows alone with --row, or run it as: {reference.commands[0]}"
            )
        pairs.append((ours, row))
    return pairs


# ------------------------------------------------------------------------------------------------------------ questions


def _questions(
    ours: Gated,
    theirs: Gated,
    columns: Sequence[Column],
    allowed: Mapping[str, Threshold],
    same_shapes: bool,
    seeds: tuple[int, int],
) -> list[_Question]:
    """All questions of one method."""
    if ours.failure or theirs.failure:
        said = f"it failed: {ours.failure}" if ours.failure else f"it failed in the reference: {theirs.failure}"
        return [_Question(Line(row=ours.title, name="run", reason=said), p_value=0.0 if ours.failure else 1.0)]
    if ours.count != theirs.count:
        raise HdbenchError(
            f"'{ours.title}' has {ours.count} samples per draw and not {theirs.count}: the numbers do not compare."
        )
    found = [_metric(ours, theirs, column, _threshold(allowed, column), same_shapes, seeds) for column in columns]
    return [question for question in (*found, _empty(ours, theirs, allowed.get(EMPTY, Threshold()))) if question]


def _threshold(allowed: Mapping[str, Threshold], column: Column) -> Threshold:
    return allowed.get(column.name, allowed.get(column.metric, Threshold()))


def _metric(
    ours: Gated, theirs: Gated, column: Column, threshold: Threshold, same_shapes: bool, seeds: tuple[int, int]
) -> _Question | None:
    if threshold.off:
        return None
    a, b = ours.estimates.get(column.name), theirs.estimates.get(column.name)
    line = Line(row=ours.title, name=column.name, unit=column.unit)
    if a is None or b is None:
        return _Question(replace(line, verdict="not gated", reason=f"the {'run' if a is None else 'reference'} has no value"))
    line = replace(line, value=a.value, half_width=a.half_width, reference=b.value, reference_half_width=b.half_width,
                   tolerated=threshold.worsening(b.value))  # fmt: skip
    if not (math.isfinite(a.value) and math.isfinite(b.value)):
        return _not_finite(line, a, b)
    worse, against = as_badness(a, column), as_badness(b, column)
    line = replace(line, worse=worse.value - against.value)
    if math.isnan(a.half_width) or math.isnan(b.half_width):
        return _without_interval(line, threshold)
    noise = noise_between(worse, against, same_shapes, seeds)
    return _Question(line, noise, noise.p_value(line.worse - line.tolerated))


def _not_finite(line: Line, ours: Estimate, theirs: Estimate) -> _Question:
    """A value that is infinite or unknown where the reference's is not is worse than any."""
    if math.isfinite(theirs.value):
        return _Question(replace(line, worse=math.inf, reason="the value is not finite"), p_value=0.0)
    if math.isfinite(ours.value):
        return _Question(replace(line, reason="better than the reference, whose value is not finite"))
    return _Question(replace(line, verdict="not gated", reason="neither value is finite"))


def _without_interval(line: Line, threshold: Threshold) -> _Question:
    """Without an interval a difference means nothing, unless the user says how much is too much."""
    if threshold.value == 0:
        return _Question(replace(line, verdict="not gated", reason="it has no interval; set a --threshold to gate it"))
    return _Question(replace(line, reason="it has no interval: the threshold alone decides"),
                     p_value=0.0 if line.worse > line.tolerated else 1.0)  # fmt: skip


def _empty(ours: Gated, theirs: Gated, threshold: Threshold) -> _Question | None:
    """The share of samples without a surface: Fisher's exact test, or against a binomial share where some are tolerated."""
    if threshold.off or not (ours.requested and theirs.requested):
        return None
    share, before = 100 * ours.empty / ours.requested, 100 * theirs.empty / theirs.requested
    tolerated = threshold.worsening(before)
    line = Line(row=ours.title, name=EMPTY, value=share, reference=before, unit="%", worse=share - before, tolerated=tolerated)
    return _Question(line, p_value=_p_of_shares(ours, theirs, (before + tolerated) / 100 if tolerated else None))


def _p_of_shares(ours: Gated, theirs: Gated, limit: float | None) -> float:
    from scipy.stats import binom, hypergeom

    if limit is not None:
        return float(binom.sf(ours.empty - 1, ours.requested, min(limit, 1.0)))
    return float(hypergeom.sf(ours.empty - 1, ours.requested + theirs.requested, ours.empty + theirs.empty, ours.requested))


# -------------------------------------------------------------------------------------------------------------- verdict


def _judged(questions: Sequence[_Question], alpha: float) -> list[Line]:
    """Holm over all that are gated."""
    gated = [question for question in questions if question.line.verdict != "not gated"]
    adjusted = dict(zip(map(id, gated), holm([question.p_value for question in gated])))
    return [_answered(q, adjusted[id(q)], alpha, len(gated)) if id(q) in adjusted else q.line for q in questions]


def _answered(question: _Question, p_value: float, alpha: float, count: int) -> Line:
    line = replace(question.line, p_value=p_value, verdict="fail" if p_value < alpha else "pass")
    if not question.noise.variance:
        return line
    return replace(line, fails_from=line.tolerated + question.noise.critical(alpha / count))
