"""Signed distances of shapes that have a formula."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import trimesh
from hdbench_shapegan.distances import grid_points, signed_distances
from hdbench_shapegan.training_data import at_uniform_points, near_surfaces, on_grid

from hdbench.errors import HdbenchError
from hdbench.interfaces import TrainingSet
from hdbench.shapes import Mesh, Shape

HALF = np.array([0.4, 0.2, 0.1])  # of a block in the box


def block(frames: int = 1) -> Shape:
    mesh = trimesh.creation.box(2 * HALF)
    return Shape("block", (Mesh(np.asarray(mesh.vertices, np.float64), np.asarray(mesh.faces, np.int64)),) * frames, solid=True)


def to_block(points: np.ndarray) -> np.ndarray:
    """Signed distances to the block, in the cube: how far out of each pair of faces, or how deep inside the nearest one."""
    out = np.abs(points) - 2 * HALF
    return np.linalg.norm(out.clip(min=0), axis=1) + out.max(1).clip(max=0)


def training(frames: int = 1) -> TrainingSet:
    return TrainingSet(("block",), torch.zeros(1, frames, 4, 3), lambda name: block(frames))


def test_distances_to_a_block_are_those_of_the_formula_in_lengths_of_the_cube():
    points = np.random.default_rng(0).uniform(-1, 1, (2000, 3))
    assert np.abs(signed_distances(block(), points) - to_block(points)).max() < 1e-6


def test_the_grid_has_both_ends_and_runs_through_z_first():
    grid = grid_points(3)
    assert grid[0].tolist() == [-1, -1, -1]
    assert grid[1].tolist() == [-1, -1, 0]
    assert grid[-1].tolist() == [1, 1, 1]


def test_on_a_grid_distances_are_cut_and_divided_by_the_cut():
    found = on_grid(training(), 9, 0.1)[0]
    assert torch.allclose(found.double(), torch.from_numpy((to_block(grid_points(9)) / 0.1).clip(-1, 1)), atol=1e-5)


@pytest.mark.parametrize("draw", [at_uniform_points, near_surfaces])
def test_drawn_points_have_their_own_distances(draw):
    points, distances = draw(training(), 400, 0)
    assert points.shape == (1, 400, 3)
    assert np.abs(distances[0].numpy() - to_block(points[0].double().numpy())).max() < 1e-6


def test_three_quarters_of_the_points_of_the_start_lie_near_the_surface():
    _, distances = near_surfaces(training(), 4000, 0)
    within = (distances.abs() < 0.24).double().mean()  # three times the wider noise; a block's surroundings hold the others
    assert within > 0.75
    assert 0.2 < (distances[0].abs() < 0.02).double().mean() < 0.6


def test_sequences_are_refused():
    with pytest.raises(HdbenchError, match="single shapes, and these have 2 frames"):
        on_grid(training(2), 4, 0.1)
