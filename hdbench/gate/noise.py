"""How far two equal generators' numbers lie apart by chance, and how surely one number is worse than another.

*Finite sets.* Both were scored on the same reference shapes, which the gate takes as given, so what counts is which samples
happened to be drawn: ``generated_sd`` of an Estimate, which parts of several draws against the same parts of the reference tell
(measured: within 10 % of the truth for MMD, COV and 1-NNA of 60 and 200 shapes, spread 6 to 9 %). With a single draw it is not
known; then the two are compared part by part (replicates), and without replicates the noise of both sets of both is added, which
is too much and never too little. So it is where the shapes have other bits, since nobody knows how other they are.
*Trainings.* A reference of several seeds tells how much they differ, and a run of one seed is granted the same. A reference of
one seed does not tell. Few seeds tell it badly: Student's t of two degrees of freedom is wide, so five seeds gate better than
three.
Sources: Student 1908; Satterthwaite 1946 (degrees of freedom of sums); Holm 1979 (several metrics).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from scipy.special import stdtr, stdtrit

from hdbench.scoring.intervals import Estimate, difference
from hdbench.tables.rows import Column


@dataclass(frozen=True, slots=True)
class Noise:
    """A variance that was estimated: with the variance of that estimate, ``uncertainty`` = sum of v_i^2 / df_i."""

    variance: float = 0.0
    uncertainty: float = 0.0

    def __add__(self, other: Noise) -> Noise:
        return Noise(self.variance + other.variance, self.uncertainty + other.uncertainty)

    def scaled(self, factor: float) -> Noise:
        """That of a sum of ``factor`` such parts."""
        return Noise(factor * self.variance, factor**2 * self.uncertainty)

    @property
    def df(self) -> float:
        """Degrees of freedom; infinite for what is known without error."""
        return self.variance**2 / self.uncertainty if self.uncertainty else math.inf

    @property
    def sd(self) -> float:
        return math.sqrt(self.variance)

    def p_value(self, excess: float) -> float:
        """The probability of an excess at least as large where there is none."""
        if self.variance == 0:
            return 0.0 if excess > 0 else 1.0
        return float(stdtr(min(self.df, 1e9), -excess / self.sd))

    def critical(self, alpha: float) -> float:
        """The excess whose p-value is ``alpha``."""
        return float(stdtrit(min(self.df, 1e9), 1 - alpha)) * self.sd if self.variance else 0.0


def noise_between(run: Estimate, reference: Estimate, same_shapes: bool, trainings: tuple[int, int]) -> Noise:
    """Of run minus reference. ``trainings``: seeds of the run and of the reference."""
    ours, theirs = trainings
    noise = _of_finite_sets(run, reference, same_shapes)
    noise += _of_trainings(run) if ours > 1 else Noise()
    noise += _of_trainings(reference) if theirs > 1 else Noise()
    if ours == 1 < theirs:  # a run of one training, held against the mean of several
        noise += _of_trainings(reference).scaled(theirs)
    return noise


def _of_finite_sets(run: Estimate, reference: Estimate, same_shapes: bool) -> Noise:
    if same_shapes and not math.isnan(run.generated_sd + reference.generated_sd):
        return _of_one(run.generated_sd, run.shapes) + _of_one(reference.generated_sd, reference.shapes)
    if same_shapes and run.replicates and len(run.replicates) == len(reference.replicates):
        return _of_one(difference(run, reference).subsampling_sd, min(run.shapes, reference.shapes))
    return _of_one(run.subsampling_sd, run.shapes) + _of_one(reference.subsampling_sd, reference.shapes)


def _of_one(sd: float, shapes: int) -> Noise:
    return Noise(sd**2, sd**4 / max(shapes - 1, 1))


def _of_trainings(estimate: Estimate) -> Noise:
    """What the mean over seeds varies by more than finite sets explain."""
    explained = 0.0 if math.isnan(estimate.generated_sd) else estimate.generated_sd**2
    found = estimate.draws_sd**2
    return Noise(found - explained, found**2 / estimate.draws_df) if found > explained else Noise()


# -------------------------------------------------------------------------------------------------------------- badness


def as_badness(estimate: Estimate, column: Column) -> Estimate:
    """The value as a number that is the smaller, the better; a distance to the target where there is one."""
    if column.direction == "lower":
        return estimate
    below = column.target is not None and estimate.value < column.target
    sign = -1.0 if column.direction == "higher" or below else 1.0
    turned = tuple((sign * half, sign * quarter) for half, quarter in estimate.replicates)
    return replace(estimate, value=column.badness(estimate.value), replicates=turned)


# ---------------------------------------------------------------------------------------------------------------- Holm


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values: to fail where one is below alpha keeps the chance of any false alarm below alpha, whatever the
    dependence between the metrics."""
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted, highest = [1.0] * len(p_values), 0.0
    for rank, i in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[i]))
        adjusted[i] = highest
    return adjusted
