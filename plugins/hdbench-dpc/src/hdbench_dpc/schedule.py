"""DPC's noise levels: 100 steps, beta from 1e-4 to 0.02. They end with 60 % of the signal left, on purpose: do not swap them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

STEPS, FIRST_BETA, LAST_BETA = 100, 1e-4, 0.02


class VarianceSchedule(nn.Module):
    """Buffers [steps + 1] by step t; index 0 is clean data (beta 0), noise lives at 1..steps.

    ``betas``; ``alphas`` = 1 - beta; ``alpha_bars``, their product up to t; ``sigmas_flex`` = sqrt(beta); ``sigmas_inflex``, the
    deviation of the posterior, sqrt(beta_t (1 - alpha_bar_{t-1}) / (1 - alpha_bar_t)) (Ho et al. 2020, equation 7).
    """

    betas: Tensor
    alphas: Tensor
    alpha_bars: Tensor
    sigmas_flex: Tensor
    sigmas_inflex: Tensor

    def __init__(self, steps: int = STEPS, first: float = FIRST_BETA, last: float = LAST_BETA) -> None:
        super().__init__()
        betas = torch.cat([torch.zeros(1), torch.linspace(first, last, steps)])
        alpha_bars = (1 - betas).log().cumsum(0).exp()
        posterior = torch.zeros_like(betas)
        posterior[1:] = (1 - alpha_bars[:-1]) / (1 - alpha_bars[1:]) * betas[1:]
        self.register_buffer("betas", betas)
        self.register_buffer("alphas", 1 - betas)
        self.register_buffer("alpha_bars", alpha_bars)
        self.register_buffer("sigmas_flex", betas.sqrt())
        self.register_buffer("sigmas_inflex", posterior.sqrt())

    @property
    def steps(self) -> int:
        """How many steps of noise there are."""
        return len(self.betas) - 1

    def sigmas(self, flexibility: float) -> Tensor:
        """Deviation of the fresh noise of an ancestral step, [steps + 1]: between the posterior's (0) and sqrt(beta) (1)."""
        return flexibility * self.sigmas_flex + (1 - flexibility) * self.sigmas_inflex
