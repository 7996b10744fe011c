"""On random sets the metrics equal PointFlow's, whose definitions are written out here as plain loops.

Source of the definitions: github.com/stevenygd/PointFlow@26e8c26, metrics/evaluation_metrics.py ('lgan_mmd_cov', 'knn',
'jsd_between_point_cloud_sets'), the code that PVD, DPC, LION and HyperDiffusion share.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from hdbench_set_metrics.chamfer import Coverage, MatchingDistanceOfSamples, MinimumMatchingDistance, NearestNeighbourAccuracy
from hdbench_set_metrics.emd import AccuracyApproximate, AccuracyEarthMover, CoverageEarthMover, MinimumMatchingEarthMover
from hdbench_set_metrics.jsd import JensenShannonDivergence
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from hdbench.distances.emd import emd
from hdbench.protocol import preset
from hdbench.scoring.evidence import Sets, compare, known_of_reference
from hdbench.shape_set import ShapeSet

POINTS = 32


def clouds(count, key):
    rng = np.random.default_rng(key)
    axes = rng.uniform(0.1, 0.5, (count, 1, 1, 3))
    directions = rng.normal(size=(count, 1, POINTS, 3))
    return (axes * directions / np.linalg.norm(directions, axis=-1, keepdims=True)).astype(np.float32)


def measured(generated, reference, *classes):
    metrics = [cls(cls.Config()) for cls in classes]
    sets = Sets(ShapeSet(reference), preset("pointflow"), threads=1)
    comparison = compare(ShapeSet(generated), sets, metrics, known_of_reference(sets, metrics))
    return {column: value for metric in metrics for column, value in metric.measure(comparison).items()}


def chamfer_of(a, b):
    squared = cdist(a.astype(np.float64), b.astype(np.float64), "sqeuclidean")
    return squared.min(1).mean() + squared.min(0).mean()


def earth_mover_of(a, b):
    lengths = cdist(a.astype(np.float64), b.astype(np.float64))
    return lengths[linear_sum_assignment(lengths)].mean()


def matrix(distance, rows, columns):
    """Distances of every row shape (it comes first) to every column shape."""
    return [[distance(a[0], b[0]) for b in columns] for a in rows]


def mmd_and_coverage(between):
    """From distances [reference][generated]: mean over references, mean over samples, share of references covered."""
    samples = list(zip(*between))
    nearest_reference = {min(range(len(row)), key=row.__getitem__) for row in samples}
    return (
        sum(min(row) for row in between) / len(between),
        sum(min(row) for row in samples) / len(samples),
        len(nearest_reference) / len(between),
    )


def one_nearest_neighbour(within_r, between, within_g):
    """Accuracy on references, on samples, on all; a column's neighbour is the lowest row with the least distance."""
    r, g = len(within_r), len(within_g)
    transposed = [list(row) for row in zip(*between)]
    block = [within_r[i] + between[i] for i in range(r)] + [transposed[i] + within_g[i] for i in range(g)]
    right = []
    for column in range(r + g):
        distances = [math.inf if row == column else block[row][column] for row in range(r + g)]
        neighbour = min(range(r + g), key=distances.__getitem__)
        right.append((neighbour < r) == (column < r))
    return sum(right[:r]) / r, sum(right[r:]) / g, sum(right) / (r + g)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("distance", "suffix", "classes"),
    [
        (chamfer_of, "", (MinimumMatchingDistance, Coverage, NearestNeighbourAccuracy, MatchingDistanceOfSamples)),
        (earth_mover_of, "-EMD", (MinimumMatchingEarthMover, CoverageEarthMover, AccuracyEarthMover)),
    ],
)
def test_mmd_coverage_and_1nna(distance, suffix, classes, seed):
    reference, generated = clouds(12, (seed, 0)), clouds(12, (seed, 1))
    found = measured(generated, reference, *classes)
    between = matrix(distance, reference, generated)
    mmd, mmd_of_samples, coverage = mmd_and_coverage(between)
    accuracies = one_nearest_neighbour(matrix(distance, reference, reference), between, matrix(distance, generated, generated))
    assert found[f"MMD{suffix}"] == pytest.approx(100 * mmd, rel=1e-6)
    assert found[f"COV{suffix}"] == pytest.approx(100 * coverage, rel=1e-6)
    columns = [f"{name}{suffix}" for name in ("acc_t", "acc_f", "1-NNA")]
    assert [found[name] for name in columns] == pytest.approx([100 * share for share in accuracies], rel=1e-6)
    if not suffix:
        assert found["MMD-smp"] == pytest.approx(100 * mmd_of_samples, rel=1e-6)


def test_1nna_on_the_approximation_holds_its_clouds_in_the_published_order():
    """The approximation depends on which cloud comes first: the row of the block matrix does."""
    reference, generated = clouds(12, 0), clouds(12, 1)

    def distance(first, second):
        return emd(second, first, "approx")  # in hdbench the clouds of the second set give

    accuracies = one_nearest_neighbour(
        matrix(distance, reference, reference), matrix(distance, reference, generated), matrix(distance, generated, generated)
    )
    found = measured(generated, reference, AccuracyApproximate)
    columns = [f"{name}-EMD-approx" for name in ("acc_t", "acc_f", "1-NNA")]
    assert [found[name] for name in columns] == pytest.approx([100 * share for share in accuracies])


def shares_of_cells(shapes):
    """Share of all points at each node of the 28^3 grid in the half-unit ball: every point goes to the nearest node."""
    line = [k / 27 - 0.5 for k in range(28)]
    nodes = [(x, y, z) for x in line for y in line for z in line if math.sqrt(x * x + y * y + z * z) <= 0.5]
    assert len(nodes) == 10144
    counts = np.zeros(len(nodes))
    for cloud in shapes:
        for point in cloud[0].astype(np.float64):
            counts[((np.array(nodes) - point) ** 2).sum(1).argmin()] += 1
    return counts / counts.sum()


def test_jsd():
    reference, generated = clouds(4, 0), clouds(4, 1)
    p, q = shares_of_cells(generated), shares_of_cells(reference)
    middle, divergence = (p + q) / 2, 0.0
    for k in range(len(p)):
        divergence += 0.5 * (p[k] * math.log2(p[k] / middle[k]) if p[k] else 0)
        divergence += 0.5 * (q[k] * math.log2(q[k] / middle[k]) if q[k] else 0)
    assert measured(generated, reference, JensenShannonDivergence)["JSD"] == pytest.approx(100 * divergence, rel=1e-6)
