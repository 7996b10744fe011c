"""The permutation test of 1-NNA: would generated and reference shapes with shuffled labels be told apart as well?

Under the hypothesis that both sets come from one distribution, all ways of labelling the pooled shapes are equally likely, so
the share of labellings with an accuracy at least as high as the one found is an exact p-value, for any sizes of the sets.
It is one-sided: accuracies below the chance level, as copies of reference shapes give, have large p-values.

The nearest neighbours of a pooled shape do not depend on the labels; only their labels are shuffled.
Sources: Lopez-Paz and Oquab 2017 (the classifier test); Phipson and Smyth 2010 (the observed labelling counts as one).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from math import comb
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from hdbench.errors import HdbenchError
from hdbench.seeds import numpy_generator

PERMUTATIONS = 999


def nearest_neighbour_p_value(
    within_generated: NDArray[np.float64],
    between: NDArray[np.float64],
    within_reference: NDArray[np.float64],
    ties: Literal["fair", "first"] = "fair",
    permutations: int = PERMUTATIONS,
) -> float:
    """p of "generated and reference are alike" from distances [g, g], [g, r] and [r, r]; small when they can be told apart.

    Sets so small that ``permutations`` would exceed the number of labellings are enumerated. A sample that came out empty
    (infinitely far from everything) is always called generated. Raises HdbenchError for sets without a shape.
    """
    generated, reference = between.shape
    if 0 in between.shape:
        raise HdbenchError(
            f"{generated} generated cannot be tested against {reference} reference shapes: give at least one of each."
        )
    pooled = np.block([[within_generated, between], [between.T, within_reference]])
    empty = np.concatenate([np.isinf(between.min(1)), np.zeros(reference, np.bool_)])
    accuracies = _earned(_nearest(pooled), _labellings(generated, reference, permutations), empty, ties)
    return float(np.mean(accuracies >= accuracies[0]))


def combined(p_values: Sequence[float]) -> float:
    """One p-value of several draws on one reference: twice the median, valid whatever their dependence (Rüger 1978)."""
    return float(p_values[0]) if len(p_values) == 1 else min(1.0, 2 * float(np.median(p_values)))


def _labellings(generated: int, reference: int, permutations: int) -> NDArray[np.bool_]:
    """Which of the pooled shapes are called generated, [m, g + r]: first the true labels, then all others or random ones."""
    count = generated + reference
    if comb(count, generated) <= permutations:
        chosen = np.array(list(combinations(range(count), generated)))  # the first is 0, 1, ..., g - 1: the true one
        labels = np.zeros((len(chosen), count), np.bool_)
        np.put_along_axis(labels, chosen, True, axis=1)
        return labels
    labels = np.tile(np.arange(count) < generated, (permutations + 1, 1))
    labels[1:] = numpy_generator("permutation", generated, reference).permuted(labels[1:], axis=1)
    return labels


def _nearest(pooled: NDArray[np.float64]) -> csr_array:
    """Whether shape j is among the nearest others of shape i, [n, n]; no shape is where all others are infinitely far."""
    others = pooled.copy()
    np.fill_diagonal(others, np.inf)
    nearest = others.min(1, keepdims=True)
    return csr_array(((others == nearest) & np.isfinite(nearest)).astype(np.int64))


def _earned(nearest: csr_array, labels: NDArray[np.bool_], empty: NDArray[np.bool_], ties: str) -> NDArray[np.int64]:
    """Twice the number of shapes whose nearest neighbour has their label, for every labelling, [m]; exact integers."""
    generated = labels.T  # [n, m]
    neighbours, called_generated = nearest.sum(1)[:, None], nearest @ generated.astype(np.int64)
    alike = np.where(generated, called_generated, neighbours - called_generated)
    tie = np.where(generated, 0, 2) if ties == "first" else 1
    earned = np.where(alike == 0, 0, np.where(alike == neighbours, 2, tie))
    earned = np.where(neighbours == 0, tie, earned)
    earned[empty] = 2 * generated[empty]
    return np.asarray(earned.sum(0))
