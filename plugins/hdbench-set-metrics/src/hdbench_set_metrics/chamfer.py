"""MMD, COV and 1-NNA: the columns of HyperDiffusion's Table 1, on squared Chamfer distances.

Sources: Achlioptas et al. 2018 (MMD, COV), Lopez-Paz and Oquab 2017 and Yang et al. 2019 (1-NNA); the tie rule ``first``
reproduces github.com/stevenygd/PointFlow@26e8c26. All of them read nothing but distances (``emd`` has the same on others). A
sample that came out empty covers nothing, is never the nearest of anything, and is always recognised as generated.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hdbench.interfaces import Comparison, Pairs, Vector
from hdbench_set_metrics import cases
from hdbench_set_metrics.pairs import OnDistances, empty


class MinimumMatchingDistance(OnDistances):
    """Mean over the reference shapes of the distance to the nearest generated one. Blind to what else was generated."""

    name = "mmd-cd"
    source = "Achlioptas et al. 2018, section 4"
    direction = "lower"
    range = (0.0, np.inf)
    unit = "x100"
    definition = "mean over reference shapes of the squared Chamfer distance to the nearest generated shape, times 100"

    def measure(self, comparison: Comparison) -> dict[str, float]:
        """``MMD``, times 100; infinite when every sample is empty."""
        return self.columns({"MMD": 100 * float(self.pairs(comparison).between.min(axis=0).mean())})

    @classmethod
    def vectors(cls) -> Sequence[Vector]:
        return cases.on_a_line(cls, "MMD")


class MatchingDistanceOfSamples(OnDistances):
    """Mean over the generated shapes of the distance to the nearest reference: MMD the other way round. It sees what MMD is
    blind to, bad samples beside good ones, and is blind to what was not generated."""

    name = "mmd-smp-cd"
    source = "github.com/stevenygd/PointFlow@26e8c26, 'lgan_mmd_smp'"
    direction = "lower"
    range = (0.0, np.inf)
    unit = "x100"
    definition = "mean over generated shapes of the squared Chamfer distance to the nearest reference shape, times 100"

    def measure(self, comparison: Comparison) -> dict[str, float]:
        """``MMD-smp``, times 100; infinite when any sample is empty."""
        return self.columns({"MMD-smp": 100 * float(self.pairs(comparison).between.min(axis=1).mean())})

    @classmethod
    def vectors(cls) -> Sequence[Vector]:
        return cases.on_a_line(cls, "MMD-smp")


class Coverage(OnDistances):
    """Share of the reference shapes that are the nearest reference of at least one generated shape; its ideal is near 57 %."""

    name = "cov-cd"
    source = "Achlioptas et al. 2018, section 4"
    direction = "higher"
    range = (0.0, 100.0)
    unit = "%"
    definition = "share of reference shapes that are the nearest reference of some generated shape"

    def measure(self, comparison: Comparison) -> dict[str, float]:
        """``COV`` in percent. Fair ties: its expectation when each sample picks among equally near references at random."""
        pairs = self.pairs(comparison)
        return self.columns({"COV": 100 * _coverage(pairs.between[~empty(pairs)], comparison.ties == "fair")})

    @classmethod
    def vectors(cls) -> Sequence[Vector]:
        return cases.on_a_line(cls, "COV")


class NearestNeighbourAccuracy(OnDistances):
    """Leave-one-out accuracy of a nearest-neighbour classifier that tells generated from reference shapes.

    50 % when the two sets cannot be told apart, 100 % when they are far apart, 0 % when each generated shape is a copy of a
    reference shape. ``acc_t`` is the accuracy on the reference shapes, ``acc_f`` on the generated ones: a collapsed
    generator may have an ideal mean of a bad pair, so read all three.
    """

    name = "1nna-cd"
    source = "Lopez-Paz and Oquab 2017; Yang et al. 2019 (PointFlow), section 5.1"
    direction = "target"
    target = 50.0
    range = (0.0, 100.0)
    unit = "%"
    definition = "leave-one-out accuracy of a nearest-neighbour classifier of generated against reference shapes"

    def measure(self, comparison: Comparison) -> dict[str, float]:
        """``1-NNA``, ``acc_t`` (reference shapes) and ``acc_f`` (generated shapes), in percent."""
        on_reference, on_generated = recognised(self.pairs(comparison), comparison.ties == "fair")
        both = np.concatenate([on_reference, on_generated])
        return self.columns({"1-NNA": 100 * both.mean(), "acc_t": 100 * on_reference.mean(), "acc_f": 100 * on_generated.mean()})

    @classmethod
    def vectors(cls) -> Sequence[Vector]:
        return cases.on_a_line(cls, "1-NNA", "acc_t", "acc_f")


# ------------------------------------------------------------------------------------------------------------ arithmetic


def _coverage(between: NDArray[np.float64], fair: bool) -> float:
    """Share of the columns of ``between`` [g, r] that are the least of some row."""
    if len(between) == 0:
        return 0.0
    if not fair:
        return len(np.unique(between.argmin(axis=1))) / between.shape[1]
    nearest = between == between.min(axis=1, keepdims=True)
    missed = np.prod(1 - nearest / nearest.sum(axis=1, keepdims=True), axis=0)
    return float(np.mean(1 - missed))


def recognised(pairs: Pairs, fair: bool) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The classifier's credit on every reference shape [r] and on every generated one [g], 0..1."""
    reference_tie = 0.5 if fair else 1.0
    on_reference = _credit(_nearest(pairs.within_reference), pairs.between.min(axis=0), reference_tie)
    on_generated = _credit(_nearest(pairs.within_generated), pairs.between.min(axis=1), 1 - reference_tie)
    on_generated[empty(pairs)] = 1.0
    return on_reference, on_generated


def _nearest(within: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance to the nearest other shape of the same set, [n]."""
    others = within.copy()
    np.fill_diagonal(others, np.inf)
    return others.min(axis=1, initial=np.inf)


def _credit(own: NDArray[np.float64], other: NDArray[np.float64], tie: float) -> NDArray[np.float64]:
    """1 where the nearest neighbour is of the shape's own set, 0 where it is of the other, ``tie`` where both are as near."""
    return np.where(own < other, 1.0, np.where(own == other, tie, 0.0))
