"""Kernel distance: the unbiased squared maximum mean discrepancy with a cubic kernel. Source: Binkowski et al. 2018 (KID)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Features = NDArray[np.float64]


def cubic(first: Features, second: Features) -> Features:
    """(x.y / d + 1)^3 for features [n, d] and [m, d] -> [n, m]."""
    return (first @ second.T / first.shape[1] + 1) ** 3


def kernel_distance(first: Features, second: Features) -> float:
    """Mean kernel within each set without the diagonals, minus twice the mean between the sets; n, m >= 2. It may be negative.

    KID averages this over random subsets, which has the same expectation and more noise; here every pair counts once.
    """
    return _within(first) + _within(second) - 2 * float(cubic(first, second).mean())


def distance_to_outlier(reference: Features, squared_offset: float) -> float:
    """The distance of a set of copies of one point, at the reference's mean but for ``squared_offset`` across all features."""
    mean = reference.mean(0)
    own = ((mean @ mean + squared_offset) / reference.shape[1] + 1) ** 3
    return float(own) + _within(reference) - 2 * float(cubic(reference, mean[None]).mean())


def _within(features: Features) -> float:
    kernel, count = cubic(features, features), len(features)
    return float((kernel.sum() - np.trace(kernel)) / (count * (count - 1)))
