"""Cloud -> the Gaussian from which its code is drawn: a PointNet, the only part of DPC that sees whole shapes."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional

from hdbench_dpc.config import NetworkConfig


class PointNetEncoder(nn.Module):
    """Four pointwise convolutions with batch norm, the maximum over points, and a head each for mean and log-variance.

    Convolutions of width one are written as products of [b n, c] rows, which a CPU reads in order.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        widths = (3, *config.pointnet)
        for i, (inputs, outputs) in enumerate(pairwise(widths), 1):
            self.add_module(f"conv{i}", nn.Conv1d(inputs, outputs, 1))
        for i, outputs in enumerate(config.pointnet, 1):
            self.add_module(f"bn{i}", nn.BatchNorm1d(outputs))
        for end in ("m", "v"):
            sizes = (config.pointnet[-1], *config.heads, config.latent)
            for i, (inputs, outputs) in enumerate(pairwise(sizes), 1):
                self.add_module(f"fc{i}_{end}", nn.Linear(inputs, outputs))
            for i, outputs in enumerate(config.heads, 1):
                self.add_module(f"fc_bn{i}_{end}", nn.BatchNorm1d(outputs))

    def forward(self, clouds: Tensor) -> tuple[Tensor, Tensor]:
        """Clouds [b, n, 3] -> mean and log-variance of their codes, [b, latent] each."""
        rows = clouds.reshape(-1, 3)
        for i in range(1, 5):
            conv, norm = self.get_submodule(f"conv{i}"), self.get_submodule(f"bn{i}")
            weight, bias = conv.parameters()
            rows = norm(functional.linear(rows, weight[:, :, 0], bias))
            rows = functional.relu_(rows) if i < 4 else rows
        pooled = rows.view(*clouds.shape[:2], -1).max(1).values
        return self._head(pooled, "m"), self._head(pooled, "v")

    def _head(self, pooled: Tensor, end: str) -> Tensor:
        hidden = pooled
        for i in (1, 2):
            hidden = functional.relu(self.get_submodule(f"fc_bn{i}_{end}")(self.get_submodule(f"fc{i}_{end}")(hidden)))
        return self.get_submodule(f"fc3_{end}")(hidden)
