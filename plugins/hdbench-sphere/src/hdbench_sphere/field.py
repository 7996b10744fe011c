"""The encoder of one weight: a shape is the radius of the sphere that fits its surface best."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from hdbench.interfaces import Encoded, FieldEncoder, FieldSamples, QuerySpec, Session
from hdbench.shapes import Mesh
from hdbench.weights import WeightLayout
from hdbench_sphere.shapes import sphere


@dataclass(frozen=True, slots=True, kw_only=True)
class RadiusConfig:
    """``surface`` points are looked at; ``spread`` is the largest standard deviation of their radii that is accepted."""

    surface: int = 256
    spread: float = 0.02


class RadiusEncoder(FieldEncoder):
    """Weights [n, t]: one radius per frame."""

    name = "radius"
    source = "hdbench tutorial"
    Config = RadiusConfig

    def queries(self) -> QuerySpec:
        return QuerySpec(surface=self.config.surface)

    def layout(self, frames: int) -> WeightLayout:
        return WeightLayout(("radius",), ((frames,),))

    def encode(self, samples: FieldSamples, start: Mapping[str, Tensor], session: Session) -> Encoded:
        radii = samples.surface.double().norm(dim=-1)  # [n, t, s]
        return Encoded(radii.mean(-1).float(), {"spread": radii.std(-1).amax(-1).float()})

    def accept(self, quality: Mapping[str, Tensor]) -> Tensor:
        return quality["spread"] <= self.config.spread

    def decode(self, weights: Tensor, frames: int, resolution: int, level: float) -> tuple[Mesh, ...]:
        return tuple(sphere(float(radius)) if radius > 0 else _nothing() for radius in weights)


def _nothing() -> Mesh:
    return Mesh(np.zeros((0, 3)), np.zeros((0, 3), np.int64))
