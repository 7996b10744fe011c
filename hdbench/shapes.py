"""The noun of the benchmark: a shape is a sequence of T meshes, T = 1 for 3D."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hdbench.errors import HdbenchError, ShapeError

BOX_HALF_SIDE = 0.5  # every normalised shape lies in [-0.5, 0.5]^3
NORMAL_EXTENT = 0.95  # longest side of a normalised shape (HyperDiffusion: 0.95 of the box)
_OFF_THE_ROUND = 0.31831  # keeps coordinates that are round numbers away from the borders of the digest's grid


@dataclass(frozen=True, slots=True, eq=False)
class Mesh:
    """Triangles: vertices [v, 3] float64, faces [f, 3] int64, counter-clockwise seen from outside."""

    vertices: NDArray[np.float64]
    faces: NDArray[np.int64]

    @property
    def triangles(self) -> NDArray[np.float64]:
        """Corner coordinates [f, 3, 3]."""
        return self.vertices[self.faces]

    @property
    def is_empty(self) -> bool:
        """Whether there is no surface at all."""
        return len(self.faces) == 0


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """One object of the data set: its name and its T frames.

    ``solid`` says that every frame is a union of closed parts wound outwards, so that signed ray crossings
    are its exact winding number; leave it False for meshes of unknown origin.
    """

    name: str
    frames: tuple[Mesh, ...]
    solid: bool = False


@dataclass(frozen=True, slots=True)
class Split:
    """Names of the train, validation and test shapes; disjoint."""

    train: tuple[str, ...]
    val: tuple[str, ...]
    test: tuple[str, ...]


def normalise(shape: Shape, extent: float = NORMAL_EXTENT) -> Shape:
    """The shape centred on its bounding box and scaled so that the longest side over all frames is ``extent``.

    One centre and one scale serve all frames, so motion is kept. Raises ShapeError for a shape without extent
    or with coordinates that are not finite.
    """
    corners = np.array([[m.vertices[m.faces].min((0, 1)), m.vertices[m.faces].max((0, 1))] for m in shape.frames])
    low, high = corners[:, 0].min(0), corners[:, 1].max(0)
    if not np.isfinite(corners).all():
        raise ShapeError(f"The shape '{shape.name}' has coordinates that are not finite.")
    side = (high - low).max()
    if side <= 0:
        raise ShapeError(f"The shape '{shape.name}' has no extent: all its vertices coincide.")
    frames = tuple(Mesh((m.vertices - (low + high) / 2) * (extent / side), m.faces) for m in shape.frames)
    return Shape(shape.name, frames, shape.solid)


def geometry_digest(shape: Shape, placed: bool = False) -> str:
    """A hex digest of the surface: equal for copies under another name, in another order, moved or scaled.

    Triangles are compared by their corners in the normalised box, on a grid of 1e-5 of its side; their orientation and the way
    vertices are shared do not count. A shape that is ``placed`` in the box already is taken as it is, size included.
    Raises ShapeError as ``normalise`` does.
    """
    text = hashlib.sha256()
    for mesh in shape.frames if placed else normalise(shape).frames:
        steps = np.floor(mesh.triangles * 1e5 + _OFF_THE_ROUND).astype(np.int64) + 2**17
        corners = np.sort((steps[..., 0] << 40) | (steps[..., 1] << 20) | steps[..., 2], axis=1)
        text.update(corners[np.lexsort(corners.T)].tobytes())
        text.update(b"frame")
    return text.hexdigest()


def split_by_fraction(names: tuple[str, ...], train: float = 0.80, val: float = 0.05) -> Split:
    """The paper's 80/5/15 split over the names in their order: val = int(5 %), test = int(15 %), the rest is train.

    Raises HdbenchError when a part would be empty. Source: HyperDiffusion main.py at fd2c581.
    """
    count = len(names)
    val_count, test_count = int(val * count), int(round((1 - train - val) * count, 9))
    train_count = count - val_count - test_count
    if min(train_count, test_count) < 1:
        raise HdbenchError(
            f"{count} usable shapes are too few for a split of {train:.0%} train, {val:.0%} validation and "
            f"{1 - train - val:.0%} test. Add shapes, or change 'data.train' and 'data.val'."
        )
    first, second = train_count, train_count + val_count
    return Split(names[:first], names[first:second], names[second:])
