"""The layers of PVCNN2, on points as rows [b, n, c] and grids with channels last; parameters are named as the released ones.

They compute what the released layers do, up to the order of sums, with less work:

- A linear map before a gather, a mean or an interpolation is the same as after it, and there are fewer rows before. So the first
  layer of every shared MLP runs on points, not on groups of 32, and on centres, not on points that are interpolated from them.
- The time embedding is the same at all points of a cloud: it is a bias.
- At most n of the R^3 voxels hold anything, so the first convolution of a block touches 27 n voxels, where n is much smaller.
Source: Liu et al. 2019 (PVCNN); Zhou et al. 2021, alexzhou907/PVD at 9747265.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from hdbench_pvd.geometry import Descent, Grid
from hdbench_pvd.rows import add, normalise, read, take

GROUPS = 8  # of every normalisation
DENSE_FROM = 0.25  # share of occupied voxels above which a convolution of all of them is faster


class SharedMLP(nn.Module):
    """1 x 1 convolutions, each with GroupNorm and swish, as one Sequential ``layers``; on planes when ``axes`` is 2."""

    def __init__(self, inputs: int, outputs: Sequence[int], axes: int = 1) -> None:
        super().__init__()
        convolution = nn.Conv2d if axes == 2 else nn.Conv1d
        layers: list[nn.Module] = []
        for channels in outputs:
            layers += [convolution(inputs, channels, 1), nn.GroupNorm(GROUPS, channels), nn.SiLU()]
            inputs = channels
        self.layers = nn.Sequential(*layers)

    def first(self, *sizes: int) -> tuple[Tensor, ...]:
        """The columns [c, size] of the first layer that meet each part of its input, then its bias."""
        weight, bias = matrix(self.layers[0])
        return (*weight.split(sizes, dim=1), bias)

    def after_first(self, rows: Tensor) -> Tensor:
        """What follows the first convolution, for its result [b, n, c]."""
        for index in range(1, len(self.layers), 3):
            if index > 1:
                rows = functional.linear(rows, *matrix(self.layers[index - 1]))
            rows = activated(rows, self.layers[index])
        return rows

    def forward(self, rows: Tensor, time: Tensor | None = None) -> Tensor:
        """[b, n, c] to [b, n, outputs]; ``time`` [b, e] counts as e more channels, the same in all rows."""
        features, embedding, bias = self.first(rows.shape[2], 0 if time is None else time.shape[1])
        return self.after_first(linear(rows, features, bias, embedding, time))


def linear(rows: Tensor, weight: Tensor, bias: Tensor, embedding: Tensor, time: Tensor | None) -> Tensor:
    """rows [b, n, c] through ``weight``, and the ``time`` [b, e] through ``embedding`` into all of them."""
    if time is None:
        return functional.linear(rows, weight, bias)
    return functional.linear(rows, weight) + functional.linear(time, embedding, bias)[:, None]


def matrix(layer: nn.Module) -> tuple[Tensor, Tensor]:
    """The weight [o, i] and the bias [o] of a 1 x 1 convolution."""
    return layer.weight.flatten(1), layer.bias  # type: ignore[operator, return-value, union-attr]


def activated(rows: Tensor, norm: nn.Module) -> Tensor:
    """GroupNorm over all rows [b, n, c] of a cloud, then swish."""
    return functional.silu(normalised(rows, norm))


def normalised(rows: Tensor, norm: nn.Module) -> Tensor:
    """GroupNorm over all rows [b, n, c] of a cloud."""
    return normalise(rows, norm.weight, norm.bias, GROUPS, norm.eps)  # type: ignore[arg-type]


class Attention(nn.Module):
    """Every row looks at every other by softmax(q k), which the released code does not scale; then GroupNorm and swish."""

    def __init__(self, channels: int, axes: int) -> None:
        super().__init__()
        convolution = nn.Conv3d if axes == 3 else nn.Conv1d
        self.q, self.k, self.v, self.out = (convolution(channels, channels, 1) for _ in range(4))
        self.norm = nn.GroupNorm(GROUPS, channels)

    def forward(self, rows: Tensor) -> Tensor:
        """[b, n, c] to [b, n, c]."""
        query, key, value = (functional.linear(rows, *matrix(layer))[:, None] for layer in (self.q, self.k, self.v))
        seen = functional.scaled_dot_product_attention(query, key, value, scale=1.0)[:, 0]
        return activated(functional.linear(seen, *matrix(self.out)) + rows, self.norm)


class Excitation(nn.Module):
    """A weight per channel from the channels' means (squeeze and excitation, reduction 8)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        squeezed = channels // 8
        self.fc = nn.Sequential(
            nn.Linear(channels, squeezed, bias=False), nn.ReLU(), nn.Linear(squeezed, channels, bias=False), nn.Sigmoid()
        )

    def forward(self, rows: Tensor) -> Tensor:
        """[b, n, c] to the weights [b, c]."""
        return self.fc(rows.mean(1))


class PVConv(nn.Module):
    """Point-voxel convolution: two 3 x 3 x 3 convolutions in a grid, read at the points, beside an MLP of the points."""

    def __init__(self, inputs: int, outputs: int, dropout: float, attention: bool = False) -> None:
        super().__init__()
        self.voxel_layers = nn.Sequential(
            nn.Conv3d(inputs, outputs, 3, padding=1),
            nn.GroupNorm(GROUPS, outputs),
            nn.SiLU(),
            nn.Dropout(dropout),
            nn.Conv3d(outputs, outputs, 3, padding=1),
            nn.GroupNorm(GROUPS, outputs),
            Attention(outputs, axes=3) if attention else nn.SiLU(),
            Excitation(outputs),
        )
        self.point_features = SharedMLP(inputs, [outputs])

    def forward(self, rows: Tensor, grid: Grid, time: Tensor | None = None) -> Tensor:
        """[b, n, c] and, as further channels, ``time`` [b, e] -> [b, n, outputs]."""
        layers: list[Any] = list(self.voxel_layers)
        first, norm, _, dropout, second, last_norm, last, excitation = layers
        voxels = dropout(activated(scattered_convolution(voxelise(rows, grid, time), first, grid), norm))
        voxels = normalised(voxel_rows(second(image(voxels, grid.resolution))), last_norm)
        voxels = last(voxels) if isinstance(last, Attention) else functional.silu(voxels)
        at_points = read(voxels.flatten(0, 1), grid.corners, grid.weights).view(len(rows), -1, voxels.shape[2])
        return torch.addcmul(self.point_features(rows, time), at_points, excitation(voxels)[:, None])


def image(voxels: Tensor, resolution: int) -> Tensor:
    """Rows [b, r^3, c] as an image [b, c, r, r, r] with channels last; nothing is copied."""
    return voxels.view(len(voxels), resolution, resolution, resolution, -1).permute(0, 4, 1, 2, 3)


def voxel_rows(image: Tensor) -> Tensor:
    """An image [b, c, r, r, r] as rows [b, r^3, c]."""
    return image.permute(0, 2, 3, 4, 1).flatten(1, 3)


def voxelise(rows: Tensor, grid: Grid, time: Tensor | None) -> Tensor:
    """The mean [v, c + e] of the rows [b, n, c] in each occupied voxel, and the time [b, e], which has itself for a mean."""
    flat = rows.flatten(0, 1) * grid.share[:, None]
    means = add(flat, grid.row, len(grid.occupied))
    if time is None:
        return means
    return torch.cat([means, time[grid.occupied // grid.resolution**3]], dim=1)


def scattered_convolution(voxels: Tensor, layer: Any, grid: Grid) -> Tensor:
    """A 3 x 3 x 3 convolution of the grid that holds ``voxels`` [v, c] and is zero elsewhere: rows [b, r^3, o]."""
    weight, bias = layer.weight, layer.bias
    cells = grid.clouds * grid.resolution**3
    if voxels.device.type != "cpu" or len(voxels) > DENSE_FROM * cells:
        dense = add(voxels, grid.occupied, cells)
        return voxel_rows(layer(image(dense.view(grid.clouds, -1, voxels.shape[1]), grid.resolution)))
    taps = weight.flatten(2).permute(1, 2, 0).flatten(1)  # [c, 27 o]
    spread = (voxels @ taps).view(-1, len(weight))
    out = add(spread, grid.around().flatten(), cells + 1)[:cells] + bias
    return out.view(grid.clouds, -1, len(weight))


class SetAbstraction(nn.Module):
    """An MLP of the points around each centre, relative to it, and the maximum over them."""

    def __init__(self, inputs: int, outputs: Sequence[int]) -> None:
        super().__init__()
        self.mlps = nn.ModuleList([SharedMLP(inputs + 3, outputs, axes=2)])

    def forward(self, rows: Tensor, step: Descent, time: Tensor | None = None) -> Tensor:
        """[b, n, c] to [b, m, outputs]."""
        mlp: SharedMLP = self.mlps[0]  # type: ignore[assignment]
        place, features, embedding, bias = mlp.first(3, rows.shape[2], 0 if time is None else time.shape[1])
        points = linear(rows, features, bias, embedding, time).flatten(0, 1) + step.coords @ place.T
        around = take(points, step.groups) - (step.centres @ place.T)[:, None]
        clouds, (centres, most, channels) = step.clouds, around.shape
        around = mlp.after_first(around.view(clouds, -1, channels))
        return around.view(clouds, centres // clouds, most, -1).amax(2)


class FeaturePropagation(nn.Module):
    """An MLP of what three centres around a point hold, beside what the point had on the way down."""

    def __init__(self, inputs: int, outputs: Sequence[int]) -> None:
        super().__init__()
        self.mlp = SharedMLP(inputs, outputs)

    def forward(self, rows: Tensor, time: Tensor, skip: Tensor, step: Descent) -> Tensor:
        """Centres' rows [b, m, c] and points' own rows ``skip`` [b, n, s] -> [b, n, outputs]."""
        features, embedding, own, bias = self.mlp.first(rows.shape[2], time.shape[1], skip.shape[2])
        below = linear(rows, features, bias, embedding, time)
        points = read(below.flatten(0, 1), step.nearest, step.weights).view(len(rows), -1, below.shape[2])
        return self.mlp.after_first(points + functional.linear(skip, own) if skip.shape[2] else points)
