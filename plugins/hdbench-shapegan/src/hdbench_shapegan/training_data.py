"""The training shapes as signed distances: on grids, and at points. Each shape is measured once per stage."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hdbench.errors import HdbenchError
from hdbench.interfaces import TrainingSet
from hdbench.points import sample_surface
from hdbench.seeds import numpy_generator
from hdbench.shapes import Shape
from hdbench_shapegan.distances import PER_BOX, grid_points, signed_distances

NEAR = 0.75  # of the pool of the start: points on the surface, moved by Gaussian noise of one of these widths (in the cube)
SIGMAS = (0.02, 0.08)
Draw = Callable[[Shape, np.random.Generator], NDArray[np.float64]]

CLOUD = 64**3  # points in the released files of each shape


def shapes_of(training: TrainingSet) -> Iterator[Shape]:
    """One after the other. HdbenchError for sequences."""
    if training.clouds.shape[1] != 1:
        raise HdbenchError(
            f"ShapeGAN makes single shapes, and these have {training.clouds.shape[1]} frames. Leave --baseline shapegan out."
        )
    return (training.shape(name) for name in training.names)


def on_grid(training: TrainingSet, resolution: int, truncation: float) -> Tensor:
    """Distances [n, r^3] on the grid, cut at ``truncation`` and divided by it."""
    grid = grid_points(resolution)
    rows = [torch.from_numpy(signed_distances(shape, grid)) for shape in shapes_of(training)]
    return torch.stack(rows).clamp_(-truncation, truncation) / truncation


def at_uniform_points(training: TrainingSet, count: int, seed: int) -> tuple[Tensor, Tensor]:
    """(points [n, q, 3] uniform in the cube, distances [n, q])."""
    return _measured(training, lambda shape, rng: rng.uniform(-1, 1, (count, 3)), seed, "uniform")


def near_surfaces(training: TrainingSet, count: int, seed: int) -> tuple[Tensor, Tensor]:
    """(points [n, q, 3], distances [n, q]), most of them near the surface, in random order."""

    def draw(shape: Shape, rng: np.random.Generator) -> NDArray[np.float64]:
        close = int(NEAR * count)
        widths = rng.choice(SIGMAS, (close, 1))
        near = PER_BOX * sample_surface(shape.frames[0], close, rng) + widths * rng.normal(size=(close, 3))
        return rng.permutation(np.concatenate([near, rng.uniform(-1, 1, (count - close, 3))]))

    return _measured(training, draw, seed, "near")


def _measured(training: TrainingSet, draw: Draw, seed: int, purpose: str) -> tuple[Tensor, Tensor]:
    points, distances = [], []
    for shape in shapes_of(training):
        places = draw(shape, numpy_generator(seed, purpose, shape.name)).astype(np.float32)
        points.append(torch.from_numpy(places))
        distances.append(torch.from_numpy(signed_distances(shape, places)))
    return torch.stack(points), torch.stack(distances)
