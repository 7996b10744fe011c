"""What kinds of shapes a set holds: which shapes are alike, and how unusual each one is.

Shapes are described by quantiles of their coordinates along the three axes, after centring and scaling. It is a rough
description on purpose: it is cheap, and no metric of a table uses it, so it may serve to examine them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hdbench.points import shape_unit

QUANTILES = np.linspace(0.02, 0.98, 9)
NEIGHBOURS = 10  # that decide how unusual a shape is


def outlines(clouds: NDArray[Any]) -> NDArray[np.float64]:
    """Quantiles along each axis, over all frames, [n, 27], of finite clouds [n, t, q, 3]."""
    placed = shape_unit(clouds).astype(np.float64).reshape(len(clouds), -1, 3)
    return np.quantile(placed, QUANTILES, axis=1).transpose(1, 0, 2).reshape(len(clouds), -1)


def modes(vectors: NDArray[np.float64], count: int, seed: int) -> NDArray[np.int64]:
    """Which of ``count`` modes each vector [n, d] belongs to: k-means, started by k-means++."""
    from scipy.cluster.vq import kmeans2

    return np.asarray(kmeans2(vectors, count, minit="++", seed=np.random.default_rng(seed), missing="warn")[1], np.int64)


def oddity(vectors: NDArray[np.float64], among: NDArray[np.float64]) -> NDArray[np.float64]:
    """How unusual each vector [n, d] is among others [m, d]: its mean distance to the nearest ten that are not itself."""
    from scipy.spatial.distance import cdist

    distances = cdist(vectors, among)
    distances[distances == 0] = np.inf
    return np.asarray(np.sort(distances, axis=1)[:, :NEIGHBOURS].mean(1))
