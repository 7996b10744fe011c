from __future__ import annotations

import pytest
import torch
from hdbench_samplers.ddim import DDIM, DDIMConfig
from hdbench_samplers.ddpm import DDPM, DDPMConfig
from hdbench_samplers.spacing import uniform_steps

from hdbench.errors import HdbenchError
from hdbench.schedule import Schedule
from hdbench.seeds import torch_generator

PAPER = Schedule()
FINE = Schedule(steps=2000, beta_start=1e-6, beta_end=1e-2)


def gaussian(schedule: Schedule, mean: float, variance: float):
    """E[x0 | x_t] for x0 ~ N(mean, variance)."""
    alpha = schedule.alpha_bar()

    def denoise(noised, step):
        a = alpha[step].item()
        return mean + a**0.5 * variance / (a * variance + 1 - a) * (noised - a**0.5 * mean)

    return denoise


def no_noise(k: int):
    raise AssertionError("eta 0 must not draw noise")


def noise_of(count: int, width: int, first: int = 0):
    return lambda k: torch.stack([torch.randn(width, generator=torch_generator(5, j, k)) for j in range(first, first + count)])


def start_of(count: int, width: int, first: int = 0):
    return noise_of(count, width, first)(-1)


@pytest.mark.parametrize(
    ("steps", "variance", "ratio"),
    [(500, 1e-4, 0.684), (500, 1e-3, 0.921), (500, 1e-2, 0.982), (500, 1e-1, 0.997), (100, 1e-2, 0.921), (50, 1e-1, 0.945)],
)
def test_spread_that_ddim_keeps_of_gaussian_data(steps, variance, ratio):
    """Known losses of spread of uniformly spaced DDIM on the paper's schedule; eta 0 is linear, so one start tells it.

    The ratio holds for a start that has the spread of the noised data, not quite 1, at the last step.
    """
    last = PAPER.alpha_bar()[-1].item()
    start = torch.full((1, 1), (last * variance + 1 - last) ** 0.5, dtype=torch.float64)
    sample = DDIM(DDIMConfig(steps=steps)).sample(gaussian(PAPER, 0.0, variance), PAPER, start, no_noise)
    assert sample.item() / variance**0.5 == pytest.approx(ratio, abs=0.006)


@pytest.mark.parametrize("mean", [0.0, 3.0])
def test_ddim_in_many_steps_follows_the_probability_flow(mean):
    """dx/dt of the flow transports quantile to quantile: m + s (x_T - a_T m) / sqrt(a_T^2 s^2 + sigma_T^2)."""
    variance, last = 0.25, FINE.alpha_bar()[-1].item()
    start = torch.tensor([[-1.0, 0.0, 2.0]], dtype=torch.float64)
    sample = DDIM(DDIMConfig(steps=2000)).sample(gaussian(FINE, mean, variance), FINE, start, no_noise)
    quantile = (start - last**0.5 * mean) / (last * variance + 1 - last) ** 0.5
    assert torch.allclose(sample, mean + variance**0.5 * quantile, atol=5e-3)


def test_one_step_of_ddim_is_the_denoiser_at_the_last_step():
    start = start_of(3, 4)
    sample = DDIM(DDIMConfig(steps=1)).sample(lambda x, step: 2 * x + step, PAPER, start, no_noise)
    assert torch.equal(sample, 2 * start + 499)


def test_all_steps_means_every_step_once():
    assert uniform_steps(500, 500) == list(range(499, -1, -1))
    assert uniform_steps(500, 3) == [499, 250, 0]


def test_more_steps_than_the_schedule_has_are_refused():
    with pytest.raises(HdbenchError, match="at most 500"):
        uniform_steps(500, 501)


def test_ddim_with_eta_one_is_ancestral_sampling():
    """Song et al. 2021, section 4.1: eta 1 on every step is DDPM with the posterior variance."""
    schedule, noise = Schedule(steps=40, beta_end=0.3), noise_of(5, 6)
    denoise = gaussian(schedule, 1.0, 0.5)
    ddim = DDIM(DDIMConfig(steps=40, eta=1.0)).sample(denoise, schedule, start_of(5, 6), noise)
    ddpm = DDPM(DDPMConfig()).sample(denoise, schedule, start_of(5, 6), noise)
    assert torch.allclose(ddim, ddpm, atol=1e-5)


@pytest.mark.parametrize("variance", ["posterior", "beta"])
def test_ddpm_finds_mean_and_spread_of_gaussian_data(variance):
    schedule, generator = Schedule(steps=400, beta_start=1e-4, beta_end=4e-2), torch.Generator().manual_seed(0)
    start = torch.randn(4000, 2, generator=generator)
    noise = lambda k: torch.randn(4000, 2, generator=generator)  # noqa: E731
    sample = DDPM(DDPMConfig(variance=variance)).sample(gaussian(schedule, 2.0, 0.36), schedule, start, noise)
    assert sample.mean().item() == pytest.approx(2.0, abs=0.03)
    assert sample.std().item() == pytest.approx(0.6, abs=0.02)


@pytest.mark.parametrize("sampler", [DDIM(DDIMConfig(steps=10)), DDIM(DDIMConfig(steps=10, eta=1.0)), DDPM(DDPMConfig())])
def test_a_sample_does_not_depend_on_its_batch(sampler):
    schedule = Schedule(steps=30, beta_end=0.3)
    denoise = gaussian(schedule, 0.0, 0.5)
    together = sampler.sample(denoise, schedule, start_of(8, 3), noise_of(8, 3))
    alone = sampler.sample(denoise, schedule, start_of(1, 3, first=5), noise_of(1, 3, first=5))
    again = sampler.sample(denoise, schedule, start_of(8, 3), noise_of(8, 3))
    assert torch.equal(together[5:6], alone)
    assert torch.equal(together, again)


@pytest.mark.parametrize("wrong", [{"steps": 0}, {"eta": -0.1}, {"eta": 1.1}])
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(HdbenchError, match=r"sampler\."):
        DDIMConfig(**wrong)
