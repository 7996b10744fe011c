from __future__ import annotations

import math

import pytest
import torch

from hdbench.errors import HdbenchError
from hdbench.schedule import Schedule

KINDS = ["linear", "rescaled", "cosine", "sigmoid"]


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


def test_rescaled_betas_leave_as_little_signal_in_500_steps_as_ho_et_al_in_1000():
    """The rescaled schedule ends at 3.8e-5; in 1000 steps nothing is rescaled."""
    assert Schedule(kind="rescaled").alpha_bar()[-1].item() == pytest.approx(3.8e-5, rel=0.03)
    assert torch.equal(Schedule(steps=1000, kind="rescaled").alpha_bar(), Schedule(steps=1000).alpha_bar())


def test_the_sigmoid_is_that_of_jabri_et_al():
    alpha_bar = Schedule(steps=100, kind="sigmoid").alpha_bar()
    sigmoid = lambda x: 1 / (1 + math.exp(-x))  # noqa: E731
    expected = [(sigmoid(3) - sigmoid(6 * t - 3)) / (sigmoid(3) - sigmoid(-3)) for t in (0.01, 0.25)]
    assert alpha_bar[[0, 24]].tolist() == pytest.approx(expected)
    assert alpha_bar[49].item() == pytest.approx(0.5)  # it is symmetric


@pytest.mark.parametrize("kind", KINDS)
def test_zero_terminal_ends_in_pure_noise_and_begins_where_it_began(kind):
    before, after = Schedule(kind=kind).alpha_bar(), Schedule(kind=kind, zero_terminal=True).alpha_bar()
    assert after[-1].item() == 0
    assert after[0].item() == pytest.approx(before[0].item())
    assert (after.diff() <= 0).all()


def test_epsilon_says_nothing_of_x0_where_no_signal_is_left():
    with pytest.raises(HdbenchError, match=r"schedule\.prediction.*zero_terminal"):
        Schedule(zero_terminal=True, prediction="epsilon")


@pytest.mark.parametrize("prediction", ["x0", "v"])
def test_pure_noise_still_gives_back_the_clean_weights(prediction):
    schedule, generator = Schedule(zero_terminal=True, prediction=prediction), torch.Generator().manual_seed(0)
    clean, noise = torch.randn(2, 1, 7, generator=generator, dtype=torch.float64)
    last = torch.tensor([499])
    assert torch.allclose(schedule.clean(noise, schedule.target(clean, noise, last), last), clean)


@pytest.mark.parametrize("prediction", ["x0", "epsilon", "v"])
def test_min_snr_weighs_the_error_of_x0_alike_for_all_predictions(prediction):
    """An error e of x0 is one of e * alpha / sigma of epsilon and of e / sigma of v; weighed, all are min(SNR, 5) e^2."""
    schedule = Schedule(prediction=prediction, weighting="min-snr")
    step, error = torch.tensor([0, 100, 250, 499]), 0.3
    alpha, sigma = schedule.levels(step, torch.zeros(4, dtype=torch.float64))
    noised = torch.randn(4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    right = {"x0": noised * 0, "epsilon": noised / sigma, "v": alpha * noised / sigma}[prediction]  # of x0 = 0
    wrong = right + {"x0": error, "epsilon": -error * alpha / sigma, "v": -error / sigma}[prediction]
    shifted = schedule.clean(noised, wrong, step) - schedule.clean(noised, right, step)
    assert torch.allclose(shifted, torch.full_like(shifted, error))
    snr = alpha.square() / sigma.square()
    weighed = schedule.importance(step) * (wrong - right).square()
    assert torch.allclose(weighed.double(), snr.clamp(max=5) * error**2, rtol=1e-5)


def test_plain_weighting_weighs_nothing():
    assert Schedule().importance(torch.tensor([3])) is None


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("steps", [21, 50, 1000])
def test_signal_only_falls_and_never_vanishes(kind, steps):
    alpha_bar = Schedule(steps=steps, kind=kind).alpha_bar()
    assert alpha_bar.dtype == torch.float64
    assert (alpha_bar.diff() <= 0).all()
    assert 0 < alpha_bar[-1] < alpha_bar[0] < 1


def test_two_steps_are_a_schedule_too():
    assert Schedule(steps=2).alpha_bar().tolist() == pytest.approx([1 - 1e-4, (1 - 1e-4) * (1 - 2e-2)])


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


@pytest.mark.parametrize(
    "wrong",
    [
        {"steps": 1},
        {"beta_start": 0.0},
        {"beta_start": 0.5, "beta_end": 0.1},
        {"beta_end": 1.0},
        {"kind": "rescaled", "steps": 20},
    ],
)
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(HdbenchError, match=r"schedule\."):
        Schedule(**wrong)
