"""Clouds as counts on the grid of the Jensen-Shannon divergence: nodes of 28^3 on [-0.5, 0.5]^3, in the ball of radius 0.5.

Every point goes to the nearest of the 10,144 nodes, also one outside of the ball, as in Achlioptas et al. 2018
(github.com/optas/latent_3d_points) and PointFlow@26e8c26.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

NODES = 28  # per axis
RADIUS = 0.5


def cell_counts(clouds: NDArray[Any]) -> NDArray[np.float64]:
    """Points of each shape at each node, [n, 10144], of finite clouds [n, t, q, 3] in the coordinates of the grid."""
    counts = np.zeros((len(clouds), len(nodes())))
    for row, cloud in zip(counts, clouds):
        row += np.bincount(nearest_node(cloud.reshape(-1, 3).astype(np.float64)), minlength=len(row))
    return counts


@cache
def nodes() -> NDArray[np.float64]:
    """Coordinates of the nodes inside the ball, [10144, 3]."""
    line = np.linspace(-RADIUS, RADIUS, NODES)
    every = np.stack(np.meshgrid(line, line, line, indexing="ij"), axis=-1).reshape(-1, 3)
    return every[np.linalg.norm(every, axis=1) <= RADIUS]


def nearest_node(points: NDArray[np.float64]) -> NDArray[np.int64]:
    """Index of the node nearest to each point [q, 3]: by rounding where that node is inside the ball, by search elsewhere."""
    steps = np.rint((points + RADIUS) * (NODES - 1)).clip(0, NODES - 1).astype(np.int64)
    found = _index_of_node()[steps[:, 0], steps[:, 1], steps[:, 2]]
    outside = found < 0
    if outside.any():
        found[outside] = _tree().query(points[outside])[1]
    return found


@cache
def _index_of_node() -> NDArray[np.int64]:
    """Index of each of the 28^3 nodes among those inside the ball, -1 for the others."""
    steps = np.rint((nodes() + RADIUS) * (NODES - 1)).astype(np.int64)
    table = np.full((NODES,) * 3, -1)
    table[tuple(steps.T)] = np.arange(len(steps))
    return table


@cache
def _tree() -> Any:
    from scipy.spatial import cKDTree

    return cKDTree(nodes())
