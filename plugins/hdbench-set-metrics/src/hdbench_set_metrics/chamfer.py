"""MMD, COV and 1-NNA on squared Chamfer distances: the columns of HyperDiffusion's Table 1.

Sources: Achlioptas et al. 2018 (MMD, COV), Lopez-Paz and Oquab 2017 and Yang et al. 2019 (1-NNA); the tie rule ``first``
reproduces github.com/stevenygd/PointFlow@26e8c26. All three read nothing but the distances of a Comparison. A sample that came
out empty covers nothing, is never the nearest of anything, and is always recognised as generated.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hdbench.interfaces import Comparison, Metric


@dataclass(frozen=True, slots=True, kw_only=True)
class NoSettings:
    """These metrics have nothing to set: what could vary belongs to the protocol."""


def _empty(comparison: Comparison) -> NDArray[np.bool_]:
    """Which generated samples have no surface, [g]."""
    return np.asarray(np.isinf(comparison.between).all(axis=1))


class MinimumMatchingDistance(Metric):
    """Mean over the reference shapes of the distance to the nearest generated one. Blind to what else was generated."""

    name = "mmd-cd"
    source = "Achlioptas et al. 2018, section 4"
    Config = NoSettings
    direction = "lower"
    range = (0.0, np.inf)
    unit = "x100"
    definition = "mean over reference shapes of the squared Chamfer distance to the nearest generated shape, times 100"

    def measure(self, comparison: Comparison) -> dict[str, float]:
        """``MMD``, times 100; infinite when every sample is empty."""
        return {"MMD": 100 * float(comparison.between.min(axis=0).mean())}


class Coverage(Metric):
    """Share of the reference shapes that are the nearest reference of at least one generated shape; its ideal is near 57 %."""

    name = "cov-cd"
    source = "Achlioptas et al. 2018, section 4"
    Config = NoSettings
    direction = "higher"
    range = (0.0, 100.0)
    unit = "%"
    definition = "share of reference shapes that are the nearest reference of some generated shape"

    def measure(self, comparison: Comparison) -> dict[str, float]:
        """``COV`` in percent. Fair ties: its expectation when each sample picks among equally near references at random."""
        between = comparison.between[~_empty(comparison)]
        if len(between) == 0:
            return {"COV": 0.0}
        if comparison.ties == "first":
            return {"COV": 100 * len(np.unique(between.argmin(axis=1))) / between.shape[1]}
        nearest = between == between.min(axis=1, keepdims=True)
        missed = np.prod(1 - nearest / nearest.sum(axis=1, keepdims=True), axis=0)
        return {"COV": 100 * float(np.mean(1 - missed))}


class NearestNeighbourAccuracy(Metric):
    """Leave-one-out accuracy of a nearest-neighbour classifier that tells generated from reference shapes.

    50 % when the two sets cannot be told apart, 100 % when they are far apart, 0 % when each generated shape is a copy of a
    reference shape. ``acc_t`` is the accuracy on the reference shapes, ``acc_f`` on the generated ones: a collapsed
    generator may have an ideal mean of a bad pair, so read all three.
    """

    name = "1nna-cd"
    source = "Lopez-Paz and Oquab 2017; Yang et al. 2019 (PointFlow), section 5.1"
    Config = NoSettings
    direction = "target"
    target = 50.0
    range = (0.0, 100.0)
    unit = "%"
    definition = "leave-one-out accuracy of a nearest-neighbour classifier of generated against reference shapes"

    def measure(self, comparison: Comparison) -> dict[str, float]:
        """``1-NNA``, ``acc_t`` (reference shapes) and ``acc_f`` (generated shapes), in percent."""
        reference_tie = 0.5 if comparison.ties == "fair" else 1.0
        across, among_generated = comparison.between, _without_self(comparison.within_generated)
        among_reference = _without_self(comparison.within_reference)
        on_reference = _credit(_nearest(among_reference), across.min(axis=0), reference_tie)
        on_generated = _credit(_nearest(among_generated), across.min(axis=1), 1 - reference_tie)
        on_generated[_empty(comparison)] = 1.0
        both = np.concatenate([on_reference, on_generated])
        return {"1-NNA": 100 * both.mean(), "acc_t": 100 * on_reference.mean(), "acc_f": 100 * on_generated.mean()}


def _without_self(within: NDArray[np.float64]) -> NDArray[np.float64]:
    """The distances of a set to itself, a shape's distance to itself being infinite."""
    others = within.copy()
    np.fill_diagonal(others, np.inf)
    return others


def _nearest(others: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance to the nearest other shape of the same set, [n]."""
    return others.min(axis=1, initial=np.inf)


def _credit(own: NDArray[np.float64], other: NDArray[np.float64], tie: float) -> NDArray[np.float64]:
    """1 where the nearest neighbour is of the shape's own set, 0 where it is of the other, ``tie`` where both are as near."""
    return np.where(own < other, 1.0, np.where(own == other, tie, 0.0))
