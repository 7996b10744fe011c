"""Control rows: sets that nobody trained a network for, scored like any method, so that a number has something to stand beside.

At the good end the oracle (a part of the training shapes) and the reference with other points on it; in between a coarse grid; at
the bad end clouds without a surface, and a generator that always makes the same shape.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hdbench.seeds import numpy_generator
from hdbench.selftest.deform import blobs, snapped
from hdbench.shape_set import ShapeSet

ORACLE = "training shapes (oracle)"
AGAIN = "test shapes, other points"
CELLS = 24
GRID = f"test shapes on a {CELLS}^3 grid"
ONE_SHAPE = "one training shape, repeated"
BLOBS = "Gaussian blobs"

NO_TRAINING = "it needs training shapes (--train)"
NO_POINTS = "it needs clouds of at least twice as many points as are scored"


def control_sets(
    reference: ShapeSet, training: ShapeSet | None, seed: int, again: ShapeSet | None = None
) -> dict[str, ShapeSet | str]:
    """{title of a row: as many shapes as the reference has, or why there are none}, from good to bad.

    ``again`` are the reference shapes with other points on their surfaces, where somebody has them. A row's notes say how to
    read it. Deterministic, shape by shape, for a ``seed``.

    The oracle is also what a generator gets that copies its training set: only metrics of novelty tell the two apart, so there
    is no row of copies.
    """
    return {
        ORACLE: _oracle(reference, training, seed),
        AGAIN: NO_POINTS if again is None else _noted(again, "the floor: what other points on the same surfaces cost"),
        GRID: _noted(ShapeSet(snapped(reference.clouds, CELLS)), f"points moved to the centres of {CELLS}^3 cells"),
        ONE_SHAPE: _one_shape(reference, training, seed),
        BLOBS: _noted(ShapeSet(blobs(reference.clouds, seed)), "the mean and covariance of each test shape, and no surface"),
    }


def _oracle(reference: ShapeSet, training: ShapeSet | None, seed: int) -> ShapeSet | str:
    if training is None:
        return NO_TRAINING
    if len(training) < len(reference):
        return f"it needs as many training shapes as test shapes, {len(reference)}, and there are {len(training)}"
    chosen = numpy_generator(seed, "oracle", 0).permutation(len(training))[: len(reference)]
    note = "what a perfect generator gets, and one that copies: only novelty tells them apart"
    return _noted(training.select(np.sort(chosen)), note)


def _one_shape(reference: ShapeSet, training: ShapeSet | None, seed: int) -> ShapeSet | str:
    if training is None:
        return NO_TRAINING
    which = int(numpy_generator(seed, "one shape").integers(len(training)))
    return _noted(training.select(np.repeat(which, len(reference))), "a generator that collapsed to one good shape")


def _noted(shapes: ShapeSet, note: str) -> ShapeSet:
    return replace(shapes, notes=(note,))
