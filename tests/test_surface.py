"""The loss that knows the surface, on fields whose surface is a plane: logit(w, x) = k (x - w)."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from hdbench.errors import HdbenchError
from hdbench.interfaces import Session
from hdbench.schedule import Schedule
from hdbench.surface import SurfaceLoss, box_points
from hdbench.training import Training, train

STEEP = 40.0


def planes(weights: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
    """Logits [b, q] of half-spaces x > w."""
    return STEEP * (points[None, :, 0] - weights[:, :1])


def loss_of(true: float, guess: float, prediction: str = "x0", step: int = 0, strength: float = 1.0) -> float:
    schedule = Schedule(prediction=prediction)
    when, noise = torch.tensor([step]), torch.tensor([[0.3]], dtype=torch.float64)
    signal, sigma = schedule.levels(when, noise)
    noised = signal * true + sigma * noise
    target = schedule.target(torch.tensor([[true]], dtype=torch.float64), noise, when)
    clean = torch.tensor([[guess]], dtype=torch.float64)
    predicted = schedule.target(clean, (noised - signal * clean) / sigma, when)
    line = torch.linspace(-0.5, 0.5, 4001, dtype=torch.float64)
    points = torch.stack([line, 0 * line, 0 * line], dim=1)
    return SurfaceLoss(planes, schedule, points, strength)(noised, when, predicted, target).item()


def test_a_perfect_prediction_costs_nothing():
    assert loss_of(0.1, 0.1) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("shift", [0.01, -0.01])
def test_a_small_shift_costs_what_the_integral_says(shift):
    """The occupancy s changes by k d s (1 - s); the mean of its square under the weights s (1 - s) is (k d)^2 / 30, for the
    integral of s (1 - s) over all logits is 1, and that of its cube 1/30."""
    expected = (STEEP * shift) ** 2 / 30 * (1 - 1e-4)  # the share of signal at step 0
    assert loss_of(0.0, shift) == pytest.approx(expected, rel=0.03)


def test_far_from_the_surface_nothing_counts():
    """A field that is wrong only where the true one is sure of itself is as good as right."""
    line = torch.linspace(-0.5, 0.5, 4001, dtype=torch.float64)
    points = torch.stack([line, 0 * line, 0 * line], dim=1)

    def field(weights, where):
        bump = torch.where(where[None, :, 0] > 0.4, weights[:, 1:] * 80.0, torch.zeros(1, dtype=torch.float64))
        return STEEP * (where[None, :, 0] - weights[:, :1]) - bump

    loss = SurfaceLoss(field, Schedule(), points, 1.0)
    true, wrong = torch.tensor([[0.0, 0.0]], dtype=torch.float64), torch.tensor([[0.0, 1.0]], dtype=torch.float64)
    assert loss(true, torch.tensor([0]), wrong, true).item() < 1e-6


@pytest.mark.parametrize("prediction", ["x0", "epsilon", "v"])
def test_it_is_the_same_whatever_the_network_predicts(prediction):
    assert loss_of(0.1, 0.13, prediction, step=50) == pytest.approx(loss_of(0.1, 0.13, "x0", step=50), rel=1e-9)


def test_noise_levels_count_by_their_share_of_signal():
    alpha_bar = Schedule().alpha_bar()
    shares = [loss_of(0.0, 0.02, step=step) / loss_of(0.0, 0.02) * alpha_bar[0].item() for step in (100, 400)]
    assert shares == pytest.approx([alpha_bar[100].item(), alpha_bar[400].item()], rel=1e-6)
    assert loss_of(0.0, 0.02, strength=3.0) == pytest.approx(3 * loss_of(0.0, 0.02))


def test_points_of_a_step_are_in_the_box_and_are_its_own():
    points = box_points(0, 3)
    assert points.abs().max() <= 0.5
    assert torch.equal(points, box_points(0, 3))
    assert not torch.equal(points, box_points(0, 4))


class Constant(nn.Module):
    """Predicts one clean vector, whatever it sees."""

    def __init__(self) -> None:
        super().__init__()
        self.guess = nn.Parameter(torch.tensor([0.1, 0.0]))

    def forward(self, noised, step):
        return self.guess.expand(len(noised), -1)


def test_training_with_it_goes_where_most_surfaces_are():
    """One far plane among many: the squared error of weights goes to the mean, that of occupancies stays with the many."""
    fields = torch.tensor([[0.0, 0.0]] * 7 + [[0.4, 0.0]])
    settings = {"steps": 400, "batch": 64, "lr": 0.02, "warmup": 0, "ema": 0.0, "clip": 0.0, "weight_decay": 0.0}
    found = []
    for surface in (0.0, 30.0):
        network = Constant()
        train(network, fields, Schedule(), Training(**settings, surface=surface), Session(seed=0, logits=planes))
        found.append(network.guess[0].item())
    assert found[0] == pytest.approx(0.05, abs=0.01)
    assert found[1] < 0.03


def test_a_run_without_fields_to_evaluate_says_what_to_set():
    with pytest.raises(HdbenchError, match=r"training\.surface.*0"):
        train(Constant(), torch.zeros(2, 2), Schedule(), Training(steps=1, surface=1.0), Session(seed=0))
