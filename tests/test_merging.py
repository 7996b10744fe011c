"""The mean over seeds: its value, and an interval that covers what seeds share and what trainings add."""

from __future__ import annotations

import numpy as np
import pytest

from hdbench.scoring.intervals import Estimate, estimate
from hdbench.scoring.merging import merged
from hdbench.scoring.replicates import replicate


def mean_of_draws(rng, shifts, count=40):
    """Estimates of seeds that measure the mean of generated minus the mean of reference numbers, one reference for all."""
    reference = rng.normal(size=count)
    found = []
    for shift in shifts:
        draw = rng.normal(size=count) + shift

        def statistic(g, r, draw=draw):
            return {"gap": draw[g].mean() - reference[r].mean()}

        everything = np.arange(count)
        value = statistic(everything, everything)["gap"]
        found.append(estimate([value], replicate([statistic], [count], count, partitions=12), "gap"))
    return found


def without_replicates(estimates):
    return [Estimate(value=e.value, half_width=e.half_width, subsampling_sd=e.subsampling_sd, shapes=e.shapes) for e in estimates]


def test_a_single_seed_is_left_as_it_is():
    [one] = mean_of_draws(np.random.default_rng(0), [0.0])
    assert merged([one]) is one


def test_the_value_is_the_mean_over_seeds_with_and_without_replicates():
    found = mean_of_draws(np.random.default_rng(1), [0.0, 0.1, 0.5])
    mean = np.mean([e.value for e in found])
    assert merged(found).value == pytest.approx(mean)
    assert merged(without_replicates(found)).value == pytest.approx(mean)


def test_seeds_that_agree_do_not_shrink_what_the_reference_adds():
    """Three times the same estimate: all of its variance may be the reference's, so without replicates the width stays."""
    one = Estimate(value=3.0, half_width=0.4, subsampling_sd=0.2, shapes=60)
    assert merged([one] * 3).half_width == pytest.approx(merged([one] * 2).half_width)
    assert merged([one] * 3).half_width == pytest.approx(0.2 * 2.001, rel=1e-3)  # Student's t, 59 degrees of freedom


def test_trainings_that_differ_widen_the_interval():
    seeds = [Estimate(value=v, half_width=0.4, subsampling_sd=0.2, shapes=60) for v in (3.0, 5.0, 7.0)]
    found = merged(seeds)
    assert found.draws_sd == pytest.approx(2.0 / np.sqrt(3))
    assert found.half_width > 3.1 * found.draws_sd  # Student's t of about two degrees of freedom


def test_infinite_values_have_no_width():
    seeds = [Estimate(value=v, half_width=w, subsampling_sd=0.2, shapes=60) for v, w in ((3.0, 0.4), (np.inf, np.nan))]
    assert merged(seeds).value == np.inf
    assert np.isnan(merged(seeds).half_width)


def test_95_percent_intervals_of_three_trainings_hold_the_truth():
    """Trainings shift the generator by N(0, 0.3); the true gap is 0. Without replicates they may be wider, never narrower."""
    held = np.zeros(2)
    for run in range(200):
        rng = np.random.default_rng([run, 9])
        found = mean_of_draws(rng, rng.normal(0, 0.3, size=3))
        both = merged(found), merged(without_replicates(found))
        held += [abs(one.value) <= one.half_width for one in both]
    assert 0.92 <= held[0] / 200 <= 0.98
    assert held[1] / 200 >= 0.95
