"""Simulations: how often 95 % intervals of MMD, COV and 1-NNA, and of their paired differences, hold the true value.

Shapes are random vectors and their distance is the squared Euclidean one. The truth is the expectation of the statistic at
that set size, over new reference sets, new samples and new trainings, taken as the mean of all runs.
``pytest -m slow tests/test_interval_coverage.py -s`` prints a table (about four minutes on one core).
"""

from __future__ import annotations

import numba
import numpy as np
import pytest

from hdbench.scoring.intervals import difference, estimate
from hdbench.scoring.replicates import replicate

COLUMNS = ("MMD", "COV", "1-NNA")


def squared(a, b):
    return np.maximum(np.square(a).sum(1)[:, None] + np.square(b).sum(1) - 2 * a @ b.T, 0)


@numba.njit
def nearest_within(distances, chosen):
    """Distance of each of the chosen shapes of a set to the nearest other one of them."""
    found = np.full(len(chosen), np.inf)
    for i in range(len(chosen)):
        for j in range(i):
            d = distances[chosen[i], chosen[j]]
            found[i], found[j] = min(d, found[i]), min(d, found[j])
    return found


@numba.njit
def nearest_across(distances, rows, columns):
    """Distance of every row to the nearest column and of every column to the nearest row; 1 where a column is a row's nearest."""
    of_rows, of_columns, hit = np.full(len(rows), np.inf), np.full(len(columns), np.inf), np.zeros(len(columns))
    for i in range(len(rows)):
        where = 0
        for j in range(len(columns)):
            d = distances[rows[i], columns[j]]
            of_columns[j] = min(d, of_columns[j])
            if d < of_rows[i]:
                of_rows[i], where = d, j
        hit[where] = 1
    return of_rows, of_columns, hit


@numba.njit
def mmd_cov_1nna(across, inside, among, g, r):
    """From their definitions (there are no ties)."""
    to_reference, to_generated, hit = nearest_across(across, g, r)
    recognised = (nearest_within(inside, g) < to_reference).sum() + (nearest_within(among, r) < to_generated).sum()
    return to_generated.mean(), 100 * hit.mean(), 100 * recognised / (len(g) + len(r))


def set_metrics(generated, reference):
    matrices = squared(generated, reference), squared(generated, generated), squared(reference, reference)
    return lambda g, r: dict(zip(COLUMNS, mmd_cov_1nna(*matrices, g, r)))


def gaussian(rng, count, dimensions):
    return rng.normal(size=(count, dimensions))


def heavy_tailed(rng, count, dimensions):
    """Student's t with six degrees of freedom, one scale per shape."""
    return rng.normal(size=(count, dimensions)) / np.sqrt(rng.chisquare(6, size=(count, 1)) / 6)


def scored(draws, reference):
    """Estimates by column of draws [n, d] each against a reference [n, d]."""
    statistics, whole = [set_metrics(draw, reference) for draw in draws], np.arange(len(reference))
    values = [statistic(np.arange(len(draw)), whole) for statistic, draw in zip(statistics, draws)]
    replicates = replicate(statistics, [len(draw) for draw in draws], len(reference))
    return {column: estimate([v[column] for v in values], replicates, column) for column in COLUMNS}


def coverage(estimates):
    """Share of estimates whose interval holds the mean of all values, and root mean square estimated SD over true SD."""
    value, half_width, sd = np.array([(e.value, e.half_width, e.subsampling_sd) for e in estimates]).T
    return np.mean(abs(value - value.mean()) <= half_width), np.sqrt(np.mean(sd**2)) / value.std()


def simulated(latents, dimensions, count, runs):
    """What is estimated -> (coverage, ratio of SDs): values of a generator that draws from the truth, of one whose samples are
    shrunk to 0.8, and the paired difference of the two."""
    found = {}
    for run in range(runs):
        rng = np.random.default_rng([run, count])
        reference, good, poor = (latents(rng, count, dimensions) for _ in range(3))
        first, second = scored([good], reference), scored([0.8 * poor], reference)
        for column in COLUMNS:
            trio = first[column], second[column], difference(first[column], second[column])
            for what, one in zip(("truth", "shrunk", "difference"), trio):
                found.setdefault((column, what), []).append(one)
    return {key: coverage(estimates) for key, estimates in found.items()}


def shown(capsys, title, found):
    with capsys.disabled():
        for (column, what), (covered, ratio) in found.items():
            print(f"\n{title:22s} {column:6s} {what:12s} coverage {100 * covered:5.1f} %   SD x{ratio:.2f}", end="")  # noqa: T201


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("count", "runs"), [(20, 1000), (60, 1000), (200, 1000)])
def test_intervals_of_gaussian_latents_hold_the_truth_93_to_97_times_of_100(count, runs, capsys):
    found = simulated(gaussian, 8, count, runs)
    shown(capsys, f"8-d Gaussian, N={count}", found)
    assert all(0.93 <= covered <= 0.97 for covered, _ in found.values())
    assert all(0.9 <= ratio <= 1.1 for _, ratio in found.values())


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("name", "latents", "dimensions"), [("3-d Gaussian", gaussian, 3), ("8-d Student t6", heavy_tailed, 8)])
def test_a_skewed_mmd_is_held_less_often_and_all_else_as_claimed(name, latents, dimensions, capsys):
    """MMD is a mean; of a skewed or heavy-tailed quantity no sample of 60 shows the whole variance, by whatever method."""
    found = simulated(latents, dimensions, 60, 1000)
    shown(capsys, f"{name}, N=60", found)
    skewed = {("MMD", "truth"), ("MMD", "shrunk")}
    assert all(0.93 <= covered <= 0.97 for key, (covered, _) in found.items() if key not in skewed)
    assert all(0.84 <= found[key][0] <= 0.95 for key in skewed)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("spread", [0.0, 0.1])
def test_intervals_of_three_draws_hold_the_truth_whether_or_not_trainings_differ(spread, capsys):
    """Every draw has a training of its own, which shrinks its samples by a random factor exp(N(-0.1, spread))."""
    found = {column: [] for column in COLUMNS}
    for run in range(500):
        rng = np.random.default_rng([run, 3])
        draws = [np.exp(rng.normal(-0.1, spread)) * gaussian(rng, 60, 8) for _ in range(3)]
        for column, one in scored(draws, gaussian(rng, 60, 8)).items():
            found[column].append(one)
    covered = {(column, f"3 draws, {spread}"): coverage(estimates) for column, estimates in found.items()}
    shown(capsys, "8-d Gaussian, N=60", covered)
    assert all(0.93 <= share <= 0.97 for share, _ in covered.values())
