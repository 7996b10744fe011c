"""Shapes and clouds that contracts try components on; small, made on the spot, the same on every machine."""

from __future__ import annotations

from functools import cache

import numpy as np
import trimesh

from hdbench.interfaces import FieldSamples, QuerySpec
from hdbench.sampling import sample_field, stack
from hdbench.shapes import Mesh, Shape

RADII = (0.42, 0.3, 0.36)


def ball(radius: float) -> Mesh:
    """A triangulated sphere around the origin."""
    mesh = trimesh.creation.icosphere(subdivisions=2, radius=radius)
    return Mesh(np.asarray(mesh.vertices, np.float64), np.asarray(mesh.faces, np.int64))


def balls(frames: int) -> tuple[Shape, ...]:
    """Three spheres around the origin; a sequence shrinks by a tenth from frame to frame."""
    grown = [tuple(ball(radius * 0.9**k) for k in range(frames)) for radius in RADII]
    return tuple(Shape(f"ball-{i}", meshes, solid=True) for i, meshes in enumerate(grown))


@cache
def ball_samples(spec: QuerySpec, frames: int) -> FieldSamples:
    """What an encoder sees of the three spheres."""
    return stack([sample_field(shape, spec, seed=0) for shape in balls(frames)])


def signed_volume(mesh: Mesh) -> float:
    """The volume that the faces enclose; negative when they look inwards."""
    a, b, c = mesh.triangles.transpose(1, 0, 2)
    return float((a * np.cross(b, c)).sum() / 6)
