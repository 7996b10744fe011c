"""PointNet++ (single-scale grouping): the classifier of ModelNet40 on which Fréchet point-cloud distances stand.

Source: Qi et al. 2017, section 3; layer sizes and the names of the 79 tensors as in github.com/yanx27/Pointnet_Pointnet2_pytorch
@eb64fe0 (``pointnet2_cls_ssg`` without normals), so that its checkpoints fit. Features are relu(bn2(fc2)), 256 numbers, as
HyperDiffusion takes them (github.com/Rgtemze/HyperDiffusion@fd2c581). This module trains, and runs on any device; ``folded.py``
is the same function, faster on a CPU.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from hdbench_fpd.grouping import Balls

WIDTHS = ((3, 64, 64, 128), (131, 128, 128, 256), (259, 256, 512, 1024))
FEATURES = 256


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """Balls of a whole batch as tensors: ``centres`` [s], ``members`` [m] and ``sizes`` [s]; indices count through the batch."""

    centres: Tensor
    members: Tensor
    sizes: Tensor


class SetAbstraction(nn.Module):
    """Points -> one feature vector per ball: three layers on every member, then the maximum."""

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        self.mlp_convs = nn.ModuleList(nn.Conv2d(i, o, 1) for i, o in pairwise(widths))
        self.mlp_bns = nn.ModuleList(nn.BatchNorm1d(o) for o in widths[1:])

    def forward(self, places: Tensor, features: Tensor | None, groups: Groups) -> Tensor:
        """``places`` [p, 3] and ``features`` [p, c] of all points -> features of the balls [s, c']."""
        weight, bias = matrix_and_bias(self.mlp_convs[0])
        centres = places[groups.centres].repeat_interleave(groups.sizes, dim=0)
        rows = functional.linear(places[groups.members] - centres, weight[:, :3], bias)
        if features is not None:  # per point, not per member: a point lies in many balls
            rows = rows + functional.linear(features, weight[:, 3:]).index_select(0, groups.members)
        return torch.segment_reduce(self.layers(rows), "max", lengths=groups.sizes, axis=0)

    def layers(self, rows: Tensor) -> Tensor:
        """All that comes after the first linear map."""
        rows = functional.relu(self.mlp_bns[0](rows), inplace=True)
        for conv, norm in zip(self.mlp_convs[1:], self.mlp_bns[1:]):
            rows = functional.relu(norm(functional.linear(rows, *matrix_and_bias(conv))), inplace=True)
        return rows


class PointNet2(nn.Module):
    """The classifier; ``embed`` gives its features."""

    def __init__(self, classes: int = 40, dropout: float = 0.4) -> None:
        super().__init__()
        self.sa1, self.sa2, self.sa3 = (SetAbstraction(widths) for widths in WIDTHS)
        self.fc1, self.bn1, self.drop1 = nn.Linear(1024, 512), nn.BatchNorm1d(512), nn.Dropout(dropout)
        self.fc2, self.bn2, self.drop2 = nn.Linear(512, FEATURES), nn.BatchNorm1d(FEATURES), nn.Dropout(dropout)
        self.fc3 = nn.Linear(FEATURES, classes)

    def embed(self, places: Tensor, first: Groups, second: Groups, clouds: int) -> Tensor:
        """Points of all clouds [clouds * q, 3] -> features [clouds, 256]."""
        features = self.sa1(places, None, first)
        places = places[first.centres]
        features = self.sa2(places, features, second)
        whole = torch.cat([places[second.centres], features], dim=1)
        rows = functional.linear(whole, *matrix_and_bias(self.sa3.mlp_convs[0]))
        pooled = self.sa3.layers(rows).view(clouds, -1, WIDTHS[2][-1]).amax(1)
        hidden = self.drop1(functional.relu(self.bn1(self.fc1(pooled))))
        return functional.relu(self.bn2(self.fc2(hidden)))

    def classify(self, features: Tensor) -> Tensor:
        """Features [n, 256] -> log-probabilities [n, classes]."""
        return functional.log_softmax(self.fc3(self.drop2(features)), dim=-1)


def matrix_and_bias(conv: nn.Module) -> tuple[Tensor, Tensor]:
    """A 1 x 1 convolution as a matrix [out, in] and a bias [out]."""
    return cast(Tensor, conv.weight)[:, :, 0, 0], cast(Tensor, conv.bias)


def together(balls: Sequence[Balls], points: int) -> Groups:
    """The balls of several clouds of ``points`` points each as those of one batch."""
    offsets = [k * points for k in range(len(balls))]
    centres = torch.cat([torch.from_numpy(b.centres) + o for b, o in zip(balls, offsets)])
    members = torch.cat([torch.from_numpy(b.members) + o for b, o in zip(balls, offsets)])
    return Groups(centres, members, torch.cat([torch.from_numpy(b.starts).diff() for b in balls]))
