"""Feature metrics on features whose answers can be worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hdbench_fpd.cases import comparison, gaussian
from hdbench_fpd.frechet import frechet, frechet_infinity
from hdbench_fpd.kernel import kernel_distance
from hdbench_fpd.metrics import (
    Coverage,
    Density,
    FrechetAtInfinity,
    FrechetPointCloudDistance,
    KernelPointCloudDistance,
    Neighbourhood,
    NoSettings,
    Precision,
    Recall,
)

from hdbench.errors import HdbenchError

BALLS = (Precision, Recall, Density, Coverage)
DISTANCES = (FrechetPointCloudDistance, FrechetAtInfinity, KernelPointCloudDistance)
NAN = float("nan")


def value(metric, generated, reference, k=5):
    config = Neighbourhood(k=k) if metric in BALLS else NoSettings()
    return next(iter(metric(config).measure(comparison("procedural", generated, reference)).values()))


@pytest.mark.parametrize(
    ("generated", "reference", "expected"),
    [
        ([0.5, 20], [0, 1, 10], (50, 100, 100, 200 / 3)),
        ([0, 1, 2, 3], [0, 1, 2, 3], (100, 100, 100, 100)),  # the rim does not count for density: with it, 250
        ([100, 101, 102], [0, 1, 2], (0, 0, 0, 0)),
    ],
)
def test_balls_to_the_nearest_neighbour_on_a_line(generated, reference, expected):
    assert [value(metric, generated, reference, k=1) for metric in BALLS] == pytest.approx(expected)


def test_the_rim_counts_for_precision_and_not_for_coverage():
    reference = [0.0, 1.0, 10.0]  # balls: [-1, 1], [0, 2], [1, 19]
    found = {metric: value(metric, [-1, -1], reference, k=1) for metric in (Precision, Density, Coverage)}
    assert found == {Precision: 100, Density: 0, Coverage: 0}
    assert value(Coverage, [2, 2], reference, k=1) == pytest.approx(100 / 3)  # 2 is on the rim of [0, 2] and within [1, 19]


def test_closed_forms_of_the_frechet_distance():
    assert frechet(gaussian(0, 1), gaussian(3, 4)) == pytest.approx(10)
    assert frechet(gaussian([0, 0], [[2, 1], [1, 2]]), gaussian([0, 0], np.diag([1, 4]))) == pytest.approx(0.7712204477)


@pytest.mark.parametrize(("n", "m"), [(8, 6), (40, 9), (9, 40), (64, 50)])  # against 12 features: fewer and more
def test_frechet_is_the_definition_with_matrix_roots(n, m):
    rng = np.random.default_rng(n)
    x, y = rng.normal(size=(n, 12)), rng.normal(0.3, 1.5, size=(m, 12))
    s1, s2 = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    values, axes = np.linalg.eigh(s1)
    root = axes * np.sqrt(values.clip(0)) @ axes.T
    cross = np.sqrt(np.linalg.eigvalsh(root @ s2 @ root).clip(0)).sum()  # the same trace, of a symmetric matrix
    wanted = ((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(s1) + np.trace(s2) - 2 * cross
    assert frechet(x, y) == pytest.approx(wanted, rel=1e-6)


def test_frechet_of_a_set_and_itself_is_zero():
    x = np.random.default_rng(0).normal(size=(30, 256))
    assert frechet(x, x) == pytest.approx(0, abs=1e-9 * x.var() * 256)


def test_extrapolation_takes_the_bias_away():
    rng = np.random.default_rng(3)
    scale = 1 / np.arange(1, 41)
    draws = [(rng.normal(size=(300, 40)) * scale, rng.normal(size=(300, 40)) * scale) for _ in range(12)]
    biased, mended = (np.array([f(x, y) for x, y in draws]) for f in (frechet, frechet_infinity))
    assert biased.mean() > 5 * biased.std() / np.sqrt(len(draws))  # an oracle is far from 0
    assert abs(mended.mean()) < 3 * mended.std(ddof=1) / np.sqrt(len(draws)) + 0.02 * biased.mean()


def test_kernel_distance_of_one_distribution_is_zero_on_average():
    rng = np.random.default_rng(0)
    found = [kernel_distance(*rng.normal(size=(2, 30, 8))) for _ in range(400)]
    assert abs(np.mean(found)) < 3 * np.std(found) / np.sqrt(400)
    assert min(found) < 0


def test_details_name_the_size_of_the_line():
    x = np.random.default_rng(0).normal(size=(20, 3))
    found = FrechetAtInfinity(NoSettings()).measure(comparison("procedural", x, x[:12]))
    assert list(found) == ["FPD-inf[procedural]", "FPD-inf n[procedural]", "FPD-inf d[procedural]"]
    assert (found["FPD-inf n[procedural]"], found["FPD-inf d[procedural]"]) == (12, 3)


# ---------------------------------------------------------------------------------------------------------------- empties


@pytest.mark.parametrize("metric", DISTANCES + BALLS)
@pytest.mark.parametrize("shift", [0.0, 0.5, 1.0])
def test_empty_samples_make_it_worse_on_average(metric, shift):
    rng = np.random.default_rng(5)
    found = []
    for _ in range(10):
        reference, generated = rng.normal(size=(40, 6)), rng.normal(shift, 1, size=(40, 6))
        emptied = [np.where(np.arange(40)[:, None] < count, np.nan, generated) for count in (0, 1, 5, 10, 20, 30, 40)]
        found.append([value(metric, some, reference) for some in emptied])
    assert np.isfinite(found).all()
    worse = np.diff(np.mean(found, axis=0)) * (1 if metric in DISTANCES else -1)
    assert (worse > -1e-9).all()
    assert worse.sum() > 0


def test_one_empty_sample_is_that_share_of_the_worst():
    reference = gaussian([3, 0], np.eye(2))  # four points at distance sqrt(3/2) from the mean; the longest is 3 + sqrt(3/2)
    generated = np.concatenate([reference, [[NAN, NAN]]])
    assert value(FrechetPointCloudDistance, generated, reference) == pytest.approx(0.2 * (2 + (3 + np.sqrt(1.5)) ** 2))


def test_precision_and_density_of_empties_are_as_if_they_were_far_away():
    rng = np.random.default_rng(0)
    reference, generated = rng.normal(size=(2, 30, 3))
    for metric in (Precision, Density, Coverage):
        gone, far = generated.copy(), generated.copy()
        gone[:7], far[:7] = np.nan, 1e6 + np.arange(7)[:, None] * 1e3
        assert value(metric, gone, reference) == pytest.approx(value(metric, far, reference))


def test_sets_that_are_too_small_have_no_value_and_none_is_invented():
    two = np.zeros((2, 3))
    assert np.isnan(value(FrechetPointCloudDistance, two[:1], two))
    assert np.isnan(value(KernelPointCloudDistance, two, two[:1]))
    assert np.isnan(value(FrechetAtInfinity, np.zeros((4, 3)), np.zeros((9, 3))))
    for metric in BALLS:
        assert np.isnan(value(metric, np.zeros((5, 3)), np.zeros((9, 3))))
        assert np.isfinite(value(metric, np.zeros((6, 3)), np.zeros((6, 3))))


def test_k_is_a_setting_with_limits():
    with pytest.raises(HdbenchError, match=r"'k' must be in 1\.\.1000, but it is 0"):
        Neighbourhood(k=0)
