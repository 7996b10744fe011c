"""Chamfer distances between clouds and between sets of clouds: squared, mean + mean, averaged over frames.

    d(A, B) = mean_a min_b |a - b|^2 + mean_b min_a |a - b|^2          (HyperDiffusion section 4, DPC, PointFlow)

Coordinates are subtracted before they are squared, so a distance is never negative and stays right for clouds far from
the origin: the difference of two float32 numbers is rounded once, whatever their size. The expanded form of the released
code, |a|^2 + |b|^2 - 2ab in single precision, is ``precision="gram"``: it may come out negative and exists to reproduce
published numbers.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hdbench.chamfer_kernels import LEAF, exact_pairs, gram_pairs
from hdbench.errors import HdbenchError

Precision = Literal["exact", "gram"]

_NOWHERE = np.float32(1e18)  # boxes that fill up the last group of 16; farther than any cloud, and its square is finite
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
    kernel: Any
    prepare: Any
    kernel, prepare = (exact_pairs, _leaves) if precision == "exact" else (gram_pairs, _planes)
    first = prepare(a)
    second = first if b is a else prepare(b)
    out = np.empty(len(rows))

    def task(start: int) -> None:
        part = slice(start, start + _PAIRS_PER_TASK)
        kernel(*first, *second, a.shape[2], b.shape[2], rows[part], columns[part], out[part])

    starts = range(0, len(rows), _PAIRS_PER_TASK)
    if threads == 1 or len(starts) <= 1:
        for start in starts:
            task(start)
        return out
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(task, starts))
    return out


def _planes(clouds: NDArray[np.float32]) -> tuple[NDArray[np.float32]]:
    """Clouds [n, t, q, 3] as coordinate planes [n, t, 3, q]."""
    return (np.ascontiguousarray(np.moveaxis(clouds, 3, 2)),)


def _leaves(clouds: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Clouds [n, t, q, 3] as leaves of 16 near points [n, t, l, 4, 16] (x, y, z, weight) and their boxes [n, t, 6, l'].

    A balanced kd-tree, all clouds at once: halve every node along its longest side until 16 points are left. The last point is
    repeated with weight 0 to make the count 16 times a power of two.
    """
    n, t, q, _ = clouds.shape
    count = LEAF << max(0, int(np.ceil(np.log2(q / LEAF))))
    nodes = np.ones((n * t, 4, count), np.float32)
    nodes[:, :3, :q] = np.moveaxis(clouds.reshape(n * t, q, 3), 2, 1)
    nodes[:, :3, q:], nodes[:, 3, q:] = nodes[:, :3, q - 1 : q], 0
    while nodes.shape[2] > LEAF:
        extent = nodes[:, :3].max(2) - nodes[:, :3].min(2)
        along = nodes[np.arange(len(nodes)), extent.argmax(1)]
        order = np.argpartition(along, nodes.shape[2] // 2, axis=1)
        halves = np.take_along_axis(nodes, order[:, None], 2).reshape(len(nodes), 4, 2, -1)
        nodes = np.ascontiguousarray(halves.swapaxes(1, 2)).reshape(2 * len(nodes), 4, -1)
    leaves = nodes.reshape(n, t, -1, 4, LEAF)
    boxes = np.full((n, t, 6, -(-leaves.shape[2] // LEAF) * LEAF), _NOWHERE)
    boxes[:, :, :3, : leaves.shape[2]] = np.swapaxes(leaves[..., :3, :].min(4), 2, 3)
    boxes[:, :, 3:, : leaves.shape[2]] = np.swapaxes(leaves[..., :3, :].max(4), 2, 3)
    return leaves, boxes
