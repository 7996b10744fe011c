from __future__ import annotations

import math

import pytest
import torch

from hdbench.errors import HdbenchError
from hdbench.schedule import Schedule


def test_the_papers_schedule_ends_with_signal_left():
    """The betas are not rescaled for 500 steps: alpha_bar ends at 0.00635, its root at 0.0797."""
    alpha_bar = Schedule().alpha_bar()
    assert len(alpha_bar) == 500
    assert alpha_bar[0].item() == pytest.approx(1 - 1e-4)
    assert alpha_bar[-1].item() == pytest.approx(0.00635, abs=5e-6)
    assert alpha_bar[-1].sqrt().item() == pytest.approx(0.0797, abs=5e-5)


def test_a_thousand_steps_end_at_ddpms_value():
    """Ho et al. 2020: 1e-4 to 2e-2 in 1000 steps leaves about 4e-5."""
    assert Schedule(steps=1000).alpha_bar()[-1].item() == pytest.approx(4.04e-5, rel=0.01)


def test_the_cosine_is_that_of_nichol_and_dhariwal():
    alpha_bar = Schedule(steps=100, kind="cosine").alpha_bar()
    expected = [(math.cos((t / 100 + 0.008) / 1.008 * math.pi / 2) / math.cos(0.008 / 1.008 * math.pi / 2)) ** 2 for t in (1, 50)]
    assert alpha_bar[[0, 49]].tolist() == pytest.approx(expected)


@pytest.mark.parametrize("kind", ["linear", "cosine"])
@pytest.mark.parametrize("steps", [2, 50, 1000])
def test_signal_only_falls_and_never_vanishes(kind, steps):
    alpha_bar = Schedule(steps=steps, kind=kind).alpha_bar()
    assert alpha_bar.dtype == torch.float64
    assert (alpha_bar.diff() <= 0).all()
    assert 0 < alpha_bar[-1] < alpha_bar[0] < 1


def test_levels_are_one_per_row_and_their_squares_add_to_one():
    like = torch.zeros(3, 4, 5)
    signal, sigma = Schedule().levels(torch.tensor([0, 250, 499]), like)
    assert signal.shape == sigma.shape == (3, 1, 1)
    assert signal.dtype == like.dtype
    assert torch.allclose(signal**2 + sigma**2, torch.ones(3, 1, 1))
    assert signal[0] > signal[1] > signal[2]


@pytest.mark.parametrize("prediction", ["x0", "epsilon", "v"])
def test_a_perfect_prediction_gives_back_the_clean_weights(prediction):
    schedule, generator = Schedule(prediction=prediction), torch.Generator().manual_seed(0)
    clean, noise = torch.randn(2, 6, 7, generator=generator, dtype=torch.float64)
    step = torch.tensor([0, 1, 10, 100, 300, 499])
    signal, sigma = schedule.levels(step, clean)
    noised = signal * clean + sigma * noise
    assert torch.allclose(schedule.clean(noised, schedule.target(clean, noise, step), step), clean)


def test_noised_weights_of_unit_variance_keep_unit_variance():
    signal, sigma = Schedule().levels(torch.arange(500), torch.zeros(500, 1))
    generator = torch.Generator().manual_seed(0)
    clean, noise = torch.randn(2, 500, 4000, generator=generator)
    assert (signal * clean + sigma * noise).var(dim=1).mean().item() == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("wrong", [{"steps": 1}, {"beta_start": 0.0}, {"beta_start": 0.5, "beta_end": 0.1}, {"beta_end": 1.0}])
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(HdbenchError, match=r"schedule\."):
        Schedule(**wrong)
