"""How many different shapes a set holds: the Vendi score, compared with that of the reference."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hdbench.interfaces import Comparison, Vector
from hdbench_set_metrics import cases
from hdbench_set_metrics.pairs import OnDistances


class Vendi(OnDistances):
    """The effective number of different generated shapes in percent of that of the reference.

    Below 100 the generator repeats itself; above, it varies more than real shapes do, which is no merit. The score grows with the
    number of shapes, so both sets should have as many. Two shapes are alike to exp(-d / m), where m is the median
    distance of two reference shapes: the score has neither a parameter nor a unit. It never looks at the two sets together.
    """

    name = "vendi-cd"
    source = "Friedman and Dieng 2023, definition 3.1 (q = 1); the scale of the kernel is ours"
    direction = "target"
    target = 100.0
    chamfer = "all"
    range = (0.0, np.inf)
    unit = "%"
    definition = (
        "effective number of different generated shapes (Vendi score of Chamfer distances), in percent of the reference's"
    )
    cost = "the eigenvalues of two N x N matrices: 0.1 s for 606 + 606 shapes"

    def measure(self, comparison: Comparison) -> dict[str, float]:
        """``Vendi`` in percent; ``Vendi-gen`` and ``Vendi-ref``, the two scores."""
        pairs = self.pairs(comparison)
        scale = _scale(pairs.within_reference)
        generated = score_of_set(pairs.within_generated, scale, comparison.empty())
        reference = score_of_set(pairs.within_reference, scale, np.zeros(len(comparison.reference), bool))
        return self.columns({"Vendi": 100 * generated / reference, "Vendi-gen": generated, "Vendi-ref": reference})

    @classmethod
    def vectors(cls) -> Sequence[Vector]:
        # one pair of reference shapes: alike to 1 / e, so the eigenvalues are (1 +- 1 / e) / 2
        halves = np.array([1 + np.exp(-1), 1 - np.exp(-1)]) / 2
        two = float(np.exp(-(halves * np.log(halves)).sum()))
        return (
            Vector(
                "a single shape, repeated", cases.points_on_a_line((0, 3), (7, 7)),
                {"Vendi": 100 / two, "Vendi-gen": 1, "Vendi-ref": two},
            ),
            Vector("as different as the reference", cases.points_on_a_line((0, 3), (50, 53)), {"Vendi": 100}),
            Vector("shapes far apart", cases.points_on_a_line((0, 3), (0, 100)), {"Vendi-gen": 2}),
        )  # fmt: skip


def score_of_set(within: NDArray[np.float64], scale: float, empty: NDArray[np.bool_]) -> float:
    """The score of a set with these distances [n, n]. Empty samples bring no variety: the entropy of the others counts by their
    share, which is never more than it would be with shapes in their place."""
    whole = ~empty
    if not whole.any():
        return 1.0
    return float(vendi_score(_likeness(within[np.ix_(whole, whole)], scale)) ** whole.mean())


def vendi_score(likeness: NDArray[np.float64]) -> float:
    """exp of the entropy of the eigenvalues of a likeness matrix [n, n] with ones on the diagonal, divided by n.

    Likeness by Chamfer distances need not be positive definite: eigenvalues below zero are taken for zero.
    """
    shares = np.linalg.eigvalsh(likeness / len(likeness)).clip(min=0)
    shares = shares[shares > 0] / shares.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))


def _scale(within: NDArray[np.float64]) -> float:
    """The median distance of two shapes; 0 for a single one."""
    above = within[np.triu_indices(len(within), 1)]
    return float(np.median(above)) if len(above) else 0.0


def _likeness(within: NDArray[np.float64], scale: float) -> NDArray[np.float64]:
    return np.exp(-within / scale) if scale > 0 else (within == 0).astype(np.float64)
