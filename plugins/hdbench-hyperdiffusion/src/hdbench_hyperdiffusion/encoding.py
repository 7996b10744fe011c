"""Positional encoding of coordinates, and the coordinates themselves: a point of the box, and the frame for 4D.

The encoding is NeRF's with the raw coordinate in front and without the factor pi, as HyperDiffusion has it.
Source: Mildenhall et al. 2020, equation 4; Rgtemze/HyperDiffusion at fd2c581, Embedder.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor


def encode_coordinates(x: Tensor, octaves: int, scale: float = 1.0) -> Tensor:
    """Coordinates [..., d] -> features [..., d * (1 + 2 * octaves)].

    [x, sin u, cos u, sin 2u, cos 2u, sin 4u, ...] with u = scale * x, each block holding all d coordinates. The scale
    leaves the raw coordinate alone; 1 is HyperDiffusion's, 2 suits networks of 32 units better.
    """
    u = x * scale
    blocks = [x]
    for k in range(octaves):
        blocks += [torch.sin(u * 2.0**k), torch.cos(u * 2.0**k)]
    return torch.cat(blocks, dim=-1)


@dataclass(frozen=True, slots=True)
class Encoding:
    """How points of T frames become the inputs of the network.

    ``time`` says what the fourth coordinate of frame k is when T > 1: ``index`` is k itself (HyperDiffusion: 0..15),
    ``unit`` spreads the frames evenly over [-0.5, 0.5] like the other coordinates. With T = 1 there is none.
    """

    octaves: int = 4
    scale: float = 1.0
    time: Literal["index", "unit"] = "index"

    def width(self, frames: int) -> int:
        """Features per point."""
        return (3 if frames == 1 else 4) * (1 + 2 * self.octaves)

    def frame_coordinate(self, frame: int, frames: int) -> float:
        """The fourth coordinate of every point of ``frame``, before the scale is applied."""
        return float(frame) if self.time == "index" else frame / (frames - 1) - 0.5

    def coordinates(self, points: Tensor) -> Tensor:
        """Points [n, t, q, 3] -> coordinates [n, q * t, d]: frames take turns point by point, so any slice holds all of them."""
        frames = points.shape[1]
        if frames > 1:
            times = torch.tensor([self.frame_coordinate(k, frames) for k in range(frames)], dtype=points.dtype)
            points = torch.cat([points, times.to(points.device).view(1, -1, 1, 1).expand(*points.shape[:3], 1)], dim=-1)
        return points.transpose(1, 2).flatten(1, 2)

    def features(self, coordinates: Tensor) -> Tensor:
        """Coordinates [..., d] -> features [..., width]."""
        return encode_coordinates(coordinates, self.octaves, self.scale)
