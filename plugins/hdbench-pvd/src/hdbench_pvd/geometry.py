"""What the network needs to know of the points' places alone: nothing of it is learnt, and it is found once per evaluation.

The released network looks voxels up anew in each of its convolutions, on the way down and on the way up. Here every level of
the hierarchy is described once: its voxels and their corners, the balls around the next level's points, the three nearest of
those. Rows of the clouds of a batch lie one below the other, and an index counts through the batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from hdbench_pvd import kernels, operations


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """b clouds of n points, each in a grid of R^3 voxels, R being ``resolution``.

    ``row`` [b n]: which of the ``occupied`` voxels [v] (flat in b R^3, ascending) a point is in; ``share`` [b n]: one over how
    many are in it; ``corners``, ``weights`` [b n, 8]: how to read a grid at the points.
    """

    clouds: int
    resolution: int
    row: Tensor
    occupied: Tensor
    share: Tensor
    corners: Tensor
    weights: Tensor

    def around(self) -> Tensor:
        """Which voxel [v, 27] each tap of a 3 x 3 x 3 kernel brings each occupied voxel to; b R^3 if it is outside the grid.

        A convolution adds kernel[o + 1] in[q + o] to out[q], so tap o brings p to p - o.
        """
        r = self.resolution
        step = torch.tensor([1, 0, -1], device=self.occupied.device)
        x, y, z = (self.occupied[:, None] // r**power % r + step for power in (2, 1, 0))
        cloud = (self.occupied // r**3)[:, None, None, None]
        flat = ((cloud * r + x[:, :, None, None]) * r + y[:, None, :, None]) * r + z[:, None, None, :]
        x, y, z = ((axis >= 0) & (axis < r) for axis in (x, y, z))
        inside = x[:, :, None, None] & y[:, None, :, None] & z[:, None, None, :]
        return torch.where(inside, flat, self.clouds * r**3).flatten(1)


@dataclass(frozen=True, slots=True, eq=False)
class Descent:
    """From b clouds of n points to m of them: ``groups`` [b m, u] are the points around each, ``coords`` [b n, 3] and
    ``centres`` [b m, 3] their places, ``nearest`` and ``weights`` [b n, 3] the way back."""

    clouds: int
    coords: Tensor
    centres: Tensor
    groups: Tensor
    nearest: Tensor
    weights: Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One step down: the ``grid``'s resolution, and how many ``centres`` gather ``most`` points within ``radius``."""

    grid: int
    centres: int
    radius: float
    most: int


def describe(coords: Tensor, stages: Sequence[Stage]) -> list[tuple[Grid, Descent]]:
    """The grid and the step down of every level for coords [b, 3, n] float32, finest first. They carry no gradient."""
    coords, levels = coords.detach().contiguous(), []
    for stage in stages:
        descent, centres = _descent(coords, stage)
        levels.append((grid_of(coords, stage.grid), descent))
        coords = centres
    return levels


def grid_of(coords: Tensor, resolution: int) -> Grid:
    """coords [b, 3, n] about their mean, scaled until the furthest is half a grid away, rounded half to even.

    A coordinate that is not a number (or a cloud that is one point) lies in voxel 0: the features tell that something is wrong.
    Source: modules/voxelization.py of the released code.
    """
    clouds, _, count = coords.shape
    centred = coords - coords.mean(2, keepdim=True)
    half = centred.norm(dim=1, keepdim=True).amax(2, keepdim=True) * 2.0
    inside = ((centred / half + 0.5) * resolution).clamp(0, resolution - 1).nan_to_num(0.0)
    base = torch.arange(clouds, device=coords.device)[:, None] * resolution**3
    voxels = (operations.voxel_of(inside.round(), resolution) + base).flatten()
    occupied, row, counts = voxels.unique(return_inverse=True, return_counts=True)
    corners, weights = operations.corners(inside, resolution)
    corners, weights = (part.transpose(1, 2).reshape(clouds * count, 8) for part in (corners + base[:, None], weights))
    return Grid(clouds, resolution, row, occupied, counts.to(coords.dtype).reciprocal()[row], corners, weights)


def _descent(coords: Tensor, stage: Stage) -> tuple[Descent, Tensor]:
    """The step down from coords [b, 3, n], and the centres [b, 3, m]."""
    clouds, _, count = coords.shape
    search = _on_the_cpu if coords.device.type == "cpu" else _anywhere
    centres, groups, nearest, weights = search(coords, stage)
    base = torch.arange(clouds, device=coords.device)[:, None, None]
    groups = (groups + base * count).flatten(0, 1)
    nearest = (nearest + base * stage.centres).transpose(1, 2).reshape(clouds * count, 3)
    weights = weights.transpose(1, 2).reshape(clouds * count, 3)
    return Descent(clouds, _rows(coords), _rows(centres), groups, nearest, weights), centres


def _rows(coords: Tensor) -> Tensor:
    return coords.transpose(1, 2).reshape(-1, 3)


def _anywhere(coords: Tensor, stage: Stage) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """(centres [b, 3, m], groups [b, m, u], nearest [b, 3, n], weights [b, 3, n]) by PyTorch."""
    chosen = operations.furthest_point_sampling(coords, stage.centres)
    centres = operations.gather_features_forward(coords, chosen)
    groups = operations.ball_query(centres, coords, stage.radius, stage.most).long()
    nearest, weights = operations.three_nearest(coords, centres)
    return centres, groups, nearest.long(), weights


def _on_the_cpu(coords: Tensor, stage: Stage) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The same by compiled loops."""
    clouds, _, count = coords.shape
    chosen = np.empty((clouds, stage.centres), np.int64)
    kernels.furthest(coords.numpy(), chosen)
    centres = operations.gather_features_forward(coords, torch.from_numpy(chosen))
    groups = np.empty((clouds, stage.centres, stage.most), np.int64)
    kernels.balls(centres.numpy(), coords.numpy(), np.float32(stage.radius) ** 2, groups)
    nearest, distances = np.empty((clouds, 3, count), np.int64), np.empty((clouds, 3, count), np.float32)
    kernels.three_nearest(coords.numpy(), centres.numpy(), nearest, distances)
    weights = operations.weights_of_three(torch.from_numpy(distances))
    return centres, torch.from_numpy(groups), torch.from_numpy(nearest), weights
