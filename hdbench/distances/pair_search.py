"""The smallest entries of distance matrices, without computing most of the others.

A pair whose lower bound (``hdbench.distances.bounds``) is above the smallest known distance of its row and of its column is
nobody's nearest neighbour and is left out. What is found is what the full matrix holds, bit for bit, ties included:

1. bounds of all pairs on a coarse lattice;
2. distances of the pairs with the smallest bounds of each row and column, which give every row and column a first limit;
3. where many pairs are left, their bounds on a finer lattice, whose step follows from the limits;
4. distances of the pairs that are left, smallest bound first, in rounds; a pair is given up in the middle when the sum over
   the points so far and the bound of what is to come are above the limits. Limits fall from round to round.

Rounds, not single pairs, so that what is done does not depend on the number of threads or ranks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hdbench.distances.bounds import Side, Way, tables
from hdbench.distances.chamfer import pair_distances, sequence_leaves

_COARSE = 0.2  # step of the first lattice, in standard deviations of a typical cloud
_FINE = 0.5  # what the second lattice may take off a bound, in typical distances of nearest neighbours
_FINEST = 4.0  # how many times finer the second lattice may be
_WORTH = 12  # pairs left per shape that make the second lattice worth its cost

Counts = Mapping[Way, tuple[int, int]]  # how many of the smallest are wanted by row and by column
Indices = NDArray[np.intp]


class Pruning(NamedTuple):
    """What was skipped: of ``pairs`` (those that full matrices need), ``entered`` were begun and ``completed`` finished."""

    pairs: int
    entered: int
    completed: int


def search(sets: Sequence[NDArray[np.float32]], counts: Counts, threads: int) -> tuple[dict[Way, NDArray[np.float64]], Pruning]:
    """``only_nearest`` of the distance matrices of finite sets [n, t, q, 3], by way; those of a set to itself have an infinite
    diagonal."""
    sides = [Side(sequences, sequence_leaves(sequences, threads)) for sequences in sets]
    blocks = [_Block(sides, way, counts[way], threads) for way in counts if min(len(sets[way[0]]), len(sets[way[1]])) > 0]
    step = _COARSE * _spread(sets)
    if blocks:
        _bound(sides, blocks, step, threads)
        for block in blocks:
            block.enter(*block.most_likely())
        _refine(sides, blocks, step, threads)
    for block in blocks:
        block.finish()
    empty = {way: np.empty((len(sets[way[0]]), len(sets[way[1]]))) for way in counts}
    found = {block.way: only_nearest(block.distances, *block.counts) for block in blocks}
    return empty | found, Pruning(*(sum(getattr(block, name) for block in blocks) for name in Pruning._fields))


def only_nearest(distances: NDArray[np.float64], by_row: int, by_column: int) -> NDArray[np.float64]:
    """A matrix [n, m] with infinity in place of the entries that are neither among the ``by_row`` smallest of their row nor among
    the ``by_column`` smallest of their column; what ties with the last of these stays."""
    keep = distances <= np.maximum(_limits(distances, by_row)[:, None], _limits(distances.T, by_column)[None, :])
    return np.where(keep, distances, np.inf)


def _limits(distances: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """The ``count``-th smallest of every row [n]: infinite where there are not as many, minus infinity for none."""
    if count == 0:
        return np.full(len(distances), -np.inf)
    if count > distances.shape[1]:
        return np.full(len(distances), np.inf)
    return np.asarray(np.partition(distances, count - 1, axis=1)[:, count - 1])


class _Block:
    """One matrix on the way: pairs of side a and side b; if they are the same one, each pair once, in the upper half.

    ``bounds`` [n, m] of the distances, infinite where there is no pair; ``back_bounds`` [n, m] of the means from b to a alone;
    ``distances`` [n, m], infinite where nothing is known; ``seen`` [n, m]: the pairs that need not be looked at (again).
    """

    def __init__(self, sides: Sequence[Side], way: Way, counts: tuple[int, int], threads: int) -> None:
        self.way, self.counts, self.threads = way, counts, threads
        self.a, self.b, self.same = sides[way[0]], sides[way[1]], way[0] == way[1]
        n, m = len(self.a.sequences), len(self.b.sequences)
        self.bounds, self.back_bounds = np.zeros((n, m)), np.zeros((n, m))
        self.distances = np.full((n, m), np.inf)
        self.seen = np.tri(n, dtype=bool) if self.same else np.zeros((n, m), bool)
        self.pairs, self.entered, self.completed = n * (n - 1) // 2 if self.same else n * m, 0, 0

    def improve(self, there: NDArray[np.float64], back: NDArray[np.float64]) -> None:
        """Raise the bounds to the sum of these, of both means [n, m], where it is higher."""
        self.bounds = np.maximum(self.bounds, there + back)
        self.back_bounds = np.maximum(self.back_bounds, back)
        if self.same:
            np.fill_diagonal(self.bounds, np.inf)

    def most_likely(self) -> tuple[Indices, ...]:
        """The pairs with the smallest bounds, as many of each row and column as are wanted."""
        likely = np.zeros(self.seen.shape, bool)
        for bounds, marks, count in ((self.bounds, likely, self.counts[0]), (self.bounds.T, likely.T, self.counts[1])):
            if count:
                nearest = np.argpartition(bounds, min(count, bounds.shape[1]) - 1, axis=1)[:, :count]
                np.put_along_axis(marks, nearest, True, axis=1)
        return np.nonzero((likely | likely.T if self.same else likely) & ~self.seen)

    def left(self) -> tuple[Indices, ...]:
        """The pairs whose bound is not above the limits of both their row and their column."""
        by_row, by_column = self._limits()
        return np.nonzero((self.bounds <= np.maximum(by_row[:, None], by_column[None, :])) & ~self.seen)

    def enter(self, rows: Indices, columns: Indices, limits: NDArray | None = None, back_bounds: NDArray | None = None) -> None:
        """Compute the distances of these pairs, or find that they are above their limits."""
        frames = self.a.sequences.shape[1]
        bounded = () if limits is None or back_bounds is None or not len(rows) else (limits, back_bounds)
        found = pair_distances(self.a.leaves, self.b.leaves, frames, rows, columns, self.threads, *bounded)
        self.distances[rows, columns] = found
        self.seen[rows, columns] = True
        if self.same:
            self.distances[columns, rows] = found
        self.entered += len(rows)
        self.completed += int(np.isfinite(found).sum())

    def finish(self) -> None:
        """Look at the pairs that are left, smallest bound first, in rounds that double."""
        rows, columns = self.left()
        order = np.argsort(self.bounds[rows, columns], kind="stable")
        start, size = 0, sum(self.distances.shape)
        while start < len(order):
            part = order[start : start + size]
            i, j = rows[part], columns[part]
            by_row, by_column = self._limits()
            limits = np.maximum(by_row[i], by_column[j])
            live = self.bounds[i, j] <= limits
            self.enter(i[live], j[live], limits[live], self.back_bounds[i, j][live])
            start, size = start + size, 2 * size

    def _limits(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        by_row = _limits(self.distances, self.counts[0])
        return by_row, by_row if self.same else _limits(self.distances.T, self.counts[1])

    def known_limits(self) -> NDArray[np.float64]:
        """The limits that are finite."""
        limits = np.concatenate(self._limits())
        return limits[np.isfinite(limits)]


def _bound(sides: Sequence[Side], blocks: Sequence[_Block], step: float, threads: int) -> None:
    """Give every block the bounds of all its pairs on a lattice of this step, where they are better than what it has."""
    ways = dict.fromkeys(way for block in blocks for way in (block.way, block.way[::-1]))
    found = tables(sides, list(ways), step, threads)
    for block in blocks:
        block.improve(found[block.way], found[block.way[::-1]].T)


def _refine(sides: Sequence[Side], blocks: Sequence[_Block], coarse: float, threads: int) -> None:
    """Better bounds, if they pay: enough pairs are left, and the limits allow a much finer lattice."""
    left = sum(len(block.left()[0]) for block in blocks)
    limits = np.concatenate([block.known_limits() for block in blocks])
    if left >= _WORTH * sum(len(side.sequences) for side in sides) and len(limits):
        step = max(float(np.sqrt(_FINE * np.median(limits))), coarse / _FINEST)
        if step <= 0.8 * coarse:
            _bound(sides, blocks, step, threads)


def _spread(sets: Sequence[NDArray[np.float32]]) -> float:
    """Standard deviation per coordinate of a typical cloud, or of all points if clouds are single points; never 0. Taken from
    some of the points, which is enough to choose a step."""
    some = [sequences[:, :, :: max(1, sequences.shape[2] // 128)] for sequences in sets]
    own = [sequences.std(axis=2, dtype=np.float64).mean((1, 2)) for sequences in some]
    points = np.concatenate([sequences[:, :, ::61].reshape(-1, 3) for sequences in sets])
    return float(np.median(np.concatenate(own))) or float(points.std(axis=0, dtype=np.float64).mean()) or 1.0
