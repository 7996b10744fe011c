"""The grid of the Jensen-Shannon divergence."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from hdbench.measures.grid import cell_counts, nearest_node, nodes


def test_the_published_grid_has_10144_nodes():
    assert nodes().shape == (10144, 3)
    assert np.linalg.norm(nodes(), axis=1).max() <= 0.5


def test_points_go_to_the_nearest_node_wherever_they_are():
    points = np.random.default_rng(0).uniform(-0.9, 0.9, (4000, 3))
    gap = np.linalg.norm(points - nodes()[nearest_node(points)], axis=1)
    np.testing.assert_allclose(gap, cKDTree(nodes()).query(points)[0], rtol=1e-12)


def test_every_point_of_every_frame_is_counted_once():
    clouds = np.random.default_rng(1).normal(0, 0.2, (3, 2, 50, 3)).astype(np.float32)
    counts = cell_counts(clouds)
    assert counts.shape == (3, 10144)
    assert counts.sum(1).tolist() == [100, 100, 100]
    where = nodes()[7]
    assert np.flatnonzero(cell_counts(np.tile(where, (1, 1, 5, 1)))[0]).tolist() == [7]
