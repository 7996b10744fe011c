"""A statistic on parts of both sets: random quarters, and the halves that they pair up to.

Two disjoint halves are independent, so half the square of the difference of a statistic on them estimates its variance at half
the size without bias, whatever the statistic; quarters do the same at a quarter of the size. (The spread of halves around
their mean does not: in the Hoeffding decomposition it counts a part of order k (1 - 2^-k) / (1 - 1/2) times.) Drawing with
replacement would put copies next to their originals and spoil every nearest-neighbour statistic.

Sources: Hoeffding 1948; Efron and Stein 1981.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hdbench.errors import HdbenchError
from hdbench.seeds import numpy_generator

PARTITIONS = 64
SMALLEST_SET = 8  # a quarter holds two shapes

Statistic = Callable[[NDArray[np.int64], NDArray[np.int64]], Mapping[str, float]]
"""(indices of generated shapes, indices of reference shapes) -> values by column, of one draw."""

_PARTS = ((0,), (1,), (2,), (3,), (0, 1), (2, 3), (0, 2), (1, 3), (0, 3), (1, 2))
_PAIRINGS = ((0, 1, 2, 3), (0, 2, 1, 3), (0, 3, 1, 2))  # the quarters of one half, then those of the other


@dataclass(frozen=True, slots=True, eq=False)
class Replicates:
    """Column -> contrasts [s, 3 p, 2] of s draws and p partitions, none for sets that are too small; ``shapes`` in the smallest.

    A contrast holds the difference between two halves and that between their quarters, scaled so that the squares expect the
    variances of the statistic at n/2 and at n/4. For a mean the second is sqrt(2) times the first.
    """

    contrasts: Mapping[str, NDArray[np.float64]]
    shapes: int


def replicate(
    statistics: Sequence[Statistic], generated_counts: Sequence[int], reference_count: int, partitions: int = PARTITIONS
) -> Replicates:
    """The statistics of every draw (one callable each) on parts of both sets: 10 calls per draw and partition.

    The parts of the reference depend on ``reference_count`` and the partition alone: they are the same for all draws and
    methods. Where a statistic leaves a column out, or raises HdbenchError, the contrasts of that column are nan.
    """
    shapes = min(reference_count, *generated_counts)
    if shapes < SMALLEST_SET:
        return Replicates({}, shapes)
    found = [
        [_on_parts(statistic, (count, "generated", draw, k), (reference_count, "reference", k)) for k in range(partitions)]
        for draw, (statistic, count) in enumerate(zip(statistics, generated_counts))
    ]
    columns = dict.fromkeys(name for draw in found for parts in draw for values in parts for name in values)
    return Replicates({name: _contrasts(found, name) for name in columns}, shapes)


def _on_parts(
    statistic: Statistic, generated: tuple[int | str, ...], reference: tuple[int | str, ...]
) -> list[Mapping[str, float]]:
    return [_or_nothing(statistic, g, r) for g, r in zip(_parts(*generated), _parts(*reference))]


def _parts(*path: int | str) -> list[NDArray[np.int64]]:
    """Indices below a count, the first of ``path``, in random quarters (equal within one) and halves, in order of ``_PARTS``."""
    count = int(path[0])
    quarters = np.array_split(numpy_generator("quarters", *path).permutation(count), 4)
    return [np.sort(np.concatenate([quarters[i] for i in part])) for part in _PARTS]


def _or_nothing(statistic: Statistic, generated: NDArray[np.int64], reference: NDArray[np.int64]) -> Mapping[str, float]:
    """The values on a part, or none where it is too small for the statistic."""
    try:
        return statistic(generated, reference)
    except HdbenchError:
        return {}


def _contrasts(found: Sequence[Sequence[Sequence[Mapping[str, float]]]], name: str) -> NDArray[np.float64]:
    """Values of one column by draw, partition and part -> contrasts [s, 3 p, 2]; not finite where a value is not."""
    v = np.array([[[values.get(name, np.nan) for values in parts] for parts in draw] for draw in found])
    with np.errstate(invalid="ignore"):
        halves = np.stack([v[..., 4 + 2 * k] - v[..., 5 + 2 * k] for k in range(3)], -1) / np.sqrt(2)
        quarters = np.stack([v[..., a] + v[..., b] - v[..., c] - v[..., d] for a, b, c, d in _PAIRINGS], -1) / 2
    return np.stack([halves, quarters], -1).reshape(len(v), -1, 2)
