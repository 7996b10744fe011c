"""Clouds seen from the vertices of a lattice: where each point lies between the eight vertices of its cell.

A lattice has lines along each axis, ``step`` apart where the points are and farther apart where there are few. A point p in the
cell [u, v] is a convex combination of the cell's corners with weights that are products of (v - p) / (v - u) and
(p - u) / (v - u), one factor per axis; the corners' mean squared distance from p, so weighted, is the sum over axes of
(p - u)(v - p): its *loss*. ``hdbench.distances.bounds`` says what for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from hdbench.distances.leaves import Leaves, leaves_of
from hdbench.distances.threads import in_parallel

_MOST_SLOTS = 120  # spaces of one step per axis; a lattice has at most (2 _MOST_SLOTS + 2)^3 vertices
_SAMPLE = 200_000  # coordinates per axis that decide where the lines go; any lines give true bounds
_CLOUDS_PER_TASK = 16

Lines = tuple[NDArray[np.float32], ...]  # along x, y and z, ascending


class Weights(NamedTuple):
    """Clouds as combinations of vertices, row by row: mean over a cloud's points of the weights of their corners.

    Row i has the entries ``starts[i] : starts[i + 1]`` of ``vertices`` and ``weights`` (each vertex once, all weights positive,
    their sum is 1) and the mean loss ``losses[i]``. Every number is right to a few roundings, relatively.
    """

    starts: NDArray[np.int64]
    vertices: NDArray[np.int32]
    weights: NDArray[np.float32]
    losses: NDArray[np.float64]


class Lattice(NamedTuple):
    """The vertices of all cells that hold a point, as leaves of one cloud, and the weights of each set of clouds."""

    vertices: Leaves
    sets: tuple[Weights, ...]


def lattice_of(sets: Sequence[NDArray[np.float32]], step: float, threads: int) -> Lattice:
    """The lattice of sets of finite clouds [n, q, 3], of which at least one is not empty."""
    lines = tuple(_lines([clouds[..., axis] for clouds in sets], step) for axis in range(3))
    touched = np.zeros([len(line) for line in lines], np.bool_)
    cells = [_cells(clouds, lines, touched, threads) for clouds in sets]
    vertices, numbers = _numbered(lines, touched)
    return Lattice(vertices, tuple(_weights(clouds, own, lines, numbers, threads) for clouds, own in zip(sets, cells)))


def _lines(values: list[NDArray[np.float32]], step: float) -> NDArray[np.float32]:
    """The lines along one axis, ascending, from the lowest value to the highest: ``step`` apart where most of the values are."""
    values = [v for v in values if v.size]
    low, high = min(v.min() for v in values), max(v.max() for v in values)
    share = -(-sum(v.size for v in values) // _SAMPLE)
    slots, counts = np.unique(
        np.floor(np.concatenate([v.ravel()[::share] for v in values]) / np.float64(step)), return_counts=True
    )
    slots = slots[np.argsort(-counts, kind="stable")[:_MOST_SLOTS]]
    inner = (np.concatenate([slots, slots + 1]) * step).astype(np.float32)
    ends = [low, high if high > low else _above(low)]
    return np.unique(np.concatenate([inner[(inner > low) & (inner < high)], ends]).astype(np.float32))


def _above(value: np.float32) -> np.float32:
    """A larger float32. Not the next one: above 0 that is a denormal, which equals 0 where a process flushes denormals."""
    return max(np.nextafter(value, np.float32(np.inf)), value + np.finfo(np.float32).tiny)


def _cells(clouds: NDArray[np.float32], lines: Lines, touched: NDArray[np.bool_], threads: int) -> NDArray[np.int32]:
    """The cell of every point, as the index of its lowest corner [n, q]; its eight corners are marked in ``touched``."""
    out = np.empty(clouds.shape[:2], np.int32)
    xs, ys, zs = lines

    def task(start: int) -> None:
        part = slice(start, start + _CLOUDS_PER_TASK)
        _locate(clouds[part], xs, ys, zs, touched, out[part])

    in_parallel(task, range(0, len(clouds), _CLOUDS_PER_TASK), threads)
    return out


def _numbered(lines: Lines, touched: NDArray[np.bool_]) -> tuple[Leaves, NDArray[np.int32]]:
    """The touched vertices as leaves of one cloud, and for each place of the lattice its number there."""
    at = np.nonzero(touched)
    vertices = leaves_of(np.stack([line[k] for line, k in zip(lines, at)], axis=-1)[None])
    order = np.moveaxis(vertices.points[0], 1, 0).reshape(3, -1)[:, : len(at[0])]
    numbers = np.zeros(touched.shape, np.int32)
    numbers[tuple(np.searchsorted(line, values) for line, values in zip(lines, order))] = np.arange(order.shape[1])
    return vertices, numbers


def _weights(
    clouds: NDArray[np.float32], cells: NDArray[np.int32], lines: Lines, numbers: NDArray[np.int32], threads: int
) -> Weights:
    starts = range(0, max(1, len(clouds)), _CLOUDS_PER_TASK)  # of no clouds: one part of no rows
    parts: list[tuple[NDArray, ...]] = [()] * len(starts)
    xs, ys, zs = lines

    def task(start: int) -> None:
        part = slice(start, start + _CLOUDS_PER_TASK)
        parts[start // _CLOUDS_PER_TASK] = _combine(clouds[part], cells[part], xs, ys, zs, numbers.ravel())

    in_parallel(task, starts, threads)
    lengths, vertices, weights, losses = (np.concatenate(part) for part in zip(*parts))
    return Weights(np.concatenate([[0], np.cumsum(lengths)]), vertices, weights, losses)


@njit(cache=True, nogil=True, error_model="numpy")
def _space(line, value):
    """The k with line[k] <= value < line[k + 1]; the last space also holds its end."""
    low, high = 0, len(line) - 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if line[middle] <= value else (low, middle)
    return low


@njit(cache=True, nogil=True, error_model="numpy")
def _locate(clouds, xs, ys, zs, touched, cells):
    for i in range(clouds.shape[0]):
        for p in range(clouds.shape[1]):
            x, y, z = _space(xs, clouds[i, p, 0]), _space(ys, clouds[i, p, 1]), _space(zs, clouds[i, p, 2])
            cells[i, p] = (x * len(ys) + y) * len(zs) + z
            for corner in range(8):
                touched[x + (corner >> 2), y + ((corner >> 1) & 1), z + (corner & 1)] = True


@njit(cache=True, nogil=True, error_model="numpy")
def _factors(line, k, value):
    """The weights of both ends of a space, and the loss along this axis."""
    before, after = np.float64(value) - line[k], line[k + 1] - np.float64(value)
    extent = np.float64(line[k + 1]) - line[k]
    return after / extent, before / extent, before * after


@njit(cache=True, nogil=True, error_model="numpy")
def _combine(clouds, cells, xs, ys, zs, numbers):
    """The Weights of some clouds: (entries per row, vertices, weights, losses)."""
    n, q = cells.shape
    lengths, losses, used = np.zeros(n, np.int64), np.zeros(n), 0
    vertices, weights = np.empty(min(8 * q, len(numbers)) * n, np.int32), np.empty(min(8 * q, len(numbers)) * n, np.float32)
    sums = np.zeros(numbers.max() + 1)
    for i in range(n):
        begin = used
        for p in range(q):
            z = cells[i, p] % len(zs)
            y = cells[i, p] // len(zs) % len(ys)
            x = cells[i, p] // len(zs) // len(ys)
            x0, x1, loss_x = _factors(xs, x, clouds[i, p, 0])
            y0, y1, loss_y = _factors(ys, y, clouds[i, p, 1])
            z0, z1, loss_z = _factors(zs, z, clouds[i, p, 2])
            losses[i] += (loss_x + loss_y + loss_z) / q
            for corner in range(8):
                share = (x1 if corner & 4 else x0) * (y1 if corner & 2 else y0) * (z1 if corner & 1 else z0)
                place = cells[i, p] + ((corner >> 2) * len(ys) + ((corner >> 1) & 1)) * len(zs) + (corner & 1)
                number = numbers[place]
                if share > 0:
                    if sums[number] == 0:
                        vertices[used] = number
                        used += 1
                    sums[number] += share / q
        for k in range(begin, used):
            weights[k] = np.float32(sums[vertices[k]])
            sums[vertices[k]] = 0
        lengths[i] = used - begin
    return lengths, vertices[:used].copy(), weights[:used].copy(), losses
