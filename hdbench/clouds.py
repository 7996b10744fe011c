"""A shape of which points are known and no surface: what learns from clouds can learn from it, but it has no inside."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hdbench.errors import ShapeError
from hdbench.seeds import numpy_generator
from hdbench.shapes import NORMAL_EXTENT


@dataclass(frozen=True, slots=True, eq=False)
class Cloud:
    """Points on the surface of a shape: ``points`` [t, q, 3] float32 in its own units and pose.

    ``first`` and ``last`` bound the points that may be drawn, where a data set keeps some of them for training and some for
    evaluation; ``last`` is None for all that follow.
    """

    name: str
    points: NDArray[np.float32]
    first: int = 0
    last: int | None = None

    @property
    def stock(self) -> int:
        """How many points may be drawn of each frame."""
        return len(range(self.points.shape[1])[self.first : self.last])


def place_cloud(cloud: Cloud) -> Cloud:
    """The cloud in the box [-0.5, 0.5]^3, as ``normalise`` places a mesh: centred on the box of all points and frames,
    the longest side 0.95. Raises ShapeError for points that are not finite or that all coincide."""
    points = cloud.points.astype(np.float64)
    if not points.size or not np.isfinite(points).all():
        raise ShapeError(f"The cloud '{cloud.name}' has points that are not finite." if points.size else _nothing(cloud))
    low, high = points.min((0, 1)), points.max((0, 1))
    side = (high - low).max()
    if side <= 0:
        raise ShapeError(f"The cloud '{cloud.name}' has no extent: all its points coincide.")
    placed = ((points - (low + high) / 2) * (NORMAL_EXTENT / side)).astype(np.float32)
    return Cloud(cloud.name, placed, cloud.first, cloud.last)


def _nothing(cloud: Cloud) -> str:
    return f"The cloud '{cloud.name}' has no points."


def draw(cloud: Cloud, count: int, seed: int, again: bool = False) -> NDArray[np.float32]:
    """``count`` of the points [t, count, 3], without repetition, the same ones in all frames; seeded by (seed, "cloud", name).

    ``again`` gives as many others, none of which is in the first choice. Raises ShapeError when there are too few.
    """
    need = 2 * count if again else count
    if cloud.stock < need:
        others = f", too few for {count} others" if again else f", fewer than the {count} that the protocol asks for"
        raise ShapeError(f"The cloud '{cloud.name}' has {cloud.stock} points{others}.")
    order = cloud.first + numpy_generator(seed, "cloud", cloud.name).permutation(cloud.stock)
    return np.ascontiguousarray(cloud.points[:, order[need - count : need]], dtype=np.float32)
