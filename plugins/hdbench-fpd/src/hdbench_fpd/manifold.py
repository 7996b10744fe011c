"""Precision, recall, density and coverage: sets as unions of balls that reach from each sample to its k-th nearest neighbour.

Sources: Kynkaanniemi et al. 2019 (precision, recall: a ball has its rim), Naeem et al. 2020 (density, coverage: it has not).
Distances are squared. ``between`` is [g, r], ``radii`` [n] are those of ``radii_of``.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Values = NDArray[np.float64]


@njit(cache=True, nogil=True, error_model="numpy")
def _squared_distances(first, second, out):
    lanes = np.zeros(8)
    for i in range(len(first)):
        for j in range(len(second)):
            lanes[:] = 0.0
            for k in range(first.shape[1] // 8):
                for lane in range(8):
                    gap = first[i, 8 * k + lane] - second[j, 8 * k + lane]
                    lanes[lane] += gap * gap
            total = lanes.sum()
            for k in range(first.shape[1] // 8 * 8, first.shape[1]):
                total += (first[i, k] - second[j, k]) ** 2
            out[i, j] = total


def squared_distances(first: Values, second: Values) -> Values:
    """[n, d] and [m, d] -> [n, m], by differences: copies are at 0, and equal pairs at equal distances wherever they stand."""
    out = np.empty((len(first), len(second)))
    _squared_distances(np.ascontiguousarray(first), np.ascontiguousarray(second), out)
    return out


def radii_of(features: Values, k: int) -> Values:
    """Squared distance [n] from each sample to its k-th nearest other one; n > k."""
    return np.partition(squared_distances(features, features), k, axis=1)[:, k]


def precision(between: Values, reference_radii: Values) -> float:
    """Share of the generated samples that lie in a ball of the reference."""
    return float((between <= reference_radii).any(1).mean())


def recall(between: Values, generated_radii: Values) -> float:
    """Share of the reference samples that lie in a ball of the generated set."""
    return float((between <= generated_radii[:, None]).any(0).mean())


def density(between: Values, reference_radii: Values, k: int) -> float:
    """In how many balls of the reference a generated sample lies, over k; a perfect generator has 1, it can be more."""
    return float((between < reference_radii).sum() / (k * len(between)))


def coverage(between: Values, reference_radii: Values) -> float:
    """Share of the reference's balls that hold a generated sample."""
    return float((between.min(0) < reference_radii).mean())
