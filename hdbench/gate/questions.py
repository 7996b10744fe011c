"""What is asked of a method: of every metric, and of its share of empty samples, whether it is worse; and the noise of each."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from hdbench.errors import HdbenchError
from hdbench.gate.lines import Line
from hdbench.gate.measured import Gated
from hdbench.gate.noise import Noise, as_badness, noise_between
from hdbench.gate.thresholds import EMPTY, Threshold
from hdbench.scoring.intervals import Estimate
from hdbench.tables.rows import Column


@dataclass(frozen=True, slots=True)
class Question:
    """A line before it is judged: its noise, or the p-value that was found in another way."""

    line: Line
    noise: Noise = field(default_factory=Noise)
    p_value: float = 1.0


def questions_of(
    ours: Gated,
    theirs: Gated,
    columns: Sequence[Column],
    allowed: Mapping[str, Threshold],
    same_shapes: bool,
    seeds: tuple[int, int],
) -> list[Question]:
    """All questions of one method."""
    if ours.failure or theirs.failure:
        said = f"it failed: {ours.failure}" if ours.failure else f"it failed in the reference: {theirs.failure}"
        return [Question(Line(row=ours.title, name="run", reason=said), p_value=0.0 if ours.failure else 1.0)]
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
) -> Question | None:
    if threshold.off:
        return None
    a, b = ours.estimates.get(column.name), theirs.estimates.get(column.name)
    line = Line(row=ours.title, name=column.name, unit=column.unit)
    if a is None or b is None:
        return Question(replace(line, verdict="not gated", reason=f"the {'run' if a is None else 'reference'} has no value"))
    line = replace(line, value=a.value, half_width=a.half_width, reference=b.value, reference_half_width=b.half_width,
                   tolerated=threshold.worsening(b.value))  # fmt: skip
    if not (math.isfinite(a.value) and math.isfinite(b.value)):
        return _not_finite(line, a, b)
    worse, against = as_badness(a, column), as_badness(b, column)
    line = replace(line, worse=worse.value - against.value)
    if math.isnan(a.half_width) or math.isnan(b.half_width):
        return _without_interval(line, threshold)
    noise = noise_between(worse, against, same_shapes, seeds)
    return Question(line, noise, noise.p_value(line.worse - line.tolerated))


def _not_finite(line: Line, ours: Estimate, theirs: Estimate) -> Question:
    """A value that is infinite or unknown where the reference's is not is worse than any."""
    if math.isfinite(theirs.value):
        return Question(replace(line, worse=math.inf, reason="the value is not finite"), p_value=0.0)
    if math.isfinite(ours.value):
        return Question(replace(line, reason="better than the reference, whose value is not finite"))
    return Question(replace(line, verdict="not gated", reason="neither value is finite"))


def _without_interval(line: Line, threshold: Threshold) -> Question:
    """Without an interval a difference means nothing, unless the user says how much is too much."""
    if threshold.value == 0:
        return Question(replace(line, verdict="not gated", reason="it has no interval; set a --threshold to gate it"))
    return Question(replace(line, reason="it has no interval: the threshold alone decides"),
                     p_value=0.0 if line.worse > line.tolerated else 1.0)  # fmt: skip


def _empty(ours: Gated, theirs: Gated, threshold: Threshold) -> Question | None:
    """The share of samples without a surface: Fisher's exact test, or against a binomial share where some are tolerated."""
    if threshold.off or not (ours.requested and theirs.requested):
        return None
    share, before = 100 * ours.empty / ours.requested, 100 * theirs.empty / theirs.requested
    tolerated = threshold.worsening(before)
    line = Line(row=ours.title, name=EMPTY, value=share, reference=before, unit="%", worse=share - before, tolerated=tolerated)
    return Question(line, p_value=_p_of_shares(ours, theirs, (before + tolerated) / 100 if tolerated else None))


def _p_of_shares(ours: Gated, theirs: Gated, limit: float | None) -> float:
    from scipy.stats import binom, hypergeom

    if limit is not None:
        return float(binom.sf(ours.empty - 1, ours.requested, min(limit, 1.0)))
    return float(hypergeom.sf(ours.empty - 1, ours.requested + theirs.requested, ours.empty + theirs.empty, ours.requested))
