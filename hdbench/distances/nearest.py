"""Nearest neighbours among sets of shapes, exact, without computing most of the distances.

MMD, COV and 1-NNA read nothing of the distance matrices but the smallest entries of their rows and columns, novelty reads the
nearest training shapes. ``hdbench.distances.pair_search`` finds them; what is left out is infinite here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hdbench.distances.bounds import Way
from hdbench.distances.chamfer import chamfer_matrix, common_frame, whole
from hdbench.distances.pair_search import Counts, Pruning, only_nearest, search
from hdbench.distances.threads import cores
from hdbench.errors import HdbenchError


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class NearestPairs:
    """The three matrices of a comparison with nothing but nearest neighbours in them; all else is infinite.

    ``between`` [g, r], ``within_generated`` [g, g] and ``within_reference`` [r, r] hold the distances of the full matrices where
    they are among the smallest of their row or column, and infinity elsewhere; zeros on the diagonals of the last two.
    """

    between: NDArray[np.float64]
    within_generated: NDArray[np.float64]
    within_reference: NDArray[np.float64]
    pruning: Pruning


def nearest_pairs(
    generated: Any,
    reference: Any,
    *,
    neighbours: int = 1,
    within_reference: NDArray[np.float64] | None = None,
    threads: int | None = None,
    device: str = "cpu",
) -> NearestPairs:
    """Distances of generated [g, t, q, 3] and reference [r, t, s, 3] sequences that are among the ``neighbours`` smallest of
    their row or of their column in one of the three matrices; all entries that tie with the last of them are kept.

    So minima (the ``neighbours`` smallest, without the diagonals) of rows and columns, where they are, and ties are those of
    ``chamfer_matrix``, bit for bit, for any number of threads and ranks. ``within_reference``, if it is known (whole or from
    here), is handed through. Sequences that are not finite are infinitely far from all. On ``cuda`` nothing is skipped.
    """
    if neighbours < 1:
        raise HdbenchError(f"The number of neighbours is {neighbours}, but at least one is needed.")
    sets = common_frame(generated, reference)
    wanted = [(0, 1), (0, 0)] + ([(1, 1)] if within_reference is None else [])
    matrices, pruning = _matrices(sets, dict.fromkeys(wanted, (neighbours, neighbours)), threads, device)
    for way in matrices.keys() - {(0, 1)}:
        np.fill_diagonal(matrices[way], 0.0)
    return NearestPairs(
        between=matrices[0, 1],
        within_generated=matrices[0, 0],
        within_reference=matrices[1, 1] if within_reference is None else within_reference,
        pruning=pruning,
    )


def nearest_neighbours(
    queries: Any, targets: Any = None, k: int = 1, *, threads: int | None = None, device: str = "cpu"
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The ``k`` nearest targets [m, t, s, 3] of every query [n, t, q, 3]: distances [n, k], ascending, and numbers [n, k].

    Ties go to the lower number. Without ``targets``: the nearest others of the queries themselves. The answer is that of the
    full matrix, bit for bit. Sequences that are not finite are infinitely far. HdbenchError if there are fewer than k targets.
    """
    sets = common_frame(queries, targets)
    available = len(sets[0]) - 1 if targets is None else len(sets[1])
    if not 1 <= k <= available:
        raise HdbenchError(f"{k} nearest neighbours were asked for, but there are {available} shapes to choose from.")
    way = (0, 0) if targets is None else (0, 1)
    matrices, _ = _matrices(sets, {way: (k, k if targets is None else 0)}, threads, device)
    matrix = matrices[way]
    order = np.argsort(matrix, axis=1, kind="stable")
    if targets is None:  # the shape itself is no answer, even where all others are infinitely far
        order = order[order != np.arange(len(order))[:, None]].reshape(len(order), -1)
    return np.take_along_axis(matrix, order[:, :k], axis=1), order[:, :k]


def _matrices(
    sets: tuple[NDArray[np.float32], NDArray[np.float32]], wanted: Counts, threads: int | None, device: str
) -> tuple[dict[Way, NDArray[np.float64]], Pruning]:
    """``only_nearest`` of the full matrices by way, infinite on the diagonals, and what was skipped."""
    if device != "cpu":
        full = {(a, b): chamfer_matrix(sets[a], None if a == b else sets[b], device=device) for a, b in wanted}
        pairs = sum(len(m) * (len(m) - 1) // 2 if a == b else m.size for (a, b), m in full.items())
        return {way: only_nearest(_without_self(way, full[way]), *wanted[way]) for way in wanted}, Pruning(pairs, pairs, pairs)
    finite = [np.flatnonzero(whole(sequences)) for sequences in sets]
    found, pruning = search([sequences[index] for sequences, index in zip(sets, finite)], wanted, threads or cores())
    return {(a, b): _placed(found[a, b], finite[a], finite[b], len(sets[a]), len(sets[b])) for a, b in wanted}, pruning


def _placed(part: NDArray[np.float64], rows: NDArray[np.intp], columns: NDArray[np.intp], n: int, m: int) -> NDArray[np.float64]:
    """A matrix of some rows and columns in one of all [n, m], which is infinite elsewhere."""
    out = np.full((n, m), np.inf)
    out[np.ix_(rows, columns)] = part
    return out


def _without_self(way: Way, distances: NDArray[np.float64]) -> NDArray[np.float64]:
    if way[0] == way[1]:
        np.fill_diagonal(distances, np.inf)
    return distances
