"""Earth Mover's distances between sets of clouds: exact, and the two approximations of published tables under their own names.

    exact            min over bijections p of mean |a - p(a)|                                (Wasserstein-1 of equal weights)
    approx           PointFlow's: the cost of an approximate matching, about a third above the exact one at 2048 points
    approx-squared   PVD's and LION's: another such matching with squared costs, two to eight times the exact mean square

The three are different quantities, on different scales, and may order methods differently; none stands in for another. The
exact one falls as the number of points grows, so only values with the same number compare.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from hdbench.errors import HdbenchError, unknown

Variant = Literal["exact", "approx", "approx-squared"]

# 4^7 .. 4^-1; PVD and LION have a last round without preference
_POINTFLOW = (4.0 ** np.arange(7, -2, -1)).astype(np.float32)
_PVD = np.append(_POINTFLOW, np.float32(0))

_PAIRS_PER_TASK = 4  # a pair is many milliseconds of work


def emd_matrix(
    a: Any, b: Any = None, variant: Variant = "exact", points: int = 512, threads: int | None = None
) -> NDArray[np.float64]:
    """Distances of every sequence in ``a`` [n, t, q, 3] to every sequence in ``b`` [m, t, s, 3], mean over frames: [n, m].

    The first ``points`` points of each cloud count (all, if there are fewer): clouds are random samples of surfaces, so these
    are too. In units of the clouds, or in squared units for ``approx-squared``. Without ``b``: of ``a`` to itself, zeros on
    the diagonal; the exact distance is computed once per pair, the approximations both ways as their authors do, since they
    depend on the order: the clouds of ``b`` give and those of ``a`` take. Sequences with a coordinate that is not finite
    are infinitely far from all others. The answer does not depend on the number of ``threads`` (all cores by default).

    Raises HdbenchError for another variant, for arrays of another form, and for clouds of different numbers of points.
    """
    if variant not in get_args(Variant):
        raise unknown("variant of the Earth Mover's distance", variant, get_args(Variant))
    first, second = _planes(a, b, points)
    wanted = _whole(first)[:, None] & _whole(second)[None, :]
    out = np.where(wanted, 0.0, np.inf)
    half = b is None and variant == "exact"
    if b is None:
        np.fill_diagonal(out, 0.0)
        wanted = np.triu(wanted, 1) if half else wanted & ~np.eye(len(wanted), dtype=bool)
    rows, columns = np.nonzero(wanted)
    out[rows, columns] = _distances(first, second, rows, columns, variant, threads or _cores())
    if half:
        out[columns, rows] = out[rows, columns]
    return out


def emd(a: Any, b: Any, variant: Variant = "exact") -> float:
    """The distance of two clouds [q, 3] of as many points; see ``emd_matrix``."""
    first, second = np.asarray(a)[None, None], np.asarray(b)[None, None]
    return float(emd_matrix(first, second, variant, points=first.shape[2])[0, 0])


# ------------------------------------------------------------------------------------------------------------- one pair


def _pair(variant: Variant) -> Callable[[NDArray[np.float32], NDArray[np.float32]], float]:
    """The distance of two clouds in coordinate planes [3, q]; compiled code is loaded when it is used."""
    from hdbench.distances.assignment import matching_cost
    from hdbench.distances.soft_matching import soft_matching_cost

    if variant == "exact":
        return matching_cost
    squared = variant == "approx-squared"
    return lambda a, b: soft_matching_cost(b, a, _PVD if squared else _POINTFLOW, squared)


# ----------------------------------------------------------------------------------------------------------------- sets


def _planes(a: Any, b: Any, points: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Both sets as float32 planes [n, t, 3, q] with the first ``points`` points; float64 is centred before it is rounded."""
    if points < 1:
        raise HdbenchError(f"The Earth Mover's distance needs at least one point per cloud, but {points} were asked for.")
    sets = [_checked(a)[:, :, :points], _checked(a if b is None else b)[:, :, :points]]
    (_, t, q, _), (_, u, s, _) = sets[0].shape, sets[1].shape
    if t != u:
        raise HdbenchError(f"Sequences of {t} frames cannot be compared with sequences of {u} frames.")
    if q != s:
        raise HdbenchError(
            f"The Earth Mover's distance pairs points one to one, but clouds of {q} points meet clouds of {s}. "
            f"Give as many on both sides, or compare {min(q, s)} points of each."
        )
    if any(x.dtype == np.float64 for x in sets):
        sets = [x - _centre(sets) for x in sets]
    first, second = (np.ascontiguousarray(np.moveaxis(x, 3, 2), dtype=np.float32) for x in sets)
    return first, second


def _checked(clouds: Any) -> NDArray[Any]:
    array = np.asarray(clouds)
    if array.ndim != 4 or array.shape[3] != 3 or 0 in array.shape[1:3]:
        raise HdbenchError(f"Clouds must have the shape [n, t, q, 3] with at least one point, but they are {list(array.shape)}.")
    return array


def _centre(sets: list[NDArray[Any]]) -> NDArray[np.float64]:
    coordinates = np.concatenate([x.reshape(-1, 3) for x in sets]).astype(np.float64)
    finite = coordinates[np.isfinite(coordinates).all(1)]
    return finite.mean(0) if len(finite) else np.zeros(3)


def _whole(planes: NDArray[np.float32]) -> NDArray[np.bool_]:
    return np.asarray(np.isfinite(planes).all((1, 2, 3)))


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _distances(
    first: NDArray[np.float32],
    second: NDArray[np.float32],
    rows: NDArray[np.intp],
    columns: NDArray[np.intp],
    variant: Variant,
    threads: int,
) -> NDArray[np.float64]:
    """Distances of the listed pairs; every pair is the work of one thread alone."""
    pair, frames = _pair(variant), range(first.shape[1])
    out = np.empty(len(rows))

    def task(start: int) -> None:
        for k in range(start, min(start + _PAIRS_PER_TASK, len(rows))):
            i, j = rows[k], columns[k]
            out[k] = np.mean([pair(first[i, t], second[j, t]) for t in frames])

    starts = range(0, len(rows), _PAIRS_PER_TASK)
    if threads == 1 or len(starts) <= 1:
        for start in starts:
            task(start)
        return out
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(task, starts))
    return out
