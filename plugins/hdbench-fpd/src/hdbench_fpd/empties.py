"""What an empty sample counts for: it has no features, and must never make a method look better.

A share e of the samples is empty. Distances are ``(1 - e) others + e worst``: ``others`` is the distance of the samples that are
not empty; ``worst`` is that of a set of nothing but copies of one outlier, which stands at the reference's mean but for an offset
in a direction of its own, as long as the longest reference vector (or ``others``, if that is more). Features are rectified, so
that their length says how much the network sees in a shape, and other shapes are rarely that far. The offset depends on the
reference alone: an empty sample costs every method the same.

Precision, density and coverage need no rule: an empty sample lies in no ball. Recall of the others is multiplied by 1 - e,
because the balls around fewer samples are larger: that holds on average, not for every single sample that turns empty.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hdbench.interfaces import Features


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Features [g, d] of the samples that are not empty, those of the reference [r, d], and the share of empty samples."""

    generated: NDArray[np.float64]
    reference: NDArray[np.float64]
    empty: float

    def squared_offset(self) -> float:
        """How far an empty sample is from the reference's mean, squared."""
        return float((self.reference**2).sum(1).max())


def samples(part: Features) -> Samples:
    """The part of a comparison without its empty rows."""
    full = np.asarray(np.isfinite(part.generated).all(1))
    return Samples(part.generated[full], part.reference, float(1 - np.mean(full)) if len(full) else 0.0)


def mixed(others: float, worst: float, share: float) -> float:
    """A distance with a share of empty samples; ``others`` is nan when too few are left, and then all count as empty."""
    if share == 0:
        return others
    return worst if np.isnan(others) else (1 - share) * others + share * max(worst, others)
