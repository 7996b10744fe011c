"""Weights: the flat vector [n, p] of a field, the layout that names its parts, and the space it is diffused in."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Literal

import torch
from torch import Tensor

from hdbench.errors import HdbenchError


@dataclass(frozen=True, slots=True)
class WeightLayout:
    """How a flat vector of p numbers splits into named tensors, in order, each flattened row-major."""

    names: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]

    @property
    def sizes(self) -> tuple[int, ...]:
        """Numbers per part."""
        return tuple(prod(shape) for shape in self.shapes)

    @property
    def size(self) -> int:
        """p, the length of the flat vector."""
        return sum(self.sizes)

    def split(self, weights: Tensor) -> dict[str, Tensor]:
        """[n, p] -> {name: [n, *shape]} (views)."""
        parts = weights.split(self.sizes, dim=1)
        return {name: part.unflatten(1, shape) for name, part, shape in zip(self.names, parts, self.shapes)}

    def join(self, layers: dict[str, Tensor]) -> Tensor:
        """{name: [n, *shape]} -> [n, p]; the inverse of split."""
        return torch.cat([layers[name].flatten(1) for name in self.names], dim=1)


Mode = Literal["raw", "global", "perdim", "pca"]


@dataclass(frozen=True, slots=True)
class WeightSpace:
    """An affine map, per part of the layout, between weights [n, p] and the space [n, k] that is diffused.

    ``layout`` describes the diffused space (it equals the field's layout except for ``pca``).
    """

    layout: WeightLayout
    mean: Tensor  # [p]
    scale: Tensor  # [k]
    bases: tuple[Tensor, ...] | None  # one orthonormal [k_i, p_i] per part, or None

    def to(self, device: torch.device) -> WeightSpace:
        """The same space on another device."""
        bases = None if self.bases is None else tuple(basis.to(device) for basis in self.bases)
        return WeightSpace(self.layout, self.mean.to(device), self.scale.to(device), bases)

    def forward(self, weights: Tensor) -> Tensor:
        """Weights [n, p] -> diffused coordinates [n, k]."""
        centred = weights - self.mean
        if self.bases is not None:
            parts = centred.split([basis.shape[1] for basis in self.bases], dim=1)
            centred = torch.cat([part @ basis.T for part, basis in zip(parts, self.bases)], dim=1)
        return centred / self.scale

    def inverse(self, coordinates: Tensor) -> Tensor:
        """Diffused coordinates [n, k] -> weights [n, p]."""
        scaled = coordinates * self.scale
        if self.bases is not None:
            parts = scaled.split([basis.shape[0] for basis in self.bases], dim=1)
            scaled = torch.cat([part @ basis for part, basis in zip(parts, self.bases)], dim=1)
        return scaled + self.mean


def weight_space(weights: Tensor, layout: WeightLayout, mode: Mode) -> WeightSpace:
    """The space in which ``weights`` [n, p] are diffused.

    ``raw`` leaves them as they are (the paper: normalization_factor 1); ``global`` removes the mean and divides by one
    standard deviation; ``perdim`` by one per weight (weights that never change are frozen at scale 1e-3 of the largest);
    ``pca`` rotates each part onto the principal axes of the training weights, lossless on them, one global scale.
    """
    size = weights.shape[1]
    if mode == "raw":
        return WeightSpace(layout, torch.zeros(size), torch.ones(size), None)
    mean = weights.mean(0)
    centred = weights - mean
    if mode == "global":
        return WeightSpace(layout, mean, torch.full((size,), _positive(centred.std().item())), None)
    if mode == "perdim":
        deviation = centred.std(0)
        return WeightSpace(layout, mean, deviation.clamp(min=1e-3 * _positive(deviation.max().item())), None)
    if mode == "pca":
        bases = tuple(_principal_axes(part) for part in centred.split(layout.sizes, dim=1))
        widths = [len(basis) for basis in bases]
        spread = _positive(centred.square().sum(1).mean().div(sum(widths)).sqrt().item())
        rotated = WeightLayout(layout.names, tuple((width,) for width in widths))
        return WeightSpace(rotated, mean, torch.full((sum(widths),), spread), bases)
    raise HdbenchError(f"'{mode}' is not a weight space. Known: raw, global, perdim, pca.")


def _positive(value: float) -> float:
    return value if value > 0 else 1.0


def _principal_axes(part: Tensor) -> Tensor:
    """Orthonormal rows [k, p_i] that span the centred rows of ``part`` [n, p_i]; at least one."""
    _, singular, axes = torch.linalg.svd(part.double(), full_matrices=False)
    rank = max(1, int((singular > 1e-4 * singular[0]).sum()))
    return axes[:rank].to(part.dtype).contiguous()
