"""Lower bounds of Chamfer distances, a thousand times cheaper than the distances.

Let D(x) be the distance from x to the nearest point of a cloud B. D(x)^2 - |x|^2 is the minimum over b of |b|^2 - 2 b x, a
minimum of linear functions, so it is concave. A point p that is the convex combination sum w_v v of vertices of a lattice
therefore has

    D(p)^2 >= sum_v w_v D(v)^2 - loss(p),        loss(p) = sum_v w_v |v|^2 - |p|^2 = sum_axis (p - u)(u' - p)

with the lines u <= p <= u' of its cell. The loss is at most 3/4 of the squared step, and half of it on average, however far
B is. Averaged over the points of a cloud A, the mean squared distance from A to B is at least a product of two vectors: the
weights of A (sparse) and the squared distances D^2 from all vertices to B, minus the mean loss of A. One such vector per cloud
serves all its pairs.

*Rounding.* All terms are positive. With u = 2^-24 a distance of the kernels is off by at most 5 u, a weight by 2 u, and a sum of
k products by k u, in whatever order, relatively; ``_less_slack`` takes off (k + 64) u, so that a bound is at most the *computed*
mean, whose own error of 5 u is in the 64. What underflows (below 1e-38) is covered by an absolute 1e-37, and what overflows
counts as no bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from hdbench.distances.chamfer_kernels import leaf_minima
from hdbench.distances.lanes import WIDTH, element, load, muladd, splat, store
from hdbench.distances.lattice import Lattice, lattice_of
from hdbench.distances.leaves import Leaves
from hdbench.distances.ranks import join, rank_and_world
from hdbench.distances.threads import in_parallel

Way = tuple[int, int]  # (number of the set whose points are averaged, number of the set of targets)
_UNIT = 2.0**-24


class Side(NamedTuple):
    """A set of finite sequences [n, t, q, 3] and the leaves of their frames."""

    sequences: NDArray[np.float32]
    leaves: Leaves


def tables(sides: Sequence[Side], ways: Sequence[Way], step: float, threads: int) -> dict[Way, NDArray[np.float64]]:
    """For every way (a, b): lower bounds [n_a, n_b] of the mean, over frames and points, of the squared distance to the nearest
    point. ``step`` is the lattice's, in units of the coordinates: half of it, a quarter of the loss."""
    out = {(a, b): np.zeros((len(sides[a].sequences), len(sides[b].sequences))) for a, b in ways}
    frames = sides[0].sequences.shape[1]
    for frame in range(frames):
        lattice = lattice_of([side.sequences[:, frame] for side in sides], step, threads)
        for b in sorted({b for _, b in ways}):
            _add_columns(lattice, sides[b].leaves, frame, frames, {a: out[a, b] for a, to in ways if to == b}, threads)
    join(*out.values())
    return out


def _add_columns(
    lattice: Lattice, targets: Leaves, frame: int, frames: int, out: dict[int, NDArray[np.float64]], threads: int
) -> None:
    """Add a frame's share of the bounds to the tables of one set of targets; a task is 16 targets, of one rank."""
    rank, world = rank_and_world()
    count = len(targets.points) // frames

    def task(start: int) -> None:
        wanted = np.arange(start, min(start + WIDTH, count))
        field = np.zeros((lattice.vertices.points.shape[1] * WIDTH, WIDTH), np.float32)
        _fields(lattice.vertices, targets, wanted * frames + frame, field)
        for a, table in out.items():
            _interpolate(*lattice.sets[a], field, frames, wanted, table)

    in_parallel(task, range(0, count, WIDTH)[rank::world], threads)


@njit(cache=True, nogil=True, error_model="numpy")
def _fields(vertices, targets, clouds, field):
    """Squared distances from all vertices (leaves of one cloud) to the listed clouds, into ``field`` [v, clouds]."""
    found, room = np.empty(targets.points.shape[1] + 1, np.int32), np.empty(WIDTH, np.float32)
    points, boxes = vertices.points[0], vertices.boxes[0]
    for k in range(len(clouds)):
        target, target_boxes = targets.points[clouds[k]], targets.boxes[clouds[k]]
        for leaf in range(points.shape[0]):
            store(room, 0, leaf_minima(points, boxes, leaf, target, target_boxes, found))
            for lane in range(WIDTH):
                field[leaf * WIDTH + lane, k] = room[lane]


@njit(cache=True, nogil=True, error_model="numpy")
def _less_slack(mean, entries, loss, frames):
    """The share of one frame in a bound: see the module."""
    bound = mean * (1 - (entries + 64) * _UNIT) - loss * (1 + 1e-6) - 1e-37
    return bound / frames if 0 < bound < np.inf else 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def _interpolate(starts, vertices, weights, losses, field, frames, columns, out):
    """Add the bounds of all rows to the (at most 16) ``columns`` of ``out`` whose squared distances are in ``field`` [v, 16]."""
    room = np.empty(WIDTH, np.float32)
    for i in range(len(losses)):
        mean = splat(np.float32(0))
        for k in range(starts[i], starts[i + 1]):
            mean = muladd(element(weights, k), load(field, vertices[k] * WIDTH), mean)
        store(room, 0, mean)
        for lane in range(len(columns)):
            out[i, columns[lane]] += _less_slack(np.float64(room[lane]), starts[i + 1] - starts[i], losses[i], frames)
