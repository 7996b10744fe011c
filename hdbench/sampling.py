"""Field samples: the points of a shape at which an encoder sees its occupancy, drawn with a seed per shape.

The mixture is HyperDiffusion's (points near the surface with Gaussian noise, and points uniform in the box), with numbers and
noise levels from the encoder's ``QuerySpec``. Labels belong to the float32 points that are stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from numpy.typing import NDArray

from hdbench.errors import ShapeError
from hdbench.interfaces import FieldSamples, QuerySpec
from hdbench.occupancy import Winding
from hdbench.points import outer_surface
from hdbench.seeds import numpy_generator
from hdbench.shapes import BOX_HALF_SIDE, Shape


@dataclass(frozen=True, slots=True, eq=False)
class ShapeSamples:
    """What was seen of one shape: the fields of ``FieldSamples`` without their first axis, as numpy arrays."""

    name: str
    near: NDArray[np.float32]
    near_inside: NDArray[np.bool_]
    uniform: NDArray[np.float32]
    uniform_inside: NDArray[np.bool_]
    held_out: NDArray[np.float32]
    held_out_inside: NDArray[np.bool_]
    surface: NDArray[np.float32]
    grid: NDArray[np.bool_]

    def __reduce__(self):  # frozen slots do not pickle by themselves; worker processes need it
        return ShapeSamples, tuple(getattr(self, f.name) for f in fields(self))


def sample_field(shape: Shape, spec: QuerySpec, seed: int) -> ShapeSamples:
    """The points that ``spec`` asks for of every frame of a normalised shape; seeded by (seed, "queries", the shape's name).

    Points of ``near`` that the noise carries out of the box are mirrored back at its walls. Raises ShapeError, naming the
    shape, when it has no faces or no outer surface.
    """
    rng = numpy_generator(seed, "queries", shape.name)
    frames = [_sample_frame(shape, k, spec, rng) for k in range(len(shape.frames))]
    return ShapeSamples(shape.name, *(np.stack(part) for part in zip(*frames)))


def stack(samples: Sequence[ShapeSamples]) -> FieldSamples:
    """The samples of single shapes as one set; all must be of the same spec and number of frames."""
    parts = [f.name for f in fields(ShapeSamples)[1:]]
    tensors = {part: torch.from_numpy(np.stack([getattr(s, part) for s in samples])) for part in parts}
    return FieldSamples(tuple(s.name for s in samples), **tensors)


def evaluation_cloud(shape: Shape, count: int, seed: int) -> NDArray[np.float32]:
    """Points on the outer surface of every frame [t, count, 3], seeded by (seed, "cloud", the shape's name).

    Raises ShapeError, naming the shape, when it has no faces or no outer surface.
    """
    rng = numpy_generator(seed, "cloud", shape.name)
    clouds = [_outer(shape, k, count, rng, _winding(shape, k)) for k in range(len(shape.frames))]
    return np.stack(clouds).astype(np.float32)


def cell_centres(resolution: int) -> NDArray[np.float32]:
    """Centres of the resolution^3 cells of the box, [r, r, r, 3], indexed x, y, z."""
    line = ((np.arange(resolution) + 0.5) / resolution * 2 - 1) * BOX_HALF_SIDE
    return np.stack(np.meshgrid(line, line, line, indexing="ij"), axis=-1).astype(np.float32)


def _sample_frame(shape: Shape, frame: int, spec: QuerySpec, rng: np.random.Generator) -> tuple[NDArray, ...]:
    held_near = spec.held_out // 2
    winding = _winding(shape, frame)
    outer = _outer(shape, frame, spec.near + held_near + spec.surface, rng, winding)
    near, held, surface = np.split(outer, [spec.near, spec.near + held_near])

    sigmas = np.resize(np.array(spec.sigmas), spec.near)  # they take turns point by point
    groups: list[NDArray[np.floating]] = [
        _into_box(near + sigmas[:, None] * rng.standard_normal(near.shape)),
        _uniform(spec.uniform, rng),
        _into_box(held + spec.sigmas[0] * rng.standard_normal(held.shape)),
        _uniform(spec.held_out - held_near, rng),
        cell_centres(spec.grid).reshape(-1, 3),
    ]
    points = [g.astype(np.float32) for g in groups]
    labels = np.split(winding.inside(np.concatenate(points)), np.cumsum([len(g) for g in points])[:-1])

    held_out, held_out_inside = np.concatenate(points[2:4]), np.concatenate(labels[2:4])
    grid = labels[4].reshape((spec.grid,) * 3)
    on_surface = surface.astype(np.float32)
    return points[0], labels[0], points[1], labels[1], held_out, held_out_inside, on_surface, grid


def _winding(shape: Shape, frame: int) -> Winding:
    if shape.frames[frame].is_empty:
        raise ShapeError(f"The shape '{shape.name}' has no faces in frame {frame}.")
    return Winding(shape.frames[frame], shape.solid)


def _outer(shape: Shape, frame: int, count: int, rng: np.random.Generator, winding: Winding) -> NDArray[np.float64]:
    try:
        return outer_surface(shape.frames[frame], count, rng, shape.solid, winding)
    except ShapeError as error:
        raise ShapeError(f"The shape '{shape.name}' cannot be used (frame {frame}). {error}") from None


def _uniform(count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    return rng.uniform(-BOX_HALF_SIDE, BOX_HALF_SIDE, (count, 3))


def _into_box(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mirrored at the walls, so that no density piles up on them; what is still out after that is put on the wall."""
    distance = np.abs(points)
    mirrored = np.where(distance > BOX_HALF_SIDE, 2 * BOX_HALF_SIDE - distance, distance)
    return np.copysign(mirrored.clip(-BOX_HALF_SIDE, BOX_HALF_SIDE), points)
