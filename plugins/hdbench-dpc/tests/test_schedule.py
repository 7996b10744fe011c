"""The noise levels in closed form, and what the samplers make of data that can be denoised exactly."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from hdbench_dpc.sampling import ancestral, ddim, visited
from hdbench_dpc.schedule import VarianceSchedule

SCHEDULE = VarianceSchedule()
KEPT = np.cumprod(1 - np.concatenate([[0], np.linspace(1e-4, 0.02, 100)]))  # alpha_bar


def test_levels_are_the_authors():
    assert float(SCHEDULE.betas[0]) == 0
    assert [float(SCHEDULE.betas[t]) for t in (1, 100)] == pytest.approx([1e-4, 0.02])
    assert float(SCHEDULE.alpha_bars[100]) == pytest.approx(0.36356, abs=5e-6)
    assert SCHEDULE.alpha_bars.numpy() == pytest.approx(KEPT, rel=1e-5)
    assert SCHEDULE.alphas.numpy() == pytest.approx(1 - SCHEDULE.betas.numpy())


def test_an_ancestral_step_has_the_variance_of_the_posterior():
    assert float(SCHEDULE.sigmas(0)[1]) == 0  # one step above clean data there is nothing left to draw
    for t in (2, 50, 100):
        precision = (1 - SCHEDULE.betas[t]) / SCHEDULE.betas[t] + 1 / (
            1 - SCHEDULE.alpha_bars[t - 1]
        )  # of x_{t-1}, x_t and x_0 known
        assert float(SCHEDULE.sigmas(0)[t]) == pytest.approx(float(precision) ** -0.5, rel=1e-3)
    assert torch.equal(SCHEDULE.sigmas(1), SCHEDULE.betas.sqrt())
    assert torch.allclose(SCHEDULE.sigmas(0.25), 0.25 * SCHEDULE.sigmas(1) + 0.75 * SCHEDULE.sigmas(0))


def ends(steps, exact, start):
    points = start
    for t, step in steps:
        points = step(points, exact(points, t))
    return points


def noise(seed=0):
    generator = torch.Generator().manual_seed(seed)
    return lambda: torch.randn(1, 2000, 3, generator=generator)


@pytest.mark.parametrize("flexibility", [0.0, 1.0])
def test_ancestral_sampling_ends_at_the_only_point_of_the_data(flexibility):
    point = torch.tensor([0.3, -1.2, 2.0])
    exact = lambda x, t: (x - math.sqrt(KEPT[t]) * point) / math.sqrt(1 - KEPT[t])  # noqa: E731
    found = ends(ancestral(SCHEDULE, flexibility, noise()), exact, noise(1)())
    assert torch.allclose(found, point.expand_as(found), atol=2e-3)  # float32 of 1 - alpha_bar_1


@pytest.mark.parametrize("count", [1, 7, 20, 100])
def test_ddim_ends_at_the_only_point_of_the_data(count):
    point = torch.tensor([0.3, -1.2, 2.0])
    exact = lambda x, t: (x - math.sqrt(KEPT[t]) * point) / math.sqrt(1 - KEPT[t])  # noqa: E731
    found = ends(ddim(SCHEDULE, count), exact, noise()())
    assert torch.allclose(found, point.expand_as(found), atol=2e-3)


def unit_normal(points, t):
    """The noise in ``points`` when the data is normal with unit deviation, as DPC's clouds are scaled."""
    return math.sqrt(1 - KEPT[t]) * points


@pytest.mark.parametrize("count", [5, 20, 100])
def test_ddim_shrinks_unit_normal_data_by_the_cosines_of_its_steps(count):
    start = noise()()
    angles = [math.acos(math.sqrt(KEPT[t])) for t in [*visited(100, count), 0]]
    shrinks = math.prod(math.cos(a - b) for a, b in pairwise(angles))
    assert torch.allclose(ends(ddim(SCHEDULE, count), unit_normal, start), shrinks * start, atol=1e-4)


@pytest.mark.parametrize("flexibility", [0.0, 1.0])
def test_ancestral_sampling_spreads_unit_normal_data_as_its_recursion_says(flexibility):
    variance = 1.0
    for t in range(100, 0, -1):
        beta = 1 - KEPT[t] / KEPT[t - 1]
        sigma = flexibility * math.sqrt(beta) + (1 - flexibility) * math.sqrt(beta * (1 - KEPT[t - 1]) / (1 - KEPT[t]))
        variance = (1 - beta) * variance + (sigma**2 if t > 1 else 0)
    found = ends(ancestral(SCHEDULE, flexibility, noise()), unit_normal, noise(1)())
    assert float(found.std()) == pytest.approx(math.sqrt(variance), rel=4 / math.sqrt(2 * found.numel()))


def test_ddim_visits_the_schedule_evenly_from_its_end():
    assert visited(100, 100) == list(range(100, 0, -1))
    assert visited(100, 12) == [100, 91, 82, 73, 64, 55, 46, 37, 28, 19, 10, 1]
    assert visited(100, 1) == [100]


def test_ddim_asks_for_no_more_levels_than_there_are():
    with pytest.raises(Exception, match="has no 101 levels"):
        visited(100, 101)
