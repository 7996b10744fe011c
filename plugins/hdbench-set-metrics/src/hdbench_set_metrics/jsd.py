"""How differently two sets of shapes fill space: the Jensen-Shannon divergence of where their points lie."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from hdbench.interfaces import Comparison, Features, Metric, Vector
from hdbench_set_metrics import cases
from hdbench_set_metrics.basics import NoSettings


class JensenShannonDivergence(Metric):
    """0 when both sets put the same share of their points into every cell of a 28^3 grid, 1 bit when they share no cell.

    It sees the mean shape of a set alone: a generator that makes one blurred average of all shapes can be good at it. The points
    of all frames count. A sample that came out empty puts its points into a cell of its own, which no reference reaches.
    """

    name = "jsd"
    source = "Achlioptas et al. 2018, section 4; github.com/stevenygd/PointFlow@26e8c26, 'jsd_between_point_cloud_sets'"
    Config = NoSettings
    direction = "lower"
    range = (0.0, 100.0)
    unit = "x100"
    definition = (
        "Jensen-Shannon divergence (base 2) of the points' distributions over a 28^3 grid in the half-unit ball, times 100"
    )
    cost = "10,144 numbers per shape"
    chamfer = "none"
    reads = ("grid",)

    def measure(self, comparison: Comparison) -> dict[str, float]:
        """``JSD`` in bits, times 100; 100 when every sample is empty."""
        grid = cast(Features, comparison.parts["grid"])
        return {"JSD": 100 * divergence(_shares(grid.generated), _shares(grid.reference))}

    @classmethod
    def vectors(cls) -> Sequence[Vector]:
        known = {
            "the same": ((1, 0), (1, 0), 0.0),
            "disjoint": ((1, 0), (0, 1), 1.0),
            "one cell of two": ((1, 0), (0.5, 0.5), 0.3112781244591328),
        }
        return tuple(
            Vector(title, cases.of_parts(1, 1, {"grid": Features(*(np.array([x], float) for x in pq))}), {"JSD": 100 * value})
            for title, (*pq, value) in known.items()
        )


def _shares(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of all points in every cell, [d + 1]; the last is the cell of the empty samples, whose counts [n, d] are nan."""
    empty = np.isnan(counts).any(1)
    inside = counts[~empty].sum(0)
    per_shape = inside.sum() / max((~empty).sum(), 1)
    filled = np.append(inside, empty.sum() * (per_shape or 1.0))
    return np.asarray(filled / filled.sum())


def divergence(p: NDArray[np.float64], q: NDArray[np.float64]) -> float:
    """Jensen-Shannon divergence of two distributions [d] in bits, 0..1: H((p + q) / 2) - (H(p) + H(q)) / 2."""
    return float(np.clip(_entropy((p + q) / 2) - (_entropy(p) + _entropy(q)) / 2, 0.0, 1.0))


def _entropy(p: NDArray[np.float64]) -> float:
    positive = p[p > 0]
    return float(-(positive * np.log2(positive)).sum())
