"""A shape as an occupancy grid: a field with one weight per cell, -1 outside and +1 inside.

The paper's voxel baseline: 24^3 cells, of which those count as inside that the surface passes through or that lie
within it, and a mesh that is contoured from the thresholded grid. Here the cells tile the box [-0.5, 0.5]^3, so that a
shape keeps its place; the released code centres the occupied cells in the grid.
Source: Rgtemze/HyperDiffusion at fd2c581, dataset.py and main.py.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from hdbench.config import check
from hdbench.interfaces import Encoded, FieldEncoder, FieldSamples, QuerySpec, Session
from hdbench.meshing import marching_cubes
from hdbench.shapes import BOX_HALF_SIDE, Mesh
from hdbench.weights import WeightLayout

PART = "occupancy"


@dataclass(frozen=True, slots=True, kw_only=True)
class VoxelConfig:
    """``resolution`` cells per axis. ``fill``: a cell is occupied if its ``centre`` is inside, or (``surface``, the
    paper) also if one of ``surface_points`` lies in it. ``smooth`` contours the values as they are, not thresholded."""

    resolution: int = 24
    fill: Literal["surface", "centre"] = "surface"
    surface_points: int = 8192
    smooth: bool = False

    def __post_init__(self) -> None:
        check(4 <= self.resolution <= 256, "encoder.resolution", "in 4..256", self.resolution)
        check(self.surface_points >= 1, "encoder.surface_points", "at least 1", self.surface_points)


class VoxelEncoder(FieldEncoder):
    """Shape -> grid [t, r, r, r] of -1 and +1, indexed frame, x, y, z -> mesh."""

    name = "voxel"
    source = "Erkoc et al. 2023 (arXiv 2303.17015), section 4.1; Rgtemze/HyperDiffusion@fd2c581"
    Config = VoxelConfig

    def queries(self) -> QuerySpec:
        """Occupancy at the centres of the cells, and points on the surface for ``fill="surface"``."""
        config: VoxelConfig = self.config
        surface = config.surface_points if config.fill == "surface" else 0
        return QuerySpec(grid=config.resolution, surface=surface)

    def layout(self, frames: int) -> WeightLayout:
        """One part, [frames, r, r, r]."""
        return WeightLayout((PART,), ((frames, *[self.config.resolution] * 3),))

    def encode(self, samples: FieldSamples, start: Mapping[str, Tensor], session: Session) -> Encoded:
        """The grids, flattened, [n, t r^3] float32 of -1 and +1; quality ``filled``: the share of occupied cells."""
        occupied = samples.grid.clone()
        if self.config.fill == "surface":
            _fill_touched(occupied, samples.surface)
        flat = occupied.flatten(1).float()
        session.progress(len(samples), len(samples))
        return Encoded(weights=2 * flat - 1, quality={"filled": flat.mean(1)})

    def accept(self, quality: Mapping[str, Tensor]) -> Tensor:
        """A grid without an occupied cell says nothing of its shape."""
        return quality["filled"] > 0

    def decode(self, weights: Tensor, frames: int, resolution: int, level: float) -> tuple[Mesh, ...]:
        """Weights [t r^3] -> one closed mesh per frame; empty where no cell is above the level.

        A weight is 2 p - 1 for a probability p of being inside, so the level (in logits) is tanh(level / 2). The grid is
        contoured as it is, whatever ``resolution`` is asked for.
        """
        return tuple(self.decode_frame(weights, frames, k, resolution, level) for k in range(frames))

    def decode_frame(self, weights: Tensor, frames: int, frame: int, resolution: int, level: float) -> Mesh:
        """The mesh of one frame, without those of the others."""
        cells = weights.detach().cpu().view(frames, *[self.config.resolution] * 3)[frame].double().numpy()
        threshold = math.tanh(level / 2)
        if not self.config.smooth:
            cells, threshold = np.where(cells > threshold, 1.0, -1.0), 0.0
        return _contour(cells.astype(np.float32), threshold)


def cells_of(points: Tensor, resolution: int) -> Tensor:
    """The cell [..., 3] int64 in which each point [..., 3] lies; points at or beyond a face belong to the outermost cell."""
    return ((points + BOX_HALF_SIDE) * resolution).floor().long().clamp(0, resolution - 1)


def _fill_touched(occupied: Tensor, surface: Tensor) -> None:
    """Set, in place, the cells [n, t, r, r, r] that hold a surface point [n, t, s, 3]."""
    count, frames, points = surface.shape[:3]
    cells = cells_of(surface, occupied.shape[-1]).unbind(-1)
    item = torch.arange(count).view(-1, 1, 1).expand(count, frames, points)
    frame = torch.arange(frames).view(1, -1, 1).expand(count, frames, points)
    occupied[(item, frame, *cells)] = True


def _contour(cells: np.ndarray, threshold: float) -> Mesh:
    """The surface of a grid of values at the cells' centres."""
    outermost = BOX_HALF_SIDE - BOX_HALF_SIDE / len(cells)
    return marching_cubes(cells, threshold, low=-outermost, high=outermost)
