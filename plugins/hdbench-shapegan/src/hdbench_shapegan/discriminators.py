"""The two discriminators: how real a field looks, from its values on a grid or at points.

``VoxelDiscriminator`` grows: convolution k halves the grid and hands on to convolution k - 1, down to 4^3 cells. A new resolution
enters through its own convolution, whose input has the values in the first channel and zeros in all others (so that only the
filters' first channel matters), and is faded in against the coarser grid of every second point.
Source: marian42/shapegan at 090a6a8 (progressive_gan, after Karras et al. 2018; PointNet, after Qi et al. 2017).
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import conv3d, leaky_relu, pad

FEATURES = (256, 128, 64, 32)  # behind the convolution of 8^3, 16^3, 32^3, 64^3
COARSEST, CELLS = 8, 4**3  # points per axis of the first stage; cells that reach the head
HEAD = 128
SLOPE = 0.2


class VoxelDiscriminator(nn.Module):
    """Grids [b, r, r, r] -> scores [b], r = 8 2^stage. ``state_dict`` has every convolution twice, as the released files have."""

    def __init__(self, features: tuple[int, ...] = FEATURES) -> None:
        super().__init__()
        self.features, self.stage, self.fade = features, 0, 1.0
        last = nn.LeakyReLU(SLOPE)
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(CELLS * features[0], HEAD), last, nn.Linear(HEAD, 1))
        inputs = (*features[1:], 1)
        self.optional_layers = nn.ModuleList(
            nn.Sequential(nn.Conv3d(a, b, 4, 2, 1), nn.LeakyReLU(SLOPE)) for a, b in zip(inputs, features)
        )
        for k, layer in enumerate(self.optional_layers):
            self.add_module(f"optional_layer_{k}", layer)

    def forward(self, grids: Tensor) -> Tensor:
        values = grids[:, None]
        features = self._enter(values)
        if self.fade < 1 and self.stage > 0:
            coarse = pad(values[:, :, ::2, ::2, ::2], (0,) * 7 + (features.shape[1] - 1,))
            features = self.fade * features + (1 - self.fade) * coarse
        for layer in reversed(self.optional_layers[: self.stage]):
            features = layer(features)
        return self.head(features)[:, 0]

    def _enter(self, values: Tensor) -> Tensor:
        """The convolution of this stage on values [b, 1, r, r, r] followed by channels of zeros, which are left out."""
        convolution = next(self.optional_layers[self.stage].children())
        assert isinstance(convolution, nn.Conv3d)
        return leaky_relu(conv3d(values, convolution.weight[:, :1], convolution.bias, 2, 1), SLOPE)


class PointDiscriminator(nn.Module):
    """(points [b, p, 3], values [b, p]) -> scores [b]: a PointNet on (x, y, z, distance)."""

    def __init__(self) -> None:
        super().__init__()
        self.nn1 = _perceptron(4, 64, 128, 256, 512)
        self.nn2 = _perceptron(512, 256, 128, 1)

    def forward(self, points: Tensor, values: Tensor) -> Tensor:
        features = self.nn1(torch.cat([points, values[..., None]], -1))
        return self.nn2(features.max(-2).values)[..., 0]


def _perceptron(*widths: int) -> nn.Sequential:
    """Linear layers with ReLUs between them."""
    pairs = [(nn.Linear(a, b), nn.ReLU()) for a, b in pairwise(widths)]
    return nn.Sequential(*[layer for pair in pairs for layer in pair][:-1])
