"""What a curve says: the metric sees that samples get worse, is blind to it, or rewards it.

A change counts when it is larger than what two equally good generators differ by: 1.96 standard deviations of the difference of
two good draws, widened for the few draws that the deviation is estimated from (Student's t). Strengths count from the first one
on for which this and all larger strengths change as much.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from hdbench.interfaces import Metric
from hdbench.selftest.curves import STRENGTHS, Curves

Word = Literal["sees", "blind", "rewards", "not tried"]
CONFIDENCE = 0.95
ROUNDING = 1e-6  # of a value, below which a change is the rounding of float32 clouds


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a metric takes a perturbation.

    ``start`` is its value on the good samples, ``values`` those at STRENGTHS; ``harm`` is by how much it got worse at each, in
    units of what two good draws differ by (1 is the limit); ``correlation`` is Spearman's, of badness with strength; ``since``
    the strength from which on it sees or rewards.
    """

    metric: str
    column: str
    perturbation: str
    word: Word
    since: float
    correlation: float
    start: float
    noise: float
    values: tuple[float, ...]
    harm: tuple[float, ...]

    @property
    def misled(self) -> bool:
        """Whether some strength, small or large, makes it better by more than its noise."""
        return any(h < -1 for h in self.harm)


def verdicts(curves: Curves) -> list[Verdict]:
    """One verdict per metric and perturbation, metric by metric."""
    return [_verdict(curves, metric, name) for metric in curves.metrics for name in curves.worse]


def badness(metric: Metric, value: float) -> float:
    """A number that is the larger, the worse the value."""
    if metric.direction == "target":
        return abs(value - float(metric.target or 0))
    return value if metric.direction == "lower" else -value


def noise_of(good: Sequence[float]) -> float:
    """By how much two good draws differ, at most, 95 times in 100."""
    from scipy.stats import t

    return float(np.sqrt(2) * t.ppf((1 + CONFIDENCE) / 2, len(good) - 1) * np.std(good, ddof=1))


def _verdict(curves: Curves, metric: Metric, perturbation: str) -> Verdict:
    good, start, values = curves.good[metric.name], curves.start[metric.name], curves.worse[perturbation][metric.name]
    noise = max(noise_of(good), ROUNDING * max(map(abs, good)))
    harm = tuple(_harm(metric, value, start, noise) for value in values)
    word, since = read(harm)
    return Verdict(
        metric=metric.name, column=curves.columns[metric.name], perturbation=perturbation, word=word, since=since,
        correlation=_spearman([badness(metric, v) for v in (start, *values)]),
        start=start, noise=noise, values=values, harm=harm,
    )  # fmt: skip


def read(harm: Sequence[float]) -> tuple[Word, float]:
    """The word for the harm at STRENGTHS, and since which strength it holds (nan for ``blind``)."""
    if any(math.isnan(h) for h in harm):
        return "not tried", math.nan
    for word, sign in (("sees", 1), ("rewards", -1)):
        if sign * harm[-1] > 1:
            first = next(k for k in reversed(range(len(harm))) if k == 0 or sign * harm[k - 1] <= 1)
            return word, STRENGTHS[first]  # type: ignore[return-value]
    return "blind", math.nan


def _harm(metric: Metric, value: float, start: float, noise: float) -> float:
    """The change of badness over the noise. Where good draws are all alike, any change is beyond it."""
    change = badness(metric, value) - badness(metric, start)
    if math.isnan(change) or change == 0:
        return change
    return change / noise if noise > 0 else math.copysign(math.inf, change)


def _spearman(badnesses: Sequence[float]) -> float:
    """Of badness with strength; nan where it never changes, or is unknown."""
    from scipy.stats import rankdata

    if any(math.isnan(b) for b in badnesses) or len(set(badnesses)) == 1:
        return math.nan
    return float(np.corrcoef(rankdata(badnesses), np.arange(len(badnesses)))[0, 1])
