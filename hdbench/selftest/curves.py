"""Values of all metrics on good generated sets, and on some of these made worse step by step."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from hdbench.errors import HdbenchError
from hdbench.interfaces import Comparison, Metric
from hdbench.protocol import Protocol
from hdbench.scoring.evidence import Known, Sets, compare, known_of_reference, left_out
from hdbench.selftest.base import Base
from hdbench.selftest.dressing import weights_of
from hdbench.selftest.perturb import PERTURBATIONS, Perturbation
from hdbench.shape_set import ShapeSet

STRENGTHS = (0.05, 0.1, 0.2, 0.4, 0.7, 1.0)
Measured = dict[str, float]  # metric -> value of its first column, nan where it could not be measured


@dataclass(frozen=True, slots=True, eq=False)
class Curves:
    """``good``: {metric: value on every draw}; ``start``: {metric: mean over the draws that are made worse}; ``worse``:
    {perturbation: {metric: means at STRENGTHS}}; ``columns``: {metric: name of the value}; ``not_tried``: {metric: why}."""

    metrics: Sequence[Metric]
    columns: Mapping[str, str]
    good: Mapping[str, tuple[float, ...]]
    start: Mapping[str, float]
    worse: Mapping[str, Mapping[str, tuple[float, ...]]]
    not_tried: Mapping[str, str]


def steps(base: Base) -> int:
    """How many comparisons ``measure_curves`` makes."""
    return len(base.draws) + base.worse * len(_fitting(base)) * len(STRENGTHS)


def _fitting(base: Base) -> list[Perturbation]:
    return [p for p in PERTURBATIONS.values() if p.fits(base.draws[0])]


def measure_curves(
    metrics: Sequence[Metric],
    base: Base,
    protocol: Protocol,
    progress: Callable[[float], None] = lambda done: None,
    device: str = "cpu",
) -> Curves:
    """All metrics that can be computed on the base, on every draw and along every perturbation of the first ones."""
    sets = Sets(base.reference, protocol, base.training, device=device)
    reasons = left_out(base.draws[0], sets, metrics)
    tried = [metric for metric in metrics if metric.name not in reasons]
    known, arounds, done = known_of_reference(sets, tried), [base.around(k) for k in range(base.worse)], 0

    def values(shapes: ShapeSet) -> Measured:
        nonlocal done
        found = _values(shapes, sets, tried, known)
        done += 1
        progress(done)
        return found

    def mean_values(perturbation: Perturbation, strength: float) -> Measured:
        rows = [values(_with_weights(perturbation(base.draws[k], strength, arounds[k]))) for k in range(base.worse)]
        return {name: float(np.mean(found)) for name, found in _by_metric(rows).items()}

    good = _by_metric([values(draw) for draw in base.draws])
    worse = {p.name: _by_metric([mean_values(p, strength) for strength in STRENGTHS]) for p in _fitting(base)}
    return Curves(
        metrics=tried,
        columns=_columns(base.draws[0], sets, tried, known),
        good=good,
        start={name: float(np.mean(found[: base.worse])) for name, found in good.items()},
        worse=worse,
        not_tried=reasons,
    )


def _with_weights(shapes: ShapeSet) -> ShapeSet:
    """The set with the weights of its clouds, where a perturbation has changed these."""
    return shapes if shapes.weights is not None else replace(shapes, weights=weights_of(shapes.clouds))


def _values(shapes: ShapeSet, sets: Sets, metrics: Sequence[Metric], known: Known) -> Measured:
    """The first column of each metric; nan for those that this set has nothing to show to."""
    reasons = left_out(shapes, sets, metrics)
    able = [metric for metric in metrics if metric.name not in reasons]
    comparison = compare(shapes, sets, able, known)
    return {metric.name: _value(metric, comparison) if metric in able else math.nan for metric in metrics}


def _value(metric: Metric, comparison: Comparison) -> float:
    try:
        return float(next(iter(metric.measure(comparison).values())))
    except HdbenchError:  # such as too few samples
        return math.nan


def _columns(shapes: ShapeSet, sets: Sets, metrics: Sequence[Metric], known: Known) -> dict[str, str]:
    comparison = compare(shapes, sets, metrics, known)
    return {metric.name: next(iter(metric.measure(comparison))) for metric in metrics}


def _by_metric(rows: Sequence[Measured]) -> dict[str, tuple[float, ...]]:
    return {name: tuple(row[name] for row in rows) for name in rows[0]}
