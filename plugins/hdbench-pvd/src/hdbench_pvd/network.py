"""PVCNN2, the network of PVD: noised points and a time to the noise in them. Parameters and their names are the released ones.

Quirks of the released construction that its checkpoints depend on: the configuration asks for 2, 3 and 3 point-voxel
convolutions on the way down, but after the first level only one is built; attention is in the second level and in the middle,
nowhere on the way up; the time is an input of every level but the first; the last level has no features to skip to.
Source: Zhou et al. 2021, alexzhou907/PVD at 9747265 (model/pvcnn_generation.py, train_generation.py).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from hdbench.config import check
from hdbench_pvd.geometry import Stage, describe
from hdbench_pvd.layers import GROUPS, Attention, FeaturePropagation, PVConv, SetAbstraction, SharedMLP

EMBEDDING = 64  # channels of the time
CONVOLVED = (32, 64, 128)  # channels of the point-voxel convolutions on the way down
GATHERED = ((32, 64), (64, 128), (128, 256), (256, 256, 512))
PROPAGATED = ((256, 256), (256, 256), (256, 128), (128, 128, 64))
UP = ((256, 3), (256, 3), (128, 2), (64, 2))  # channels and number of convolutions on the way up
HEAD = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class PVCNN2Config:
    """The released sizes; ``width`` multiplies all channels but those of the time.

    ``voxels`` are the resolutions of the three grids (the coarsest serves two levels), ``centres``, ``radii`` and
    ``neighbours`` the points that each of the four levels gathers; radii are in units of the normalised clouds.
    """

    width: float = 1.0
    voxels: tuple[int, ...] = (32, 16, 8)
    centres: tuple[int, ...] = (1024, 256, 64, 16)
    radii: tuple[float, ...] = (0.1, 0.2, 0.4, 0.8)
    neighbours: int = 32
    dropout: float = 0.1

    def __post_init__(self) -> None:
        whole = self.width > 0 and all(self.wide(c) % GROUPS == 0 and self.wide(c) for c in CONVOLVED)
        check(whole, "network.width", f"such that {CONVOLVED[0]} times it is a multiple of {GROUPS}", self.width)
        check(len(self.voxels) == 3 and min(self.voxels) >= 2, "network.voxels", "three numbers above 1", self.voxels)
        falling = len(self.centres) == 4 and all(a >= b >= 1 for a, b in zip(self.centres, (*self.centres[1:], 1)))
        check(falling, "network.centres", "four numbers that do not grow", self.centres)
        check(len(self.radii) == 4 and min(self.radii) > 0, "network.radii", "four lengths above 0", self.radii)
        check(self.neighbours >= 1, "network.neighbours", "at least 1", self.neighbours)
        check(0 <= self.dropout < 1, "network.dropout", "in [0, 1)", self.dropout)

    def wide(self, channels: int) -> int:
        """That many channels times the width."""
        return int(self.width * channels)

    def stages(self) -> list[Stage]:
        """The four steps down, finest first."""
        grids = (*self.voxels, self.voxels[-1])
        return [
            Stage(grid=grid, centres=count, radius=radius, most=self.neighbours)
            for grid, count, radius in zip(grids, self.centres, self.radii)
        ]


class PVCNN2(nn.Module):
    """(points [b, 3, n], time [b]) -> the noise in them [b, 3, n]. 27,649,987 parameters in 298 tensors at width 1."""

    def __init__(self, config: PVCNN2Config) -> None:
        super().__init__()
        self.config = config
        down, middle = _down(config)
        self.sa_layers = nn.ModuleList(down)
        self.global_att = Attention(middle, axes=1)
        self.fp_layers = nn.ModuleList(_up(config, middle))
        wide = config.wide(HEAD)
        self.classifier = nn.Sequential(
            SharedMLP(config.wide(UP[-1][0]), [wide]), nn.Dropout(config.dropout), nn.Conv1d(wide, 3, 1)
        )
        self.embedf = nn.Sequential(nn.Linear(EMBEDDING, EMBEDDING), nn.LeakyReLU(0.1), nn.Linear(EMBEDDING, EMBEDDING))

    def forward(self, points: Tensor, time: Tensor) -> Tensor:
        levels = describe(points, self.config.stages())
        embedded = self.embedf(embedding(time))
        rows, skips = points.transpose(1, 2), []
        for depth, (layer, (grid, step)) in enumerate(zip(self.sa_layers, levels)):
            skips.append(rows if depth else rows[..., :0])
            when = embedded if depth else None
            *convolutions, gather = _modules(layer)
            for convolution in convolutions:
                rows, when = convolution(rows, grid, when), None
            rows = gather(rows, step, when)
        rows = self.global_att(rows)
        for layer, (grid, step) in zip(self.fp_layers, reversed(levels)):
            propagate, *convolutions = _modules(layer)
            rows = propagate(rows, embedded, skips.pop(), step)
            for convolution in convolutions:
                rows = convolution(rows, grid)
        hidden, dropout, last = _modules(self.classifier)
        return functional.linear(dropout(hidden(rows)), last.weight[..., 0], last.bias).transpose(1, 2)


def _modules(layer: nn.Module) -> list[Any]:
    """The parts of a level; the last one down is not in a Sequential, as in the released files."""
    return list(layer) if isinstance(layer, nn.Sequential) else [layer]


def _down(config: PVCNN2Config) -> tuple[list[nn.Module], int]:
    """The levels on the way down, and the channels of the last."""
    layers: list[nn.Module] = []
    channels = 3
    for depth, gathered in enumerate(GATHERED):
        time, parts = EMBEDDING if depth else 0, []
        if depth < len(CONVOLVED):
            wide = config.wide(CONVOLVED[depth])
            parts.append(PVConv(channels + time, wide, config.dropout, attention=depth == 1))
            parts += [PVConv(wide, wide, config.dropout)] if depth == 0 else []
            channels, time = wide, 0
        outputs = [config.wide(c) for c in gathered]
        gather = SetAbstraction(channels + time, outputs)
        layers.append(nn.Sequential(*parts, gather) if parts else gather)
        channels = outputs[-1]
    return layers, channels


def _up(config: PVCNN2Config, channels: int) -> list[nn.Module]:
    """The levels on the way up from ``channels``, coarsest first."""
    skips = [0, *(config.wide(gathered[-1]) for gathered in GATHERED[:-1])]
    layers: list[nn.Module] = []
    for outputs, (convolved, count), skip in zip(PROPAGATED, UP, reversed(skips)):
        mlp = [config.wide(c) for c in outputs]
        wide = config.wide(convolved)
        parts = [PVConv(mlp[-1] if i == 0 else wide, wide, config.dropout) for i in range(count)]
        layers.append(nn.Sequential(FeaturePropagation(channels + EMBEDDING + skip, mlp), *parts))
        channels = wide
    return layers


def embedding(time: Tensor) -> Tensor:
    """Sines, then cosines [b, 64] of the time [b] at 32 frequencies from 1 down to 1/10000."""
    half = EMBEDDING // 2
    rates = torch.exp(torch.arange(half, dtype=torch.float64) * -(math.log(10000) / (half - 1))).float()
    angles = time[:, None].float() * rates.to(time.device)
    return torch.cat([angles.sin(), angles.cos()], dim=1)
