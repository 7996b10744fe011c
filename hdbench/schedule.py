"""Noise levels of the diffusion: x_t = sqrt(alpha_bar_t) x_0 + sqrt(1 - alpha_bar_t) noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from hdbench.config import check


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A discrete noise schedule and what the network predicts.

    Defaults are HyperDiffusion's: 500 linear steps from 1e-4 to 2e-2, *not* rescaled for 500 steps, so alpha_bar ends at
    0.00635 rather than at zero; the network predicts the clean weights x0.
    Source: paper section 3.2; Rgtemze/HyperDiffusion at fd2c581.
    """

    steps: int = 500
    kind: Literal["linear", "cosine"] = "linear"
    beta_start: float = 1e-4
    beta_end: float = 2e-2
    prediction: Literal["x0", "epsilon", "v"] = "x0"

    def __post_init__(self) -> None:
        check(self.steps >= 2, "schedule.steps", "at least 2", self.steps)
        check(0 < self.beta_start <= self.beta_end < 1, "schedule.beta_start", "in (0, beta_end]", self.beta_start)

    def alpha_bar(self) -> Tensor:
        """Share of signal variance left after each step, [steps] float64, decreasing."""
        if self.kind == "cosine":  # Nichol and Dhariwal 2021, equation 17
            t = torch.arange(1, self.steps + 1, dtype=torch.float64) / self.steps
            f = torch.cos((torch.cat([torch.zeros(1), t]).double() + 0.008) / 1.008 * torch.pi / 2) ** 2
            return (f[1:] / f[0]).clamp(min=1e-5)
        betas = torch.linspace(self.beta_start, self.beta_end, self.steps, dtype=torch.float64)
        return torch.cumprod(1 - betas, dim=0)

    def levels(self, step: Tensor, like: Tensor) -> tuple[Tensor, Tensor]:
        """(sqrt(alpha_bar), sqrt(1 - alpha_bar)) at ``step`` [b], shaped to broadcast against ``like`` [b, ...]."""
        alpha_bar = self.alpha_bar().to(like.device)[step].view(-1, *[1] * (like.dim() - 1))
        return alpha_bar.sqrt().to(like.dtype), (1 - alpha_bar).sqrt().to(like.dtype)

    def target(self, clean: Tensor, noise: Tensor, step: Tensor) -> Tensor:
        """What the network is asked for, given x0 and the noise that was added at ``step``."""
        signal, sigma = self.levels(step, clean)
        return {"x0": clean, "epsilon": noise, "v": signal * noise - sigma * clean}[self.prediction]

    def clean(self, noised: Tensor, predicted: Tensor, step: Tensor) -> Tensor:
        """x0 from the network's output at ``step``."""
        signal, sigma = self.levels(step, noised)
        if self.prediction == "epsilon":
            return (noised - sigma * predicted) / signal
        return signal * noised - sigma * predicted if self.prediction == "v" else predicted
