"""Spheres around the origin whose radii are normally distributed: a data set whose statistics are known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import trimesh

from hdbench.config import check
from hdbench.errors import unknown
from hdbench.interfaces import ShapeSource
from hdbench.seeds import numpy_generator
from hdbench.shapes import Mesh, Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class SpheresConfig:
    """``count`` spheres of radius ``mean`` +- ``deviation``, in the units of the box [-0.5, 0.5]^3."""

    count: int = 80
    mean: float = 0.3
    deviation: float = 0.03
    seed: int = 0

    def __post_init__(self) -> None:
        check(self.count >= 1, "shapes.count", "at least 1", self.count)
        check(0 < self.deviation < self.mean / 5, "shapes.deviation", "positive and below a fifth of the mean", self.deviation)
        check(self.mean + 5 * self.deviation < 0.5, "shapes.mean", "small enough for the box", self.mean)


class Spheres(ShapeSource):
    """Sphere i has the radius that its own generator draws, so more spheres never change the first ones."""

    name = "spheres"
    source = "hdbench tutorial"
    Config = SpheresConfig

    def names(self) -> tuple[str, ...]:
        return tuple(f"sphere-{i:04d}" for i in range(self.config.count))

    def radius(self, name: str) -> float:
        """The radius of one sphere, within five deviations of the mean."""
        draw = numpy_generator(self.config.seed, "radius", name).normal()
        return self.config.mean + self.config.deviation * float(np.clip(draw, -5, 5))

    def shape(self, name: str) -> Shape:
        if name not in self.names():
            raise unknown("shape", name, [self.names()[0], self.names()[-1]], "These are the first and the last.")
        return Shape(name, (sphere(self.radius(name)),), solid=True)

    def place(self, shape: Shape) -> Shape:
        """As it is: the radius is the information, and scaling would take it away."""
        return shape


def sphere(radius: float, subdivisions: int = 3) -> Mesh:
    """A triangulated sphere around the origin; its vertices lie on the sphere."""
    mesh = trimesh.creation.icosphere(subdivisions=subdivisions, radius=radius)
    return Mesh(np.asarray(mesh.vertices, np.float64), np.asarray(mesh.faces, np.int64))
