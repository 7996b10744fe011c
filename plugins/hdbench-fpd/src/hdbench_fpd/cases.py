"""Features whose distances and shares are known exactly: what the contract and ``hdbench metrics --selftest`` hold metrics to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from hdbench.interfaces import Comparison, Features, Vector


def comparison(extractor: str, generated: ArrayLike, reference: ArrayLike) -> Comparison:
    """Shapes of which nothing is known but their features [g, d] and [r, d], or [g] and [r] for d = 1."""
    features = [np.asarray(x, np.float64).reshape(len(np.asarray(x)), -1) for x in (generated, reference)]
    g, r = (len(x) for x in features)
    empty = ~np.isfinite(features[0]).all(1)
    clouds = np.where(empty, np.nan, 0).astype(np.float32).reshape(g, 1, 1, 1).repeat(3, axis=3)
    distances = (np.zeros((g, r)), np.zeros((g, g)), np.zeros((r, r)))
    part = Features(*features)
    return Comparison(clouds, np.zeros((r, 1, 1, 3), np.float32), *distances, parts={f"features/{extractor}": part})


def gaussian(mean: ArrayLike, covariance: ArrayLike) -> np.ndarray:
    """Samples whose mean and covariance (over n - 1) are exactly these."""
    root = np.linalg.cholesky(np.atleast_2d(np.asarray(covariance, np.float64)))
    axes = np.eye(len(root)) * np.sqrt((2 * len(root) - 1) / 2)
    return np.concatenate([axes, -axes]) @ root.T + np.atleast_1d(np.asarray(mean, np.float64))


def frechet(extractor: str) -> Sequence[Vector]:
    """Closed forms of the Fréchet distance between Gaussians."""
    rows: list[tuple[str, ArrayLike, ArrayLike, float]] = [
        ("N(0, 1) and N(3, 4): 9 + (1 - 2)^2", gaussian(0, 1), gaussian(3, 4), 10.0),
        ("means 1 and 2 apart, covariances diag(1, 4) and diag(4, 1)", gaussian([0, 0], np.diag([1, 4])),
         gaussian([1, 2], np.diag([4, 1])), 7.0),
        ("covariances that do not commute: 9 - 2 sqrt(10 + 2 sqrt 12)", gaussian([0, 0], [[2, 1], [1, 2]]),
         gaussian([0, 0], np.diag([1, 4])), 9 - 2 * np.sqrt(10 + 2 * np.sqrt(12))),
        ("a square moved by (3, 4)", [[0, 0], [2, 0], [0, 2], [2, 2]], [[3, 4], [5, 4], [3, 6], [5, 6]], 25.0),
    ]  # fmt: skip
    return [Vector(title, comparison(extractor, a, b), {f"FPD[{extractor}]": value}) for title, a, b, value in rows]


def kernel(extractor: str) -> Sequence[Vector]:
    """Two samples each, in two dimensions: kernels can be worked out by hand."""
    rows: list[tuple[str, np.ndarray, np.ndarray, float]] = [
        ("two unit vectors and themselves: the estimate keeps the diagonal between sets", np.eye(2), np.eye(2), -2.375),
        ("zeros and ones: 1 + 8 - 2", np.zeros((2, 2)), np.ones((2, 2)), 7.0),
        ("zeros and zeros", np.zeros((2, 2)), np.zeros((2, 2)), 0.0),
    ]
    return [Vector(title, comparison(extractor, a, b), {f"KPD[{extractor}]": value}) for title, a, b, value in rows]


def balls(extractor: str, label: str) -> Sequence[Vector]:
    """Ten numbers on a line: copies lie in every ball that they should, numbers far away in none."""
    line = np.arange(10.0)
    rows = [("0 to 9 and a copy", line, 100.0), ("0 to 9, and 100 to 109", line + 100, 0.0)]
    return [Vector(title, comparison(extractor, x, line), {f"{label}[{extractor}]": value}) for title, x, value in rows]
