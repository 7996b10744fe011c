"""From a latent code to a mesh: the field on the grid where the surface can be, marching cubes, the box.

Grid: r points per axis on the cube [-1, 1]^3, both ends included. The released code takes the same points, but writes their
spacing as 2/r instead of 2/(r-1) and counts from a padded corner, which scales a mesh by (r-1)/r and shifts it by 1/r: under
any normalisation of shapes the meshes are the same. It also leaves out the points beyond radius 1.1, as ``ball`` does here.

``sparse``: every second point is evaluated first. A block of 2^3 cells is looked at in full when the level lies between its
corners, or nearer to one than the field can change on the way to any of its points (``STEEPEST`` per length; measured slopes
are below 1), and then all blocks that the surface enters from such a block. What it can miss is a piece of surface inside a
single block none of whose corners is near. Every point that is evaluated has the bits that ``dense`` gives it.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hdbench.meshing import grid_axis, surface_of_part
from hdbench.shapes import BOX_HALF_SIDE, Mesh
from hdbench_shapegan.generators import Generator

TILE = {"cpu": 1024, "cuda": 65536}  # points in a product; always as many, so that a value does not depend on the others
BLOCK = 2  # cells per side
STEEPEST = 1.0  # distance per length
BALL = 1.1

Places = NDArray[np.int64]
Values = NDArray[np.float32]
Marks = NDArray[np.bool_]


def mesh_of(
    generator: Generator, latent: Tensor, *, resolution: int, level: float, unit: float, ball: bool = False, sparse: bool = True
) -> Mesh:
    """The surface at distance ``level`` (in the cube) of the shape with the code [l], in the box; empty if there is none.

    ``unit`` is the distance that an output of 1 means. ``ball`` leaves out what lies beyond radius 1.1.
    """
    field = GridField(generator, latent, resolution, unit, BALL if ball else np.inf)
    values = sparse_values(field, level) if sparse else dense_values(field)
    return surface_of_part(-values, np.zeros(3, np.int64), -level, -BOX_HALF_SIDE, 2 * BOX_HALF_SIDE / (resolution - 1))


class GridField:
    """Distances of one shape at points of the grid."""

    def __init__(self, generator: Generator, latent: Tensor, resolution: int, unit: float, radius: float = np.inf) -> None:
        self.field, self.device = generator.field(latent), latent.device
        self.resolution, self.unit, self.radius = resolution, unit, radius
        self.axis = grid_axis(resolution, -1.0, 1.0).astype(np.float32)

    def at(self, places: Places) -> Values:
        """Distances [n] at the grid points ``places`` [n, 3]; 1, which is outside, beyond the radius."""
        points, tile = self.axis[places], TILE[self.device.type]
        values = np.ones(len(places), np.float32)
        near = np.flatnonzero((points.astype(np.float64) ** 2).sum(1) < self.radius**2)
        for start in range(0, len(near), tile):
            part = near[start : start + tile]
            padded = np.zeros((tile, 3), np.float32)
            padded[: len(part)] = points[part]
            values[part] = self.unit * self.field(torch.from_numpy(padded).to(self.device)).cpu().numpy()[: len(part)]
        return values


def dense_values(field: GridField) -> Values:
    """Distances [r, r, r] at all points of the grid."""
    r = field.resolution
    slabs = [field.at(np.argwhere(np.ones((1, r, r), bool)) + np.array([i, 0, 0])) for i in range(r)]
    return np.stack(slabs).reshape(r, r, r)


def sparse_values(field: GridField, level: float) -> Values:
    """The same [r, r, r] where the surface is; elsewhere ``level`` + 1 outside and ``level`` - 1 inside."""
    r = field.resolution
    blocks = -(-(r - 1) // BLOCK)
    values, known = np.zeros((r, r, r), np.float32), np.zeros((r, r, r), bool)
    corners = np.ix_(*[np.minimum(np.arange(blocks + 1) * BLOCK, r - 1)] * 3)
    known[corners] = True
    _evaluate(field, values, known)
    reach = STEEPEST * np.sqrt(3) / 2 * BLOCK * 2 / (r - 1)
    near = np.zeros_like(known)
    near[corners] = np.abs(values[corners] - level) <= reach
    wanted, looked = _blocks_with(near, blocks), np.zeros((blocks,) * 3, bool)
    while True:
        wanted = (wanted | _crossed(values < level, known, blocks)) & ~looked
        if not wanted.any():
            return np.where(known, values, _filled(values < level, known, blocks, level))
        looked |= wanted
        fresh = _points_of(wanted, r) & ~known
        _evaluate(field, values, fresh)
        known |= fresh


def _evaluate(field: GridField, values: Values, where: Marks) -> None:
    """Put the distances at the marked points in place."""
    values[where] = field.at(np.argwhere(where))


def _crossed(inside: Marks, known: Marks, blocks: int) -> Marks:
    """Blocks with known points on both sides of the surface, which is closed on the sides of the grid."""
    within = _blocks_with(inside & known, blocks)
    rim = np.ones_like(within)
    rim[1:-1, 1:-1, 1:-1] = False
    return within & (rim | _blocks_with(~inside & known, blocks))


def _filled(inside: Marks, known: Marks, blocks: int, level: float) -> Values:
    """Values of the right sign for points that are not known: all known points of their block lie on one side."""
    within = _points_of(_blocks_with(inside & known, blocks), len(inside))
    return np.where(within, np.float32(level - 1), np.float32(level + 1))


def _blocks_with(points: Marks, blocks: int) -> Marks:
    """Which blocks [n, n, n] have a marked point; a block has the points on all of its sides."""
    for axis in range(3):
        last = points.shape[axis] - 1
        starts = np.arange(blocks) * BLOCK
        layers = [points.take(np.minimum(starts + k, last), axis) for k in range(BLOCK + 1)]
        points = np.logical_or.reduce(layers)
    return points


def _points_of(blocks: Marks, resolution: int) -> Marks:
    """The points [r, r, r] of the marked blocks."""
    for axis in range(3):
        wide = blocks.repeat(BLOCK, axis)
        pad = [(0, 0)] * 3
        before, after = [*pad], [*pad]
        before[axis], after[axis] = (1, 0), (0, 1)
        blocks = (np.pad(wide, before) | np.pad(wide, after)).take(np.arange(resolution), axis)
    return blocks
