"""Chamfer distances between clouds and between sets of clouds: squared, mean + mean, averaged over frames.

    d(A, B) = mean_a min_b |a - b|^2 + mean_b min_a |a - b|^2          (HyperDiffusion section 4, DPC, PointFlow)

Coordinates are subtracted before they are squared, so a distance is never negative and stays right for clouds far from
the origin: the difference of two float32 numbers is rounded once, whatever their size. The expanded form of the released
code, |a|^2 + |b|^2 - 2ab in single precision, is ``precision="gram"``: it may come out negative and exists to reproduce
published numbers.

Whoever needs nearest neighbours alone gets them from ``hdbench.distances.nearest``, which skips most pairs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hdbench.distances.chamfer_kernels import exact_pairs
from hdbench.distances.gram_kernels import gram_pairs
from hdbench.distances.leaves import Leaves, leaves_of
from hdbench.distances.ranks import join, rank_and_world
from hdbench.distances.threads import cores, in_parallel
from hdbench.errors import HdbenchError, unknown

Precision = Literal["exact", "gram"]
Pairs = Callable[[NDArray[np.intp], NDArray[np.intp]], NDArray[np.float64]]  # (rows, columns) -> distances

_POINTS_PER_TASK = 1 << 17
_NO_LIMIT, _NO_BOUND = np.full(1, np.inf), np.zeros(1)


def chamfer(a: Any, b: Any, precision: Precision = "exact") -> float:
    """The squared Chamfer distance of two clouds ``a`` [q, 3] and ``b`` [s, 3], in squared units of the clouds.

    The counts may differ. Infinite if a cloud holds a coordinate that is not finite. Relative error at most 1e-6.
    """
    return float(chamfer_matrix(np.asarray(a)[None, None], np.asarray(b)[None, None], precision=precision)[0, 0])


def chamfer_matrix(
    a: Any, b: Any = None, precision: Precision = "exact", threads: int | None = None, device: str = "cpu"
) -> NDArray[np.float64]:
    """Distances of every sequence in ``a`` [n, t, q, 3] to every sequence in ``b`` [m, t, s, 3], mean over frames: [n, m].

    Without ``b``: of ``a`` to itself, each pair computed once, zeros on the diagonal. Sequences with a coordinate that is
    not finite (samples that came out empty) are infinitely far from all others. The answer is bit for bit the same for
    any number of ``threads`` (all cores by default) and of torch.distributed ranks, which share the pairs and all get the
    whole matrix; ``cuda`` agrees with ``cpu`` to float32's rounding. Raises HdbenchError for arrays of another form and for a
    device that is not there.
    """
    first, second = common_frame(a, b)
    out, (rows, columns) = _frame_of_matrix(whole(first), None if b is None else whole(second))
    out[rows, columns] = _pairs(first, second, precision, threads or cores(), device)(rows, columns)
    if b is None:
        out[columns, rows] = out[rows, columns]
    return out


def whole(clouds: NDArray[Any]) -> NDArray[np.bool_]:
    """Which sequences [n, t, q, 3] have finite coordinates only, [n]; the others are samples that came out empty."""
    return np.asarray(np.isfinite(clouds).all((1, 2, 3)))


def common_frame(a: Any, b: Any = None) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Both sets as float32 (without ``b``: the first twice); HdbenchError if they are not sets of sequences of one length.

    Float64 coordinates are centred first, since rounding them far from the origin would cost digits.
    """
    first = _checked(a)
    second = first if b is None else _checked(b)
    if first.shape[1] != second.shape[1]:
        raise HdbenchError(f"Sequences of {first.shape[1]} frames cannot be compared with sequences of {second.shape[1]} frames.")
    if np.float64 in (first.dtype, second.dtype):
        centre = _centre(first, second)
        first, second = first - centre, first - centre if second is first else second - centre
    one = first.astype(np.float32, copy=False)
    return one, one if b is None else second.astype(np.float32, copy=False)


def pair_distances(
    a: Leaves,
    b: Leaves,
    frames: int,
    rows: NDArray[np.intp],
    columns: NDArray[np.intp],
    threads: int,
    limits: NDArray[np.float64] = _NO_LIMIT,
    back_bounds: NDArray[np.float64] = _NO_BOUND,
) -> NDArray[np.float64]:
    """Exact distances [p] of the listed pairs of sequences, infinite where they are more than ``limits`` [p].

    ``back_bounds`` [p], lower bounds of the mean from b to a, let a pair be given up sooner. A task is a run of pairs, and every
    pair is the work of one thread of one rank.
    """

    def kernel(part: slice, out: NDArray[np.float64]) -> None:
        exact_pairs(a, b, frames, rows[part], columns[part], _part(limits, part), _part(back_bounds, part), out)

    return _shared(kernel, len(rows), max(1, _POINTS_PER_TASK // (frames * (a.points_each + b.points_each))), threads)


def _shared(kernel: Callable[[slice, NDArray[np.float64]], Any], count: int, per_task: int, threads: int) -> NDArray[np.float64]:
    """``kernel(part, room for the part)`` on all parts of ``count`` pairs, by threads and ranks."""
    out = np.zeros(count)
    rank, world = rank_and_world()

    def task(start: int) -> None:
        part = slice(start, start + per_task)
        kernel(part, out[part])

    in_parallel(task, range(0, count, per_task)[rank::world], threads)
    join(out)
    return out


def _part(values: NDArray[np.float64], part: slice) -> NDArray[np.float64]:
    """A slice of values by pair; a single value stands for all pairs."""
    return values if len(values) == 1 else values[part]


def _frame_of_matrix(
    rows: NDArray[np.bool_], columns: NDArray[np.bool_] | None
) -> tuple[NDArray[np.float64], tuple[NDArray[np.intp], ...]]:
    """The matrix with what is known without computing, and the pairs that are left: of whole rows and columns (None: the rows,
    and the upper half alone)."""
    wanted = rows[:, None] & (rows if columns is None else columns)[None, :]
    out = np.where(wanted, 0.0, np.inf)
    if columns is None:
        np.fill_diagonal(out, 0.0)
        wanted = np.triu(wanted, 1)
    return out, np.nonzero(wanted)


def _pairs(a: NDArray[np.float32], b: NDArray[np.float32], precision: Precision, threads: int, device: str) -> Pairs:
    """Distances by pairs, after what is prepared once for all pairs."""
    if precision not in ("exact", "gram"):
        raise unknown("precision", precision, ("exact", "gram"))
    if device == "cuda":
        return _cuda_pairs(a, b, precision)
    if device != "cpu":
        raise unknown("device", device, ("cpu", "cuda"))
    return _gram_pairs(a, b, threads) if precision == "gram" else _exact_pairs(a, b, threads)


def _exact_pairs(a: NDArray[np.float32], b: NDArray[np.float32], threads: int) -> Pairs:
    first = sequence_leaves(a, threads)
    second = first if b is a else sequence_leaves(b, threads)
    return lambda rows, columns: pair_distances(first, second, a.shape[1], rows, columns, threads)


def sequence_leaves(sequences: NDArray[np.float32], threads: int) -> Leaves:
    """The leaves of all frames of sequences [n, t, q, 3]; frame t of sequence i is cloud i T + t."""
    return leaves_of(sequences.reshape(-1, *sequences.shape[2:]), threads)


def _gram_pairs(a: NDArray[np.float32], b: NDArray[np.float32], threads: int) -> Pairs:
    first, second = (np.ascontiguousarray(np.moveaxis(clouds, 3, 2)) for clouds in (a, b))  # coordinate planes [n, t, 3, q]

    def distances(rows: NDArray[np.intp], columns: NDArray[np.intp]) -> NDArray[np.float64]:
        def kernel(part: slice, out: NDArray[np.float64]) -> None:
            gram_pairs(first, second, a.shape[2], b.shape[2], rows[part], columns[part], out)

        return _shared(kernel, len(rows), 32, threads)

    return distances


def _cuda_pairs(a: NDArray[np.float32], b: NDArray[np.float32], precision: Precision) -> Pairs:
    if precision == "gram":
        raise HdbenchError("Distances in the expanded form are computed on the CPU alone: leave the device out, or take 'exact'.")
    from hdbench.distances.chamfer_cuda import CudaPairs  # torch and triton, which only a GPU needs

    return CudaPairs(a, b)


def _checked(clouds: Any) -> NDArray[Any]:
    array = np.asarray(clouds)
    if array.ndim != 4 or array.shape[3] != 3 or 0 in array.shape[1:3]:
        raise HdbenchError(f"Clouds must have the shape [n, t, q, 3] with at least one point, but they are {list(array.shape)}.")
    return array


def _centre(a: NDArray[Any], b: NDArray[Any]) -> NDArray[np.float64]:
    """The mean of all finite points of both sets [3], zero if there are none."""
    points = np.concatenate([a.reshape(-1, 3), b.reshape(-1, 3)]).astype(np.float64)
    points = points[np.isfinite(points).all(1)]
    return np.asarray(points.mean(0) if len(points) else np.zeros(3))
