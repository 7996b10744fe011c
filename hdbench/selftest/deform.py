"""Clouds made worse point by point: noise, lumps, a coarse grid, a missing part; each by a ``strength`` in [0, 1].

Clouds are [n, t, q, 3]; clouds of nan (empty samples) stay nan. What is random is drawn once per shape, from (seed, name of the
deformation, index of the shape), and does not depend on the strength: a stronger deformation goes further the same way.
Lengths are measured in the shape's own radius, the root mean square distance of its points from their mean.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from hdbench.seeds import numpy_generator

Clouds = NDArray[np.float32]

NOISE = 0.25  # standard deviation per axis at full strength, in radii
LUMP = 0.3  # root mean square displacement of a point at full strength, in radii
WAVES, WAVE_NUMBER = 4, 2.5  # of lumps: waves per shape, and radians per radius
COARSEST = 8  # cells along the longest side at full strength
LARGEST_CUT = 0.5  # share of the points that is cut off at full strength


def noisy(clouds: Clouds, strength: float, seed: int) -> Clouds:
    """Independent Gaussian noise on every coordinate, of standard deviation ``strength * NOISE`` radii."""
    return _displaced(clouds, strength * NOISE * radius(clouds), lambda i: _rng(seed, "noise", i).normal(size=clouds.shape[1:]))


def lumpy(clouds: Clouds, strength: float, seed: int) -> Clouds:
    """A smooth displacement, the sum of a few random waves through the box; its root mean square is ``strength * LUMP`` radii."""
    size = radius(clouds)

    def waves(i: int) -> NDArray[np.float64]:
        rng = _rng(seed, "lumps", i)
        number, phase = WAVE_NUMBER * rng.normal(size=(3, WAVES)), rng.uniform(0, 2 * np.pi, WAVES)
        along = _unit(rng.normal(size=(WAVES, 3)))
        return np.sqrt(2 / WAVES) * np.sin(clouds[i].astype(np.float64) / size[i] @ number + phase) @ along

    return _displaced(clouds, strength * LUMP * size, waves)


def snapped(clouds: Clouds, cells: float) -> Clouds:
    """Every point moved to the centre of its cell on a grid of ``cells`` cells along the shape's longest side."""
    points = clouds.astype(np.float64)
    low, high = points.min((1, 2), keepdims=True), points.max((1, 2), keepdims=True)
    side = (high - low).max(-1, keepdims=True) / cells
    safe = np.where(side > 0, side, 1)  # a cloud in one place stays there
    return np.where(side > 0, low + (np.floor((points - low) / safe) + 0.5) * side, points).astype(np.float32)


def coarse(clouds: Clouds, strength: float, seed: int) -> Clouds:
    """Snapped to a grid of ``COARSEST / strength`` cells along the longest side; nothing is random."""
    return snapped(clouds, COARSEST / strength)


def cut(clouds: Clouds, strength: float, seed: int) -> Clouds:
    """The share ``strength * LARGEST_CUT`` of the points that lies farthest in a random direction is gone, in all frames alike.

    The count of points stays: repeats of points that are left fill the gap.
    """
    out = clouds.copy()
    for i in range(len(clouds)):
        rng = _rng(seed, "cut", i)
        order = np.argsort(clouds[i, 0] @ rng.normal(size=3), kind="stable")
        kept = len(order) - round(strength * LARGEST_CUT * len(order))
        fill = order[(rng.random(len(order)) * kept).astype(np.int64)]
        out[i][:, order[kept:]] = clouds[i][:, fill[kept:]]
    return out


def blobs(clouds: Clouds, seed: int) -> Clouds:
    """Gaussian clouds with the mean and the covariance of each shape's points, frame by frame: no surface at all."""
    out = np.full_like(clouds, np.nan)
    for i in map(int, np.flatnonzero(np.isfinite(clouds).all((1, 2, 3)))):
        rng = _rng(seed, "blob", i)
        for t, frame in enumerate(clouds[i].astype(np.float64)):
            centred = frame - frame.mean(0)
            values, axes = np.linalg.eigh(centred.T @ centred / len(frame))
            out[i, t] = frame.mean(0) + (rng.normal(size=frame.shape) * np.sqrt(values.clip(0))) @ axes.T
    return out


def radius(clouds: Clouds) -> NDArray[np.float64]:
    """Root mean square distance of each shape's points from their mean over all frames, [n, 1, 1, 1]."""
    points = clouds.astype(np.float64)
    centred = points - points.mean((1, 2), keepdims=True)
    return np.asarray(np.sqrt((centred**2).sum(-1, keepdims=True).mean((1, 2), keepdims=True)))


def _displaced(clouds: Clouds, scale: NDArray[np.float64], step: Callable[[int], NDArray[np.float64]]) -> Clouds:
    """Each shape moved by its scale times a unit displacement of its own."""
    moved = [clouds[i] + scale[i] * step(i) for i in range(len(clouds))]
    return np.stack(moved).astype(np.float32) if moved else clouds


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True))


def _rng(seed: int, name: str, index: int) -> np.random.Generator:
    return numpy_generator(seed, name, index)
