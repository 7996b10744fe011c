"""Some of a set's samples replaced by others, in an order that a seed fixes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hdbench.seeds import seed_of
from hdbench.shape_set import ShapeSet

Index = NDArray[np.int64]


def shuffled(count: int, *path: int | str) -> Index:
    """The indices below ``count`` in an order that depends on the path alone."""
    keys = [seed_of(*path, index) for index in range(count)]
    return np.argsort(np.array(keys, np.int64), kind="stable")


def share(count: int, part: float, *path: int | str) -> Index:
    """The first of the shuffled indices: the share ``part`` of them. A larger share holds a smaller one."""
    return shuffled(count, *path)[: round(part * count)]


def with_clouds(shapes: ShapeSet, clouds: NDArray[np.float32]) -> ShapeSet:
    """The set with other clouds; figures of meshes and weights do not belong to these, so they are gone."""
    return ShapeSet(clouds, names=shapes.names)


def replaced(shapes: ShapeSet, index: Index, others: ShapeSet) -> ShapeSet:
    """The samples at ``index`` [k] replaced by ``others`` (k samples); figures and weights are kept where both sets have them."""
    figures = weights = None
    if shapes.figures is not None and others.figures is not None:
        figures = {name: _put(values, index, others.figures[name]) for name, values in shapes.figures.items()}
    if shapes.weights is not None and others.weights is not None:
        weights = _put(shapes.weights, index, others.weights)
    return replace(shapes, clouds=_put(shapes.clouds, index, others.clouds), figures=figures, weights=weights, names=())


def _put(values: NDArray[Any], index: Index, others: NDArray[Any]) -> NDArray[Any]:
    out = values.copy()
    out[index] = others
    return out
