"""What goes wrong with generated shapes, done to clouds on the unit sphere: noise, blocks, missing parts, blobs, melting, lumps.

Each takes a cloud [q, 3], a size in [0, 1] and a generator, and gives a cloud; missing parts leave half of the points or more.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

Cloud = NDArray[np.float64]


def none(cloud: Cloud, size: float, rng: np.random.Generator) -> Cloud:
    """The cloud as it is."""
    return cloud


def noise(cloud: Cloud, size: float, rng: np.random.Generator) -> Cloud:
    """Points off the surface by a standard deviation of 0.005 to 0.1."""
    return cloud + 0.005 * 20**size * rng.standard_normal(cloud.shape)


def blocks(cloud: Cloud, size: float, rng: np.random.Generator) -> Cloud:
    """Points on the sides of cubes of 1/16 to 1/4 that the surface passes through: what coarse grids make of it."""
    side = (1 / 16) * 4**size
    cell = np.floor(cloud / side + rng.random(3))
    inner = rng.random(cloud.shape)
    axis = rng.integers(0, 3, len(cloud))
    inner[np.arange(len(cloud)), axis] = rng.integers(0, 2, len(cloud))
    return (cell + inner) * side


def missing(cloud: Cloud, size: float, rng: np.random.Generator) -> Cloud:
    """5 to 50 % of the points, those nearest to one of them, are gone."""
    gap = np.linalg.norm(cloud - cloud[rng.integers(len(cloud))], axis=1)
    return cloud[np.argsort(gap)[int((0.05 + 0.45 * size) * len(cloud)) :]]


def blobs(cloud: Cloud, size: float, rng: np.random.Generator) -> Cloud:
    """5 to 40 % of the points lie on one to three small spheres near the shape."""
    count, stray = int(rng.integers(1, 4)), rng.random(len(cloud)) < 0.05 + 0.35 * size
    centres = cloud[rng.integers(0, len(cloud), count)] + rng.normal(0, 0.25, (count, 3))
    radii, which = rng.uniform(0.05, 0.2, count), rng.integers(0, count, len(cloud))
    direction = rng.standard_normal(cloud.shape)
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    return np.where(stray[:, None], centres[which] + radii[which, None] * direction, cloud)


def melted(cloud: Cloud, size: float, rng: np.random.Generator) -> Cloud:
    """Each point is the mean of its 12 to 192 nearest neighbours: edges are rounded, thin parts shrink to lines."""
    near = cKDTree(cloud).query(cloud, int(12 * 16**size))[1]
    return cloud[near].mean(1)


def lumps(cloud: Cloud, size: float, rng: np.random.Generator) -> Cloud:
    """The surface is moved by 0.02 to 0.2 along waves that are 0.3 to 1 long."""
    waves = rng.standard_normal((3, 3))
    waves *= 2 * np.pi / rng.uniform(0.3, 1.0, (3, 1)) / np.linalg.norm(waves, axis=1, keepdims=True)
    return cloud + 0.02 * 10**size * np.sin(cloud @ waves.T + rng.uniform(0, 2 * np.pi, 3)) @ rng.standard_normal((3, 3)) / 3


DEFECTS = (none, noise, blocks, missing, blobs, melted, lumps)
