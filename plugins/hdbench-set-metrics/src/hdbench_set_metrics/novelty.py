"""Are the generated shapes new? How near they are to the training shapes, held against how near the test shapes are.

Real shapes that the generator never saw are the measure of what is near: a generator that learned the distribution is as near to
its training shapes as the test shapes are, one that memorised is nearer. A sample that came out empty is nothing new: it
counts as a copy.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, cast

import numpy as np
from numpy.typing import NDArray

from hdbench.interfaces import Comparison, Metric, Neighbours, Vector
from hdbench_set_metrics import cases
from hdbench_set_metrics.basics import NoSettings, ratio

CLOSEST = 0.01  # share of the test shapes that may be as near as a copy is


class OnNeighbours(Metric):
    """A metric that reads the nearest training shapes."""

    Config = NoSettings
    sees = "copies"
    cost = "the nearest training shape of every shape"
    chamfer = "none"
    reads = ("train",)
    part: ClassVar[str] = "train"

    def neighbours(self, comparison: Comparison) -> Neighbours:
        """The nearest training shapes."""
        return cast(Neighbours, comparison.parts[self.part])

    def generated(self, comparison: Comparison) -> NDArray[np.float64]:
        """From every generated shape to the nearest training shape, [g]; empty samples are at 0."""
        return np.where(comparison.empty(), 0.0, self.neighbours(comparison).generated[:, 0])


class DataCopying(OnNeighbours):
    """A z-score. Far below 0: generated shapes are nearer to the training shapes than test shapes are, so they are copies. Far
    above 0: they are farther, so the generator underfits. It grows with the square root of the number of shapes."""

    name = "zu"
    source = "Meehan, Chaudhuri and Dasgupta 2020, equation 2; github.com/casey-meehan/data-copying (continuity correction)"
    direction = "target"
    target = 0.0
    range = (-np.inf, np.inf)
    unit = "z"
    definition = "Mann-Whitney z-score of distances to the nearest training shape, generated against test; below 0 they copy"

    def measure(self, comparison: Comparison) -> dict[str, float]:
        """``Z_U``."""
        return {"Z_U": z_u(self.generated(comparison), self.neighbours(comparison).reference[:, 0])}

    @classmethod
    def vectors(cls) -> Sequence[Vector]:
        known = {
            "copies": ((0, 0), (1, 1), -1.1618950038622250),
            "as near as test shapes": ((1, 2), (1, 2), 0.3872983346207417),
            "farther than test shapes": ((5, 6), (1, 2), 1.9364916731037085),
        }
        return tuple(
            Vector(title, _with_neighbours(g, r, (0, 1e9)), {"Z_U": value}) for title, (g, r, value) in known.items()
        )  # fmt: skip


class AuthenticShare(OnNeighbours):
    """Share of the generated shapes that are farther from their nearest training shape than that one is from its own nearest.

    Its ideal is what the test shapes have (``AuthPct-test``), not 100: in crowded parts of the data even real shapes are not
    authentic by this rule.
    """

    name = "authpct"
    source = "Alaa et al. 2022, section 3.3; github.com/layer6ai-labs/dgm-eval, 'compute_authpct'"
    direction = "higher"
    range = (0.0, 100.0)
    unit = "%"
    definition = "share of generated shapes farther from their nearest training shape than that one is from its nearest"

    def measure(self, comparison: Comparison) -> dict[str, float]:
        """``AuthPct`` of the generated shapes and ``AuthPct-test`` of the reference shapes, in percent."""
        near = self.neighbours(comparison)
        generated = _authentic(near.generated, near.generated_index, near.training) & ~comparison.empty()
        test = _authentic(near.reference, near.reference_index, near.training)
        return {"AuthPct": 100 * float(generated.mean()), "AuthPct-test": 100 * float(test.mean())}

    @classmethod
    def vectors(cls) -> Sequence[Vector]:
        known = {
            "one of three": ((1, 30, 10), (0, 10), 100 / 3),
            "all of them": ((5, 6), (0, 1), 100),
            "the training shapes themselves": ((0, 1, 5), (0, 1, 5), 0),
        }
        return tuple(
            Vector(title, _with_neighbours(g, (0,), training), {"AuthPct": value})
            for title, (g, training, value) in known.items()
        )


class Copies(OnNeighbours):
    """Share of the generated shapes that are nearer to a training shape than all but the closest 1 % of the test shapes are.

    About 1 % or less for a generator that learned the distribution. Of fewer than a hundred test shapes, the closest one decides.
    """

    name = "copies"
    source = "the rule is ours; the comparison with test shapes follows Meehan, Chaudhuri and Dasgupta 2020"
    direction = "lower"
    range = (0.0, 100.0)
    unit = "%"
    definition = "share of generated shapes nearer to a training shape than the closest 1 % of test shapes are, or empty"

    def measure(self, comparison: Comparison) -> dict[str, float]:
        """``Copies``, in percent."""
        threshold = np.quantile(self.neighbours(comparison).reference[:, 0], CLOSEST, method="lower")
        copied = (self.generated(comparison) < threshold) | comparison.empty()
        return {"Copies": 100 * float(copied.mean())}

    @classmethod
    def vectors(cls) -> Sequence[Vector]:
        return (
            Vector("one of four", _with_neighbours((0.5, 1, 2, 3), (1, 2), (0, 1e9)), {"Copies": 25}),
            Vector("the test shapes themselves", _with_neighbours((1, 2), (1, 2), (0, 1e9)), {"Copies": 0}),
        )


class NoveltyRatio(OnNeighbours):
    """Mean distance of the generated shapes to their nearest training shape over that of the test shapes; below 1 they copy."""

    name = "novelty-cd"
    source = "the comparison with test shapes follows Meehan, Chaudhuri and Dasgupta 2020"
    direction = "target"
    target = 1.0
    range = (0.0, np.inf)
    unit = "ratio"
    definition = "mean squared Chamfer distance to the nearest training shape, generated over test; below 1 they copy"

    def measure(self, comparison: Comparison) -> dict[str, float]:
        """``Novelty``."""
        return {"Novelty": ratio(self.generated(comparison).mean(), self.neighbours(comparison).reference[:, 0].mean())}

    @classmethod
    def vectors(cls) -> Sequence[Vector]:
        return (
            Vector("half as far", _with_neighbours((1, 2), (2, 4), (0, 1e9)), {"Novelty": 0.5}),
            Vector("copies", _with_neighbours((0, 0), (2, 4), (0, 1e9)), {"Novelty": 0}),
        )


class WeightRatio(OnNeighbours):
    """How near generated weights are to training weights, in units of how near those are to each other; 0 for copies.

    Methods whose samples are the weights of fields alone have it. Copies of training weights under another order of the neurons
    are new weights here, and old shapes to the other metrics.
    """

    name = "weight-nn-ratio"
    source = "Zeng et al. 2025 (arXiv 2506.07998), distances to training weights; github.com/boyazeng/weight_memorization@d613812"
    direction = "target"
    target = 1.0
    range = (0.0, np.inf)
    unit = "ratio"
    definition = "mean distance of generated weights to the nearest training weights over that among training weights"
    cost = "N x M distances of weight vectors"
    reads = ("weights",)
    part = "weights"

    def measure(self, comparison: Comparison) -> dict[str, float]:
        """``W-NN``."""
        return {"W-NN": ratio(self.generated(comparison).mean(), self.neighbours(comparison).training.mean())}

    @classmethod
    def vectors(cls) -> Sequence[Vector]:
        return (
            Vector("half way", _with_neighbours((1, 1), (0,), (0, 2), "weights"), {"W-NN": 0.5}),
            Vector("copies", _with_neighbours((0, 2), (0,), (0, 2), "weights"), {"W-NN": 0}),
        )


# ------------------------------------------------------------------------------------------------------------ arithmetic


def z_u(generated: NDArray[np.float64], test: NDArray[np.float64]) -> float:
    """The z-score of U = #{generated farther than test} (ties count half) when both [m], [n] are of one distribution.

    The constant 1/2 is the continuity correction of the authors' code; it does not vanish when both are equal.
    """
    m, n, ordered = len(generated), len(test), np.sort(test)
    below, up_to = (np.searchsorted(ordered, generated, side=side) for side in ("left", "right"))
    u = (below + up_to).sum() / 2
    return float((u - m * n / 2 + 0.5) / np.sqrt(m * n * (m + n + 1) / 12))


def _authentic(
    distances: NDArray[np.float64], index: NDArray[np.int64], training: NDArray[np.float64]
) -> NDArray[np.bool_]:  # fmt: skip
    return distances[:, 0] > training[index[:, 0]]


def _with_neighbours(
    generated: Sequence[float], test: Sequence[float], training: Sequence[float], part: str = "train"
) -> Comparison:
    return cases.of_parts(len(generated), len(test), {part: cases.nearest(generated, test, training)})
