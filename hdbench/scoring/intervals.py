"""Intervals that cover what they claim, for any statistic of two sets.

A 95 % interval covers the expectation of the statistic at these set sizes over other reference shapes, other samples of the
same generator and, when every draw has a training of its own, other trainings. It does not cover other points on the same
surfaces, nor the bias of a statistic at this size.

*Finite sets.* Disjoint halves and quarters (``hdbench.scoring.replicates``) give the variance at n/2 and at n/4, and with them
the rate at which it falls: Var(n) = Var(n/2) / 2^rate. The rate is 1 for a mean, COV and 1-NNA, 2 for a degenerate U-statistic,
1 + 4/d for MMD of squared distances in d dimensions. It is drawn to 1 as far as its Monte Carlo error goes, and kept in 0..2.
*Draws.* The finite sets already explain a part of the spread between draws; what is left over is added. The interval is
Student's, with the degrees of freedom of the parts (Satterthwaite 1946). Two methods scored on one reference are compared part
by part (``difference``).

Measured coverage, percent (``pytest -m slow tests/test_interval_coverage.py -s``): squared distances of 8-d Gaussian latents,
new references and samples each time, N shapes in both sets, a generator that draws from the truth:

    N     MMD   COV   1-NNA   paired differences
    20    95.4  95.2  94.8    94.6 to 96.5
    60    94.9  96.6  94.5    93.9 to 95.7
    200   94.8  94.8  95.3    95.3 to 95.7

Not as claimed: the MMD of heavy-tailed latents (87 for Student's t with 6 degrees of freedom, N = 60), since no sample shows
the whole variance of such a mean; its paired differences hold. Too wide: degenerate statistics, such as a Frechet distance
between equal distributions (SD up to 1.4 times too large), and statistics that change their nature in a half, such as the MMD
of rare modes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from hdbench.errors import HdbenchError
from hdbench.scoring.replicates import Replicates

INTERVAL = "95 %: over other reference sets and other samples of these sizes, and over trainings where every draw has its own"
NAN = float("nan")


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A value, the half width of its 95 % interval (nan where it cannot be told), and where the width comes from.

    ``subsampling_sd``: finite sets. ``draws_sd``: of the mean over draws, from their spread (nan for a single draw), with
    ``draws_df`` degrees of freedom; ``generated_sd``: what finite sets alone let expect of it. ``shapes``: in the smallest set.
    """

    value: float
    half_width: float
    subsampling_sd: float = NAN
    draws_sd: float = NAN
    draws_df: float = NAN
    generated_sd: float = NAN
    shapes: int = 0
    replicates: tuple[tuple[float, float], ...] = field(repr=False, default=())  # contrasts of the mean over draws


def estimate(values: Sequence[float], replicates: Replicates, column: str) -> Estimate:
    """The mean over draws of ``values`` [s] with its interval; no width (nan) where a replicate of the column is not finite."""
    value, contrasts = float(np.mean(values)), replicates.contrasts.get(column)
    if contrasts is None or not np.isfinite(contrasts).all() or not np.isfinite(values).all():
        return Estimate(value=value, half_width=NAN, shapes=replicates.shapes)
    return _with_width(value, contrasts.mean(0), _spread(values, contrasts), replicates.shapes)


def difference(first: Estimate, second: Estimate) -> Estimate:
    """``first`` minus ``second``, with an interval from the same parts of the same reference (paired).

    The caller answers for protocol and reference being the same. Raises HdbenchError if the replicates do not pair.
    """
    if len(first.replicates) != len(second.replicates):
        raise HdbenchError(
            f"Values with {len(first.replicates)} and {len(second.replicates)} replicates cannot be subtracted part by part. "
            "Score both methods on the same reference, with the same version of hdbench."
        )
    value, shapes = first.value - second.value, min(first.shapes, second.shapes)
    if not first.replicates:
        return Estimate(value=value, half_width=NAN, shapes=shapes)
    paired = np.subtract(first.replicates, second.replicates)
    return _with_width(value, paired, _together(_draws_of(first), _draws_of(second)), shapes)


def told_apart(first: Estimate, second: Estimate, target: float | None = None) -> bool:
    """Whether one of two values on one reference reads better: zero lies outside the interval of their paired difference.

    With a ``target``, distances to it are compared. Without replicates the single intervals decide: they must not overlap.
    A value without an interval is told apart from everything.
    """
    a, b = _distance_to(target, first), _distance_to(target, second)
    if a.replicates and len(a.replicates) == len(b.replicates):
        paired = difference(a, b)
        return not abs(paired.value) <= paired.half_width
    return not abs(a.value - b.value) <= a.half_width + b.half_width


def _distance_to(target: float | None, estimate: Estimate) -> Estimate:
    """The distance of the value to the target, which rises or falls with the value."""
    if target is None:
        return estimate
    sign = 1.0 if estimate.value >= target else -1.0
    turned = tuple((sign * half, sign * quarter) for half, quarter in estimate.replicates)
    return replace(estimate, value=abs(estimate.value - target), replicates=turned)


# --------------------------------------------------------------------------------------------------------- finite sets


def _whole_per_half(contrasts: NDArray[np.float64]) -> float:
    """SD of the whole's statistic per SD of a half's, sqrt(2^-rate), from contrasts [3 p, 2]."""
    half, quarter = np.square(contrasts).reshape(-1, 3, 2).mean(1).T  # [p] each
    if not half.any() or not quarter.any():
        return 1.0
    beyond = np.log2(quarter.mean() / half.mean()) - 1
    error = np.std(quarter / quarter.mean() - half / half.mean(), ddof=1) / np.sqrt(len(half)) / np.log(2)
    kept = 1 - (error / beyond) ** 2 if abs(beyond) > error else 0.0  # James and Stein 1961, positive part
    return float(2 ** (-np.clip(1 + kept * beyond, 0, 2) / 2))


def _subsampling_sd(contrasts: NDArray[np.float64]) -> float:
    return _whole_per_half(contrasts) * float(np.sqrt(np.square(contrasts[:, 0]).mean()))


# --------------------------------------------------------------------------------------------------------------- draws


@dataclass(frozen=True, slots=True)
class _Spread:
    """Variance of the mean over draws: as their spread has it, with degrees of freedom; and as finite sets let expect."""

    found: float
    df: float
    expected: float

    @property
    def excess(self) -> float:
        """What finite sets do not explain, such as the differences between trainings."""
        return max(0.0, self.found - self.expected)


_UNKNOWN = _Spread(0.0, NAN, 0.0)  # of a single draw


def _spread(values: Sequence[float], contrasts: NDArray[np.float64]) -> _Spread:
    """From values [s] and contrasts [s, 3 p, 2]; draws share the parts of the reference, so they differ by generation alone."""
    count = len(values)
    if count == 1:
        return _UNKNOWN
    of_halves = float(contrasts[..., 0].var(0, ddof=1).mean())
    expected = _whole_per_half(contrasts.mean(0)) ** 2 * of_halves
    return _Spread(float(np.var(values, ddof=1)) / count, count - 1, expected / count)


def _draws_of(estimate: Estimate) -> _Spread:
    if np.isnan(estimate.draws_sd):
        return _UNKNOWN
    return _Spread(estimate.draws_sd**2, estimate.draws_df, estimate.generated_sd**2)


def _together(a: _Spread, b: _Spread) -> _Spread:
    """Of the difference of two independent means."""
    found = a.found + b.found
    uncertainty = sum(s.found**2 / s.df for s in (a, b) if s.found)
    return _Spread(found, found**2 / uncertainty if uncertainty else NAN, a.expected + b.expected)


# -------------------------------------------------------------------------------------------------------------- widths


def _with_width(value: float, contrasts: NDArray[np.float64], draws: _Spread, shapes: int) -> Estimate:
    """The estimate from the contrasts [3 p, 2] of the mean over draws."""
    sd, several = _subsampling_sd(contrasts), not np.isnan(draws.df)
    return Estimate(
        value=value,
        half_width=_half_width(sd**2, draws, shapes),
        subsampling_sd=sd,
        draws_sd=float(np.sqrt(draws.found)) if several else NAN,
        draws_df=draws.df,
        generated_sd=float(np.sqrt(draws.expected)) if several else NAN,
        shapes=shapes,
        replicates=tuple((float(half), float(quarter)) for half, quarter in contrasts),
    )


def _half_width(subsampling: float, draws: _Spread, shapes: int) -> float:
    """Student's half width for the sum of two estimated variances."""
    variance = subsampling + draws.excess
    if variance == 0:
        return 0.0
    uncertainty = subsampling**2 / (shapes - 1) + (draws.found**2 / draws.df if draws.excess else 0.0)
    return float(stdtrit(variance**2 / uncertainty, 0.975) * np.sqrt(variance))
