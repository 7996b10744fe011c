"""The surface of an MLP field on a grid, without evaluating the grid: what is provably far from the surface is left out.

1. The positional encoding acts on each coordinate alone, so the first layer is a sum of one table per axis:
   ``Tx[i] + Ty[j] + Tz[k]``. A frame coordinate is a constant and goes into the bias.
2. For a block of cells, affine arithmetic bounds the logit at all its grid points: each neuron is ``c + gx u + gy v + gz w``
   with u, v, w in [-1, 1] shared by all neurons, plus an interval of radius e of its own. A block whose bounds exclude the
   level holds no surface; the others are split, and the grid points of the smallest that remain are evaluated.
3. The radius carries a bound of the rounding errors of the evaluation and of the bound itself, so the certificate holds for
   the float32 values that the evaluation gives. The mesh is that of the dense grid, bit for bit.

Plain coarse-to-fine search (MISE) has no such certificate and loses thin wings.
Source: de Figueiredo and Stolfi 2004 (affine arithmetic); Sharp and Jacobson 2022, "Spelunking the Deep" (for neural fields);
HyperDiffusion sdf_meshing.py at fd2c581 (the grid).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hdbench.errors import HdbenchError
from hdbench.meshing import grid_axis, marching_cubes
from hdbench.shapes import Mesh

Layers = Sequence[tuple[Tensor, Tensor]]  # (weight [out, in], bias [out]), first to last

TILE = 1024  # points per evaluation: the activations of a 128-wide layer fit in L2
BLOCKS = 512  # blocks per bound, five rows each
UNIT_ROUNDOFF = 2.0**-24


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

    The MLP reads [x, sin(s x), cos(s x), sin(2 s x), ...] with s = ``scale`` and as many doublings as ``octaves``, each block
    holding all coordinates; ReLU between layers. A 4D field gets one mesh per entry of ``frame_coordinates``, a 3D field
    (None) gets one mesh. ``certified=False`` evaluates every grid point: the same mesh, slowly.
    Raises HdbenchError for weights that are not finite.
    """
    if not all(torch.isfinite(tensor).all() for layer in layers for tensor in layer):
        raise HdbenchError("The field has weights that are not finite, so it has no surface. Its training has diverged.")
    with torch.inference_mode():
        frames: Sequence[float | None] = [None] if frame_coordinates is None else frame_coordinates
        fields = (_GridField(layers, octaves, scale, frame, resolution) for frame in frames)
        return tuple(marching_cubes(_logits(field, level, certified), level) for field in fields)


def logit_grid(
    layers: Layers, octaves: int, scale: float, frame: float | None, resolution: int, level: float, certified: bool = True
) -> NDArray[np.float32]:
    """The logits [r, r, r] whose surface ``extract`` gives; with ``certified``, exact only where the surface can be."""
    with torch.inference_mode():
        return _logits(_GridField(layers, octaves, scale, frame, resolution), level, certified)


def _logits(field: _GridField, level: float, certified: bool) -> NDArray[np.float32]:
    r = field.resolution
    if not certified:
        return field.at(np.arange(r**3)).reshape(r, r, r)
    signs, size = _certify(field, level)
    # Only the sign matters away from the surface; but a value far from the level would spoil the crossings' precision.
    logits = np.where(_points_of(signs > 0, size, r), np.float32(level + 1), np.float32(level - 1))
    unknown = _points_of(signs == 0, size, r)
    _add_border(unknown, logits > level)
    points = np.flatnonzero(unknown)
    logits.reshape(-1)[points] = field.at(points)
    return logits


def _certify(field: _GridField, level: float) -> tuple[NDArray[np.int8], int]:
    """+1, -1 or 0 per block of ``size`` cells: certainly above the level, certainly below, unknown; and the size."""
    sizes = _block_sizes(field.resolution)
    signs = np.zeros((_count(field.resolution, sizes[0]),) * 3, np.int8)
    for size in sizes:
        count = _count(field.resolution, size)
        if len(signs) < count:
            signs = signs.repeat(2, 0).repeat(2, 1).repeat(2, 2)[:count, :count, :count]
        unknown = np.flatnonzero(signs == 0)
        lower, upper = field.bounds(unknown, size)
        signs = signs.copy()
        signs.reshape(-1)[unknown] = (lower > level).astype(np.int8) - (upper < level)
    return signs, sizes[-1]


def _block_sizes(resolution: int) -> tuple[int, ...]:
    """Cells per side of the blocks, halved from step to step."""
    return (16, 8, 4, 2) if resolution >= 128 else (8, 4, 2)


def _count(resolution: int, size: int) -> int:
    """Blocks per axis; the last may stick out of the grid."""
    return -(-(resolution - 1) // size)


def _points_of(blocks: NDArray[np.bool_], size: int, resolution: int) -> NDArray[np.bool_]:
    """The grid points [r, r, r] of the marked blocks; a block owns the points on all of its sides."""
    marked = blocks
    for axis in range(3):
        marked = np.moveaxis(marked, axis, 0)
        points = marked.repeat(size, 0)[: resolution - 1]
        points = np.concatenate([points, points[-1:]])
        inner = marked[:-1]
        points[size : size * len(inner) + 1 : size] |= inner
        marked = np.moveaxis(points, 0, axis)
    return np.ascontiguousarray(marked)


def _add_border(unknown: NDArray[np.bool_], inside: NDArray[np.bool_]) -> None:
    """Inside points on the sides of the box: the surface is closed there, by a crossing that depends on their value."""
    for axis in range(3):
        for side in (0, -1):
            np.moveaxis(unknown, axis, 0)[side] |= np.moveaxis(inside, axis, 0)[side]


class _GridField:
    """An MLP whose first layer is tabulated per grid axis: ``tables`` [3, r, h], ``hidden`` and ``last`` layers."""

    def __init__(self, layers: Layers, octaves: int, scale: float, frame: float | None, resolution: int) -> None:
        (first, bias), *rest = [(weight.float(), b.float()) for weight, b in layers]
        self.resolution = resolution
        self.tables = _axis_tables(first, bias, octaves, scale, frame, resolution)
        self.layers = [(weight.T.contiguous(), b) for weight, b in rest]
        # A float32 dot product of k terms errs by at most k u / (1 - k u) of the sum of magnitudes, in whatever order
        # (Higham 2002, section 3.1). Twice that covers the evaluation and the bound; twice again, the roundings between.
        self.rounding = 4 * (max(len(weight) for weight, _ in self.layers) + 8) * UNIT_ROUNDOFF

    def at(self, points: NDArray[np.int64]) -> NDArray[np.float32]:
        """Logits at grid points given by flat index. A value does not depend on which other points are asked for.

        Every tile has the same size (the last is padded), so a matrix product treats every point alike.
        """
        out = np.empty(len(points), np.float32)
        for start in range(0, len(points), TILE):
            part = points[start : start + TILE]
            out[start : start + TILE] = self._tile(np.pad(part, (0, TILE - len(part))))[: len(part)]
        return out

    def _tile(self, points: NDArray[np.int64]) -> NDArray[np.float32]:
        i, j, k = (torch.from_numpy(index) for index in np.unravel_index(points, (self.resolution,) * 3))
        hidden = self.tables[0][i].add_(self.tables[1][j]).add_(self.tables[2][k])
        for weight, bias in self.layers:
            hidden = torch.addmm(bias, hidden.relu_(), weight)
        return hidden[:, 0].numpy()

    def bounds(self, blocks: NDArray[np.int64], size: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Bounds of the logits that ``at`` gives on the points of each block of ``size`` cells (by flat index)."""
        count = _count(self.resolution, size)
        axes = [_affine_table(table, size, count, self.rounding) for table in self.tables]
        lower, upper = np.empty((2, len(blocks)), np.float32)
        for start in range(0, len(blocks), BLOCKS):
            part = slice(start, start + BLOCKS)
            ijk = [torch.from_numpy(index) for index in np.unravel_index(blocks[part], (count,) * 3)]
            form = self._affine_logit(axes, ijk)[:, :, 0]
            spread = form[1:].abs().sum(0) * (1 + self.rounding) + self.rounding * form[0].abs()
            lower[part], upper[part] = (form[0] - spread).numpy(), (form[0] + spread).numpy()
        return lower, upper

    def _affine_logit(self, axes: list[Tensor], ijk: list[Tensor]) -> Tensor:
        """The affine form [5, b, 1] (centre, three slopes, radius) of the logit on each block."""
        x, y, z = (table[:, index] for table, index in zip(axes, ijk))
        form = torch.stack([x[0] + y[0] + z[0], x[1], y[1], z[1], x[2] + y[2] + z[2]])
        for weight, bias in self.layers:
            form = _affine_relu(form, self.rounding)
            after = torch.empty(5, form.shape[1], weight.shape[1])
            torch.matmul(form[:4], weight, out=after[:4])
            torch.addmm(self.rounding * bias.abs(), form[4], weight.abs(), out=after[4])
            after[0] += bias
            form = after
        return form


def _affine_table(table: Tensor, size: int, count: int, rounding: float) -> Tensor:
    """Centre, slope and radius [3, count, h] of a table [r, h] over segments of ``size`` cells, at their grid points."""
    segments = table.double()[(torch.arange(count)[:, None] * size + torch.arange(size + 1)).clamp(max=len(table) - 1)]
    slope = (segments[:, -1] - segments[:, 0]) / 2
    rest = segments - slope[:, None] * torch.linspace(-1, 1, size + 1, dtype=torch.float64)[:, None]
    low, high = rest.amin(1), rest.amax(1)
    centre, radius = (low + high) / 2, (high - low) / 2
    radius += rounding * (centre.abs() + slope.abs() + radius)
    return torch.stack([centre, slope, radius]).float()


def _affine_relu(form: Tensor, rounding: float) -> Tensor:
    """The affine form after ReLU: exact where the sign is certain, else the band of least height around its chord."""
    spread = form[1:].abs().sum(0)
    low, high = form[0] - spread, form[0] + spread
    slope = torch.where(low >= 0, 1.0, torch.where(high <= 0, 0.0, high / (high - low)))
    shift = torch.where((low < 0) & (high > 0), -0.5 * slope * low, 0.0)
    form = form * slope
    form[0] += shift
    form[4] += shift + rounding * (form[0].abs() + spread)
    return form


def _axis_tables(first: Tensor, bias: Tensor, octaves: int, scale: float, frame: float | None, resolution: int) -> list[Tensor]:
    """What each axis adds to the first layer at each of its grid points: three [r, h]; the bias is in the first.

    Features are encoded in float32, as the network sees them when it is trained; sums are exact to float32.
    """
    dimensions = 3 if frame is None else 4
    columns = first.double().unflatten(1, (-1, dimensions))  # [h, 1 + 2 octaves, d]
    axis = torch.from_numpy(grid_axis(resolution)).float()
    tables = [_encode(axis, octaves, scale).double() @ columns[:, :, d].T for d in range(3)]
    tables[0] += bias.double()
    if frame is not None:
        tables[0] += _encode(torch.tensor([frame], dtype=torch.float32), octaves, scale).double() @ columns[:, :, 3].T
    return [table.float().contiguous() for table in tables]


def _encode(coordinate: Tensor, octaves: int, scale: float) -> Tensor:
    """Features [n, 1 + 2 octaves] of one coordinate [n]."""
    angles = [coordinate * (scale * 2.0**octave) for octave in range(octaves)]
    return torch.stack([coordinate, *(wave(angle) for angle in angles for wave in (torch.sin, torch.cos))], dim=1)
