"""The second-order samplers on Gaussian data, whose probability flow is known exactly."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from hdbench_samplers.ddim import DDIM, DDIMConfig
from hdbench_samplers.dpm import DPMSolver, DPMSolverConfig
from hdbench_samplers.heun import Heun, HeunConfig
from hdbench_samplers.spacing import log_snr_step, spaced_steps

from hdbench.errors import HdbenchError
from hdbench.schedule import Schedule

PAPER = Schedule()
FINE = Schedule(steps=200_000, beta_start=1e-7, beta_end=5e-5)  # so fine that stops lie where the spacing wants them


def gaussian(schedule: Schedule, variance: float, mean: float = 0.0):
    """E[x0 | x_t] for x0 ~ N(mean, variance), by step."""
    alpha = schedule.alpha_bar()

    def denoise(noised, step):
        a = alpha[step].item()
        return mean + a**0.5 * variance / (a * variance + 1 - a) * (noised - a**0.5 * mean)

    return denoise


def no_noise(k: int):
    raise AssertionError("a deterministic sampler must not draw noise")


def spread(sampler, schedule: Schedule, variance: float) -> float:
    """Standard deviation of the samples over that of the data. The samplers are linear, so one start of one sigma tells it."""
    last = schedule.alpha_bar()[-1].item()
    start = torch.full((1, 1), (last * variance + 1 - last) ** 0.5, dtype=torch.float64)
    return sampler.sample(gaussian(schedule, variance), schedule, start, no_noise).item() / variance**0.5


def two_m(steps: int, **settings) -> DPMSolver:
    return DPMSolver(DPMSolverConfig(steps=steps, **settings))


def heun(steps: int, **settings) -> Heun:
    return Heun(HeunConfig(steps=steps, **settings))


@pytest.mark.parametrize(("steps", "ratios"), [(50, (0.706, 0.962, 1.001, 1.004)), (20, (0.703, 0.956, 1.006, 1.011))])
def test_spread_that_2m_keeps_of_gaussian_data(steps, ratios):
    """Known figures of 2M in log-SNR spacing on the paper's schedule, by variance of the data."""
    found = [spread(two_m(steps), PAPER, variance) for variance in (1e-4, 1e-3, 1e-2, 1e-1)]
    assert found == pytest.approx(ratios, abs=0.006)


@pytest.mark.parametrize("variance", [1e-4, 1e-3, 1e-2])
def test_twenty_evaluations_of_2m_are_closer_than_five_hundred_of_ddim(variance):
    few, many = spread(two_m(20), PAPER, variance), spread(DDIM(DDIMConfig(steps=500)), PAPER, variance)
    assert abs(few - 1) < abs(many - 1)


def test_where_ddim_is_exact_to_a_percent_so_are_twenty_evaluations_of_2m():
    for variance in (1e-1, 1.0):
        assert spread(two_m(20), PAPER, variance) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize(("build", "first"), [(two_m, 40), (heun, 10)])
@pytest.mark.parametrize("variance", [0.05, 0.5])
def test_half_the_step_is_a_quarter_of_the_error(build, first, variance):
    """Order 2: against the exact flow from the last level to the first, m + (x - a m) sqrt(var_0 / var_T), denoised there."""
    a, b = (FINE.alpha_bar()[k].item() for k in (0, -1))
    arrived = ((a * variance + 1 - a) / (b * variance + 1 - b)) ** 0.5
    exact = gaussian(FINE, variance)(torch.tensor([[arrived]], dtype=torch.float64), 0).item()
    start = torch.ones(1, 1, dtype=torch.float64)
    errors = []
    for steps in (first, 2 * first, 4 * first):
        sample = build(steps + 1).sample(gaussian(FINE, variance), FINE, start, no_noise)
        errors.append(abs(sample.item() - exact))
    assert [coarse / fine for coarse, fine in pairwise(errors)] == pytest.approx([4, 4], rel=0.1)


def test_the_first_order_of_dpm_is_ddim():
    """Lu et al. 2022, section 4: DPM-Solver++ of order 1 is DDIM; on the same steps they are one formula."""
    start = torch.randn(4, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    denoise = gaussian(PAPER, 0.3, 1.0)
    first = two_m(25, order=1, spacing="uniform").sample(denoise, PAPER, start, no_noise)
    assert torch.allclose(first, DDIM(DDIMConfig(steps=25)).sample(denoise, PAPER, start, no_noise), atol=1e-12)


@pytest.mark.parametrize("build", [two_m, heun])
@pytest.mark.parametrize("mean", [-2.0, 3.0])
def test_quantiles_go_to_quantiles(build, mean):
    """The flow takes a quantile of the noised data to the same quantile of the data, to the accuracy of 40 steps."""
    variance, last = 0.25, PAPER.alpha_bar()[-1].item()
    start = torch.tensor([[-1.0, 0.0, 2.0]], dtype=torch.float64)
    sample = build(40).sample(gaussian(PAPER, variance, mean), PAPER, start, no_noise)
    quantile = (start - last**0.5 * mean) / (last * variance + 1 - last) ** 0.5
    assert torch.allclose(sample, mean + variance**0.5 * quantile, atol=0.01)


@pytest.mark.parametrize("prediction", ["x0", "epsilon", "v"])
@pytest.mark.parametrize("kind", ["linear", "rescaled", "cosine", "sigmoid"])
@pytest.mark.parametrize("sampler", [two_m(30), heun(30), DDIM(DDIMConfig(steps=500))])
def test_every_prediction_on_every_schedule_ends_in_the_same_data(sampler, kind, prediction):
    """The perfect network of N(2, 0.25) in each parameterisation, read back by ``Schedule.clean`` as a run does."""
    schedule = Schedule(kind=kind, prediction=prediction)
    best = gaussian(schedule, 0.25, 2.0)

    def denoise(noised, step):
        steps, clean = torch.full((len(noised),), step), best(noised, step)
        signal, sigma = schedule.levels(steps, noised)
        predicted = schedule.target(clean, (noised - signal * clean) / sigma, steps)
        return schedule.clean(noised, predicted, steps)

    start = torch.tensor([[-1.0], [0.0], [1.5]], dtype=torch.float64)
    last = schedule.alpha_bar()[-1].item()
    quantile = (start - last**0.5 * 2) / (last * 0.25 + 1 - last) ** 0.5
    sample = sampler.sample(denoise, schedule, start, no_noise)
    assert torch.allclose(sample, 2 + 0.5 * quantile, atol=0.03)


@pytest.mark.parametrize("prediction", ["x0", "v"])
@pytest.mark.parametrize("sampler", [two_m(30), heun(30), DDIM(DDIMConfig(steps=500))])
def test_from_pure_noise_the_start_is_a_quantile_of_its_own(sampler, prediction):
    schedule = Schedule(zero_terminal=True, prediction=prediction)
    start = torch.tensor([[-1.0], [0.0], [1.5]], dtype=torch.float64)
    sample = sampler.sample(gaussian(schedule, 0.25, 2.0), schedule, start, no_noise)
    assert torch.allclose(sample, 2 + 0.5 * start, atol=0.04)


@pytest.mark.parametrize(("sampler", "evaluations"), [(two_m(20), 20), (two_m(1), 1), (heun(10), 19), (heun(1), 1)])
def test_evaluations_are_as_many_as_promised(sampler, evaluations):
    asked = []
    sampler.sample(lambda x, step: (asked.append(step), 0.5 * x)[1], PAPER, torch.ones(2, 3), no_noise)
    assert len(asked) == evaluations
    assert asked[0] == 499
    assert evaluations == 1 or asked[-1] == 0


@pytest.mark.parametrize("spacing", ["logsnr", "karras", "uniform"])
@pytest.mark.parametrize("schedule", [PAPER, Schedule(steps=40, kind="cosine"), Schedule(zero_terminal=True)])
def test_steps_are_different_and_go_from_the_last_to_the_first(schedule, spacing):
    for count in (2, 3, 20, schedule.steps):
        steps = spaced_steps(schedule, count, spacing)
        assert len(set(steps)) == count
        assert steps == sorted(steps, reverse=True)
        assert (steps[0], steps[-1]) == (schedule.steps - 1, 0)


def test_stops_are_evenly_spread_in_log_snr_where_the_schedule_is_fine_enough():
    alpha_bar = FINE.alpha_bar().tolist()
    widths = [log_snr_step(alpha_bar[now], alpha_bar[after]) for now, after in pairwise(spaced_steps(FINE, 15, "logsnr"))]
    assert widths[:-2] == pytest.approx([sum(widths) / 14] * 12, rel=0.02)


def test_more_steps_than_the_schedule_has_are_refused():
    with pytest.raises(HdbenchError, match=r"sampler\.steps to at most 500"):
        two_m(501).sample(gaussian(PAPER, 1.0), PAPER, torch.ones(1, 1), no_noise)


@pytest.mark.parametrize("config", [DPMSolverConfig, HeunConfig])
def test_settings_out_of_range_are_refused(config):
    with pytest.raises(HdbenchError, match=r"sampler\."):
        config(steps=0)
