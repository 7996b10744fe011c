"""The surface of an MLP field on a grid, without evaluating the grid: what is provably far from the surface is left out.

1. The positional encoding acts on each coordinate alone, so the first layer is a sum of one table per axis:
   ``Tx[i] + Ty[j] + Tz[k]``. A frame's coordinate is a constant and goes into the bias.
2. Blocks of cells whose logits are certainly above or certainly below the level hold no surface (``affine`` has the bounds).
   The others are halved, and the grid points of the smallest that remain are evaluated, in tiles that fit in the L2 cache.
3. Marching cubes reads values only where the surface is. So the mesh is that of the dense grid, bit for bit.

Plain coarse-to-fine search (MISE) has no such certificate and loses thin wings.
Source: Sharp and Jacobson 2022, "Spelunking the Deep"; HyperDiffusion sdf_meshing.py at fd2c581 (the grid).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hdbench.errors import HdbenchError
from hdbench.meshing import grid_axis, surface_of_part
from hdbench.shapes import BOX_HALF_SIDE, Mesh
from hdbench_hyperdiffusion.affine import LogitBounds, sum_of_axes
from hdbench_hyperdiffusion.encoding import encode_coordinates

Layers = Sequence[tuple[Tensor, Tensor]]  # (weight [out, in], bias [out]), first to last

TILE = 1024  # points per evaluation


def extract(
    layers: Layers,
    octaves: int,
    scale: float,
    frame_coordinates: Sequence[float] | None,
    resolution: int,
    level: float,
    certified: bool = True,
) -> tuple[Mesh, ...]:
    """The surface where the MLP's logit crosses ``level`` on a grid of ``resolution``^3 points in the box [-0.5, 0.5]^3.

    The MLP reads ``encode_coordinates(x, octaves, scale)`` and has ReLU between its layers (two at least). A 4D field gets
    one mesh per entry of ``frame_coordinates``, a 3D field (None) one mesh. ``certified=False`` evaluates every grid point:
    the same mesh, slowly. Raises HdbenchError for weights that are not finite.
    """
    if not all(torch.isfinite(tensor).all() for layer in layers for tensor in layer):
        raise HdbenchError("The field has weights that are not finite, so it has no surface. Its training has diverged.")
    frames: Sequence[float | None] = [None] if frame_coordinates is None else frame_coordinates
    with torch.inference_mode(), _one_thread():
        fields = (GridField(layers, octaves, scale, frame, resolution) for frame in frames)
        return tuple(_surface(field, level, certified) for field in fields)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Products of a tile are too small to share: waiting for a second thread on a busy machine costs up to ten times the work."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _surface(field: GridField, level: float, certified: bool) -> Mesh:
    part = certified_part(field, level) if certified else dense_part(field)
    return surface_of_part(part.logits, part.first, level, -BOX_HALF_SIDE, 2 * BOX_HALF_SIDE / (field.resolution - 1))


class GridField:
    """An MLP on a grid of r^3 points: ``tables``, three [r, h], add up to its first layer; ``layers`` are the others."""

    def __init__(self, layers: Layers, octaves: int, scale: float, frame: float | None, resolution: int) -> None:
        (first, bias), *rest = [(weight.detach().cpu().float(), b.detach().cpu().float()) for weight, b in layers]
        self.resolution = resolution
        self.tables = _axis_tables(first, bias, octaves, scale, frame, resolution)
        self.layers = [(weight.T.contiguous(), b) for weight, b in rest]

    def at(self, places: NDArray[np.int64]) -> NDArray[np.float32]:
        """Logits [n] at the grid points ``places`` [n, 3]. A value does not depend on which others are asked for:

        every tile has the same size (the last is padded), so that matrix products treat all points alike.
        """
        out = np.empty(len(places), np.float32)
        hidden = torch.zeros(TILE, self.tables[0].shape[1])
        x, y, z = (table.numpy() for table in self.tables)
        for start in range(0, len(places), TILE):
            part = places[start : start + TILE]
            sum_of_axes(x, y, z, part, hidden.numpy())
            out[start : start + TILE] = self._finish(hidden)[: len(part)]
        return out

    def _finish(self, hidden: Tensor) -> Tensor:
        """Logits [TILE] from the first layer [TILE, h], which is overwritten."""
        for weight, bias in self.layers:
            hidden = torch.addmm(bias, hidden.relu_(), weight)
        return hidden[:, 0]


def _axis_tables(first: Tensor, bias: Tensor, octaves: int, scale: float, frame: float | None, resolution: int) -> list[Tensor]:
    """What each axis adds to the first layer at each of its grid points: three [r, h]; the bias is in the first.

    Features are encoded in float32, as in training; their products are summed in float64.
    """
    dimensions = 3 if frame is None else 4
    columns = first.double().unflatten(1, (-1, dimensions))  # [h, 1 + 2 octaves, d]
    axis = encode_coordinates(torch.from_numpy(grid_axis(resolution)).float()[:, None], octaves, scale).double()
    tables = [axis @ columns[:, :, d].T for d in range(3)]
    tables[0] += bias.double()
    if frame is not None:
        tables[0] += encode_coordinates(torch.tensor([[frame]]), octaves, scale).double() @ columns[:, :, 3].T
    return [table.float().contiguous() for table in tables]


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Logits [a, b, c] of the grid from the point ``first`` on; all else is below the level."""

    logits: NDArray[np.float32]
    first: NDArray[np.int64]


def dense_part(field: GridField) -> Part:
    """The whole grid."""
    r = field.resolution
    slabs = [field.at(np.argwhere(np.ones((1, r, r), bool)) + np.array([i, 0, 0])) for i in range(r)]
    return Part(np.stack(slabs).reshape(r, r, r), np.zeros(3, np.int64))


def certified_part(field: GridField, level: float) -> Part:
    """The part of the grid that is not certainly below the level; exact where the surface can be, of the right sign elsewhere."""
    signs, size = _certify(field, level)
    low, high = _extent(signs >= 0)
    signs = signs[tuple(slice(a, b) for a, b in zip(low, high))]
    first, last = low * size, np.minimum(high * size, field.resolution - 1)
    shape = tuple(last - first + 1)
    # Of a filled value only the sign is read, and the sign is the one relative to the level.
    logits = np.where(_points_of(signs > 0, size, shape), np.float32(level + 1), np.float32(level - 1))
    unknown = _points_of(signs == 0, size, shape)
    _add_sides(unknown, logits > level, first == 0, last == field.resolution - 1)
    points = np.flatnonzero(unknown)
    logits.reshape(-1)[points] = field.at(np.stack(np.unravel_index(points, shape), axis=1) + first)
    return Part(logits, first)


def _certify(field: GridField, level: float) -> tuple[NDArray[np.int8], int]:
    """Per block of ``size`` cells +1, -1 or 0 (certainly above the level, certainly below, unknown), and the size."""
    bounds, sizes = LogitBounds(field.tables, field.layers), _block_sizes(field.resolution)
    signs = np.zeros((1, 1, 1), np.int8)
    for size in sizes:
        count = -(-(field.resolution - 1) // size)
        factor = 2 if size != sizes[0] else count
        signs = signs.repeat(factor, 0).repeat(factor, 1).repeat(factor, 2)[:count, :count, :count].copy()
        unknown = np.argwhere(signs == 0)
        lower, upper = bounds.over(unknown, size)
        signs[tuple(unknown.T)] = (lower > level).astype(np.int8) - (upper < level)
    return signs, sizes[-1]


def _block_sizes(resolution: int) -> tuple[int, ...]:
    """Cells per side of the blocks, halved from step to step. A bound costs five evaluations; smaller blocks do not pay."""
    return (16, 8, 4) if resolution >= 128 else (8, 4)


def _extent(marked: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The first marked place [3] and one past the last; (0, 1) if there is none."""
    places = np.argwhere(marked)
    if len(places) == 0:
        return np.zeros(3, np.int64), np.ones(3, np.int64)
    return places.min(0), places.max(0) + 1


def _points_of(blocks: NDArray[np.bool_], size: int, shape: Sequence[int]) -> NDArray[np.bool_]:
    """The grid points ``shape`` of the marked blocks of ``size`` cells; a block owns the points on all of its sides."""
    points = blocks
    for axis, count in enumerate(shape):
        marked = np.moveaxis(points, axis, 0)
        spread = np.concatenate([marked.repeat(size, 0), marked[-1:]])
        spread[size:-1:size] |= marked[:-1]
        points = np.moveaxis(spread[:count], 0, axis)
    return np.ascontiguousarray(points)


def _add_sides(unknown: NDArray[np.bool_], inside: NDArray[np.bool_], low: NDArray[np.bool_], high: NDArray[np.bool_]) -> None:
    """Inside points on the sides of the box, where the part reaches them: the surface is closed there, through their values."""
    for axis in range(3):
        for side, reached in ((0, low[axis]), (-1, high[axis])):
            if reached:
                np.moveaxis(unknown, axis, 0)[side] |= np.moveaxis(inside, axis, 0)[side]
