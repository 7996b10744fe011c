"""The denoiser of normally distributed weights, which is known exactly.

With x0 ~ N(m, s^2) and x_t = a x0 + b noise, the posterior mean is E[x0 | x_t] = m + a s^2 (x_t - a m) / (a^2 s^2 + b^2).
Nothing is learned but the mean and the deviation of the training weights.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from hdbench.errors import HdbenchError
from hdbench.interfaces import Session, WeightDenoiser
from hdbench.schedule import Schedule
from hdbench.weights import WeightLayout


@dataclass(frozen=True, slots=True, kw_only=True)
class GaussianConfig:
    """``steps`` of the schedule; ``floor`` is the smallest deviation, so that constant weights stay constant."""

    steps: int = 1000
    floor: float = 1e-6


class PosteriorMean(nn.Module):
    """E[x0 | x_t] per weight, for x0 ~ N(mean, deviation^2)."""

    mean: Tensor
    deviation: Tensor
    alpha_bar: Tensor

    def __init__(self, size: int, steps: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("deviation", torch.ones(size))
        self.register_buffer("alpha_bar", torch.ones(steps))

    def forward(self, noised: Tensor, step: Tensor) -> Tensor:
        """noised [b, p], step [b] -> clean [b, p]."""
        share = self.alpha_bar[step][:, None]
        gain = share.sqrt() * self.deviation**2 / (share * self.deviation**2 + 1 - share)
        return self.mean + gain * (noised - share.sqrt() * self.mean)


class GaussianDenoiser(WeightDenoiser):
    """Exact for the sphere; a baseline for everything else."""

    name = "gaussian"
    source = "posterior mean of a Gaussian (Bayes' rule)"
    Config = GaussianConfig

    def network(self, layout: WeightLayout) -> nn.Module:
        return PosteriorMean(layout.size, self.config.steps)

    def train(self, network: nn.Module, weights: Tensor, schedule: Schedule, session: Session) -> dict[str, Tensor]:
        if schedule.prediction != "x0" or schedule.steps != self.config.steps:
            raise HdbenchError(
                f"The denoiser 'gaussian' predicts x0 over {self.config.steps} steps. Set schedule.prediction=x0 and "
                f"denoiser.steps={schedule.steps}."
            )
        assert isinstance(network, PosteriorMean)
        network.mean = weights.mean(0)
        network.deviation = weights.std(0).clamp(min=self.config.floor)
        network.alpha_bar = schedule.alpha_bar().float()
        session.progress(1, 1)
        return {"deviation": network.deviation}
