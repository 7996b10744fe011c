"""Chamfer distances between clouds and between sets of clouds: squared, mean + mean, averaged over frames.

    d(A, B) = mean_a min_b |a - b|^2 + mean_b min_a |a - b|^2          (HyperDiffusion section 4, DPC, PointFlow)

Coordinates are subtracted before they are squared, so a distance is never negative and stays right for clouds far from
the origin: the difference of two float32 numbers is rounded once, whatever their size. The expanded form of the released
code, |a|^2 + |b|^2 - 2ab in single precision, is ``precision="gram"``: it may come out negative and exists to reproduce
published numbers.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

import numpy as np
from numba import njit, types
from numba.extending import intrinsic
from numpy.typing import NDArray

from hdbench.errors import HdbenchError

Precision = Literal["exact", "gram"]

_FAR = np.float32(3e38)
_TWO = np.float32(2)  # a Python 2 would turn the arithmetic into float64
_ROWS = 4  # points of the first cloud that share one pass over the second
_PAIRS_PER_TASK = 32


def chamfer(a: Any, b: Any, precision: Precision = "exact") -> float:
    """The squared Chamfer distance of two clouds ``a`` [q, 3] and ``b`` [s, 3], in squared units of the clouds.

    The counts may differ. Infinite if a cloud holds a coordinate that is not finite. Relative error at most 1e-6.
    """
    return float(chamfer_matrix(np.asarray(a)[None, None], np.asarray(b)[None, None], precision=precision)[0, 0])


def chamfer_matrix(a: Any, b: Any = None, precision: Precision = "exact", threads: int | None = None) -> NDArray[np.float64]:
    """Distances of every sequence in ``a`` [n, t, q, 3] to every sequence in ``b`` [m, t, s, 3], mean over frames: [n, m].

    Without ``b``: of ``a`` to itself, each pair computed once, zeros on the diagonal. Sequences with a coordinate that is
    not finite (samples that came out empty) are infinitely far from all others. The answer is bit for bit the same for
    any number of ``threads`` (all cores by default). Raises HdbenchError for arrays of another form.
    """
    symmetric = b is None
    first, second = _common_frame(_checked(a), _checked(a if symmetric else b))
    if first.shape[1] != second.shape[1]:
        raise HdbenchError(f"Sequences of {first.shape[1]} frames cannot be compared with sequences of {second.shape[1]} frames.")
    out = np.zeros((len(first), len(second)))
    wanted = whole(first)[:, None] & whole(second)[None, :]
    out[~wanted] = np.inf
    if symmetric:
        np.fill_diagonal(out, 0.0)
    rows, columns = np.nonzero(np.triu(wanted, 1) if symmetric else wanted)
    out[rows, columns] = _distances(first, second, rows, columns, precision, threads or _cores())
    if symmetric:
        out[columns, rows] = out[rows, columns]
    return out


def whole(clouds: NDArray[Any]) -> NDArray[np.bool_]:
    """Which sequences [n, t, q, 3] have finite coordinates only, [n]; the others are samples that came out empty."""
    return np.asarray(np.isfinite(clouds).all((1, 2, 3)))


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _checked(clouds: Any) -> NDArray[Any]:
    array = np.asarray(clouds)
    if array.ndim != 4 or array.shape[3] != 3 or 0 in array.shape[1:3]:
        raise HdbenchError(f"Clouds must have the shape [n, t, q, 3] with at least one point, but they are {list(array.shape)}.")
    return array


def _common_frame(a: NDArray[Any], b: NDArray[Any]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Both sets as float32; float64 coordinates are centred first, since rounding them far from the origin would cost digits."""
    if a.dtype != np.float64 and b.dtype != np.float64:
        return a.astype(np.float32, copy=False), b.astype(np.float32, copy=False)
    points = np.concatenate([a.reshape(-1, 3), b.reshape(-1, 3)]).astype(np.float64)
    points = points[np.isfinite(points).all(1)]
    centre = points.mean(0) if len(points) else np.zeros(3)
    return (a - centre).astype(np.float32), (b - centre).astype(np.float32)


def _distances(
    a: NDArray[np.float32],
    b: NDArray[np.float32],
    rows: NDArray[np.intp],
    columns: NDArray[np.intp],
    precision: Precision,
    threads: int,
) -> NDArray[np.float64]:
    """Distances of the listed pairs; a task is a run of pairs, and every pair is the work of one thread alone."""
    kernel: Callable[..., None] = _exact_pairs if precision == "exact" else _gram_pairs
    x, y = _planes(a), _planes(b)
    out = np.empty(len(rows))

    def task(start: int) -> None:
        part = slice(start, start + _PAIRS_PER_TASK)
        kernel(x, y, a.shape[2], b.shape[2], rows[part], columns[part], out[part])

    starts = range(0, len(rows), _PAIRS_PER_TASK)
    if threads == 1 or len(starts) <= 1:
        for start in starts:
            task(start)
        return out
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(task, starts))
    return out


def _planes(clouds: NDArray[np.float32]) -> NDArray[np.float32]:
    """Clouds [n, t, q, 3] as coordinate planes [n, t, 3, q'], the last point repeated up to a multiple of ``_ROWS``."""
    extra = -clouds.shape[2] % _ROWS
    planes = np.moveaxis(clouds, 3, 2)
    return np.ascontiguousarray(np.concatenate([planes, np.repeat(planes[..., -1:], extra, axis=-1)], axis=-1))


# ------------------------------------------------------------------------------------------------------------- kernels


def _emit_least(context, a, b):
    """The smaller of two float32. Both comparison and selection carry fast flags: without them LLVM keeps a minimum over a
    loop scalar, which is seven times slower."""

    def generate(context, builder, signature, arguments):
        x, y = arguments
        return builder.select(builder.fcmp_ordered("<", x, y, flags=("fast",)), x, y, flags=("fast",))

    return types.float32(types.float32, types.float32), generate


def _emit_fused(context, a, b, c):
    """a * b + c of float32, rounded once."""

    def generate(context, builder, signature, arguments):
        return builder.fma(*arguments)

    return types.float32(types.float32, types.float32, types.float32), generate


_least: Any = intrinsic(_emit_least)
_fused: Any = intrinsic(_emit_fused)


@njit(cache=True, nogil=True, error_model="numpy")
def _mean(values, count):
    total = 0.0
    for i in range(count):
        total += values[i]
    return total / count


@njit(cache=True, nogil=True, error_model="numpy", fastmath=True)
def _exact_minima(a, b, row, column):
    """Squared distance of each point of ``a`` [3, q] to the nearest of ``b`` [3, s] and the reverse, in one pass."""
    column[:] = _FAR
    for i in range(0, a.shape[1], 4):
        x0, y0, z0 = a[0, i], a[1, i], a[2, i]
        x1, y1, z1 = a[0, i + 1], a[1, i + 1], a[2, i + 1]
        x2, y2, z2 = a[0, i + 2], a[1, i + 2], a[2, i + 2]
        x3, y3, z3 = a[0, i + 3], a[1, i + 3], a[2, i + 3]
        m0 = m1 = m2 = m3 = _FAR
        for j in range(b.shape[1]):
            x, y, z = b[0, j], b[1, j], b[2, j]
            d0 = (x - x0) * (x - x0) + (y - y0) * (y - y0) + (z - z0) * (z - z0)
            d1 = (x - x1) * (x - x1) + (y - y1) * (y - y1) + (z - z1) * (z - z1)
            d2 = (x - x2) * (x - x2) + (y - y2) * (y - y2) + (z - z2) * (z - z2)
            d3 = (x - x3) * (x - x3) + (y - y3) * (y - y3) + (z - z3) * (z - z3)
            m0, m1, m2, m3 = _least(m0, d0), _least(m1, d1), _least(m2, d2), _least(m3, d3)
            column[j] = _least(column[j], _least(_least(d0, d1), _least(d2, d3)))
        row[i], row[i + 1], row[i + 2], row[i + 3] = m0, m1, m2, m3


@njit(cache=True, nogil=True, error_model="numpy")
def _exact_pairs(a, b, q, s, rows, columns, out):
    row, column = np.empty(a.shape[3], np.float32), np.empty(b.shape[3], np.float32)
    for k in range(len(rows)):
        total = 0.0
        for t in range(a.shape[1]):
            _exact_minima(a[rows[k], t], b[columns[k], t], row, column)
            total += _mean(row, q) + _mean(column, s)
        out[k] = total / a.shape[1]


@njit(cache=True, nogil=True, error_model="numpy")
def _gram_minima(a, b, row, column):
    """The same minima over |a|^2 + |b|^2 - 2ab in single precision, rounded where the matrix product of the released code
    rounds: x first, then y and z by fused multiply-add."""
    norm = np.empty_like(column)
    for j in range(b.shape[1]):
        norm[j] = _fused(b[2, j], b[2, j], _fused(b[1, j], b[1, j], b[0, j] * b[0, j]))
        column[j] = _FAR
    for i in range(a.shape[1]):
        x, y, z = a[0, i], a[1, i], a[2, i]
        own = _fused(z, z, _fused(y, y, x * x))
        least = _FAR
        for j in range(b.shape[1]):
            product = _fused(z, b[2, j], _fused(y, b[1, j], x * b[0, j]))
            d = (own + norm[j]) - _TWO * product
            least = _least(least, d)
            column[j] = _least(column[j], d)
        row[i] = least


@njit(cache=True, nogil=True, error_model="numpy")
def _gram_pairs(a, b, q, s, rows, columns, out):
    row, column = np.empty(a.shape[3], np.float32), np.empty(b.shape[3], np.float32)
    for k in range(len(rows)):
        total = 0.0
        for t in range(a.shape[1]):
            _gram_minima(a[rows[k], t], b[columns[k], t], row, column)
            total += _mean(row, q) + _mean(column, s)
        out[k] = total / a.shape[1]
