"""Sets of shapes that metrics are tried on: as good as real data, and bad in one known way each.

Shapes are ellipsoids: clouds on their surface, meshes of them, and their half axes as weights. ``SETS`` names what is wrong
with each set; a metric says in ``sees`` which of these it must tell from a good one.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from hdbench.interfaces import Comparison, Metric
from hdbench.measures.validity import mesh_figures
from hdbench.protocol import Protocol
from hdbench.scoring.evidence import Sets, compare, known_of_reference
from hdbench.seeds import numpy_generator
from hdbench.shape_set import ShapeSet
from hdbench.shapes import Mesh
from hdbench.testing.made import ball

PROTOCOL = Protocol(name="contract", normalisation="none")
FRAMES = 3
FAR = 5.0  # offset of the far set, in units of the largest half axis
WOBBLE = 0.02  # of the weights


def ellipsoids(count: int, points: int, key: str, frames: int = 1) -> ShapeSet:
    """Ellipsoids of random axes; the frames of a sequence grow along x at a random rate."""
    rng = numpy_generator("ellipsoids", key, count)
    axes = rng.uniform(0.3, 1.0, (count, 1, 1, 3))
    return _of_axes(axes, points, key, frames, rng.uniform(0.05, 0.2, count))


def needles(count: int, points: int, frames: int = 1) -> ShapeSet:
    """Thin shapes, small and far away: like nothing in the other sets."""
    rng = numpy_generator("needles", count)
    thin = _of_axes(rng.uniform(0.9, 1.0, (count, 1, 1, 3)) * [0.1, 0.002, 0.002], points, "needles", frames, np.zeros(count))
    return ShapeSet(thin.clouds + np.float32(FAR), thin.figures, thin.weights)


def _of_axes(axes: NDArray[np.float64], points: int, key: str, frames: int, growth: NDArray[np.float64]) -> ShapeSet:
    rng = numpy_generator("directions", key, len(axes), points)
    directions = rng.normal(size=(len(axes), frames, points, 3))
    on_sphere = directions / np.linalg.norm(directions, axis=-1, keepdims=True)
    grown = np.ones((len(axes), frames, 1, 3))
    grown[..., 0] += growth[:, None, None] * np.arange(frames)[None, :, None]
    weights = axes.reshape(len(axes), 3) + WOBBLE * rng.normal(size=(len(axes), 3))
    return ShapeSet((axes * grown * on_sphere).astype(np.float32), _closed(axes), weights.astype(np.float32))


def _closed(axes: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Figures of the ellipsoids' meshes."""
    unit = ball(1.0)
    rows = [mesh_figures((type(unit)(unit.vertices * a.reshape(3), unit.faces),)) for a in axes]
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def broken(shapes: ShapeSet) -> ShapeSet:
    """The same clouds, of meshes that lack a tenth of their faces and hold a second piece."""
    whole, crumb = ball(1.0), ball(0.05)
    faces = np.concatenate([whole.faces[len(whole.faces) // 10 :], crumb.faces + len(whole.vertices)])
    torn = type(whole)(np.concatenate([whole.vertices, crumb.vertices + 2]), faces)
    return ShapeSet(shapes.clouds, {k: np.full(len(shapes), v) for k, v in mesh_figures((torn,)).items()}, shapes.weights)


def emptied(shapes: ShapeSet, count: int) -> ShapeSet:
    """The first ``count`` shapes come out empty: clouds of nan, meshes without faces, weights that are of no use."""
    clouds = shapes.clouds.copy()
    clouds[:count] = np.nan
    nothing = mesh_figures((Mesh(np.zeros((0, 3)), np.zeros((0, 3), np.int64)),))
    figures = {name: values.copy() for name, values in (shapes.figures or {}).items()}
    for name, value in nothing.items():
        figures[name][:count] = value
    return ShapeSet(clouds, figures, shapes.weights)


@cache
def generated_sets(count: int, points: int, frames: int) -> dict[str, ShapeSet]:
    """Generated sets of several kinds; the reference is ``ellipsoids(count, points, "reference", frames)``."""
    resampled = ellipsoids(count, points, "resampled", frames)
    training = ellipsoids(2 * count, points, "training", frames)
    still = ShapeSet(np.repeat(resampled.clouds[:, :1], frames, axis=1), resampled.figures, resampled.weights)
    return {
        "resampled": resampled,
        "identical": ellipsoids(count, points, "reference", frames),
        "far": needles(count, points, frames),
        "copies": training.select(np.arange(count)),
        "still": still,
        "broken": broken(resampled),
        "of another size": resampled.select(np.arange(count // 2)),
    }


@cache
def sets_for(count: int, points: int, frames: int) -> Sets:
    """The reference and the training shapes that generated sets are held against."""
    reference = ellipsoids(count, points, "reference", frames)
    return Sets(reference, PROTOCOL, ellipsoids(2 * count, points, "training", frames), threads=1)


def comparison(metric: Metric, shapes: ShapeSet, count: int, points: int) -> Comparison:
    """These generated shapes as ``metric`` sees them."""
    sets = sets_for(count, points, shapes.frames)
    return compare(shapes, sets, [metric], known_of_reference(sets, [metric]))


def frames_for(metric: Metric) -> int:
    """Sequences for metrics of motion, single shapes for all others."""
    return FRAMES if "motion" in metric.reads else 1
