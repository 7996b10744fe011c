"""Which points PointNet++ looks at together: a canonical order, farthest points, balls. All of it depends on the set alone.

The released code starts the farthest points at a random one and keeps the first 32 or 64 points of a ball, so that its features
change with the order of the points (by more than half of their variance, untrained) and from run to run. Here points are sorted
first, and the start is the point farthest from the centroid. Sorted points are then taken in bit-reversed order (van der Corput):
"the first 32" of a ball are spread over it, as they are in the randomly ordered clouds that such networks are trained on.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from hdbench_fpd import grouping_kernels as kernels

Cloud = NDArray[np.float32]
Index = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Level:
    """How many centres a set abstraction has, the radius of a ball, and the most points that are kept of it."""

    centres: int
    radius: float
    most: int


LEVELS = (Level(512, 0.2, 32), Level(128, 0.4, 64))  # of the single-scale classifier; a third level takes all points together


@dataclass(frozen=True, slots=True, eq=False)
class Balls:
    """Balls around some of the points: ``centres`` [s], and ``members[starts[i]:starts[i + 1]]`` are the points of ball i.

    The published form pads a ball with copies of its first member. Copies change no maximum, so they are left out.
    """

    centres: Index
    members: Index
    starts: Index


def canonical(cloud: Cloud) -> Cloud:
    """The same points [q, 3] in an order that does not depend on the one they came in."""
    by_place = np.lexsort((cloud[:, 2], cloud[:, 1], cloud[:, 0]))
    return cloud[by_place[spread(len(cloud))]]


@cache
def spread(count: int) -> Index:
    """The numbers below ``count`` in bit-reversed order: every beginning of the list is spread evenly over the range."""
    bits = max(count - 1, 1).bit_length()
    numbers, reverse = np.arange(1 << bits), np.zeros(1 << bits, dtype=np.int64)
    for bit in range(bits):
        reverse |= ((numbers >> bit) & 1) << (bits - 1 - bit)
    return reverse[reverse < count]


def group(cloud: Cloud, levels: tuple[Level, ...] = LEVELS) -> tuple[Balls, Balls]:
    """The balls of both levels for a cloud in canonical order; those of the second are among the centres of the first."""
    centroid = cloud.mean(0, dtype=np.float64)
    start = int(((cloud - centroid) ** 2).sum(1).argmax())
    first = _balls(cloud, levels[0], start)
    return first, _balls(cloud[first.centres], levels[1], 0)


def _balls(points: Cloud, level: Level, start: int) -> Balls:
    x, y, z = np.ascontiguousarray(points.T)
    count = min(level.centres, len(points))
    centres, starts = np.empty(count, np.int64), np.empty(count + 1, np.int64)
    kernels.farthest_points(x, y, z, start, centres)
    members = np.empty(count * min(level.most, len(points)), np.int64)
    kernels.balls(x, y, z, centres, np.float32(level.radius**2), level.most, members, starts)
    return Balls(centres, members[: starts[-1]], starts)
