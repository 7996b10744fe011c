"""Ancestral sampling (Ho, Jain, Abbeel: Denoising Diffusion Probabilistic Models, NeurIPS 2020): every step, with fresh noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from hdbench.interfaces import Denoise, Sampler
from hdbench.schedule import Schedule


@dataclass(frozen=True, slots=True, kw_only=True)
class DDPMConfig:
    """``variance`` of the fresh noise: ``posterior`` is exact for data that is one point, ``beta`` for data N(0, 1)."""

    variance: Literal["posterior", "beta"] = "posterior"


class DDPM(Sampler):
    """The reverse chain, one step of the schedule at a time."""

    name = "ddpm"
    source = "Ho et al. 2020 (arXiv 2006.11239), equations 6 and 7, algorithm 2"
    Config = DDPMConfig

    def sample(self, denoise: Denoise, schedule: Schedule, start: Tensor, noise: Callable[[int], Tensor]) -> Tensor:
        """``start`` [b, p] -> samples [b, p], with ``schedule.steps`` evaluations of the network."""
        alpha_bar = schedule.alpha_bar().tolist()
        sample = start
        for draw, step in enumerate(range(schedule.steps - 1, 0, -1)):
            now, after = alpha_bar[step], alpha_bar[step - 1]
            mean, variance = self._posterior(sample, denoise(sample, step), now, after)
            sample = mean + variance**0.5 * noise(draw)
        return denoise(sample, 0)  # the posterior of the last step is x0 itself, without variance

    def _posterior(self, sample: Tensor, clean: Tensor, now: float, after: float) -> tuple[Tensor, float]:
        """Mean and variance of the previous, less noisy state, given this one and x0."""
        alpha, beta = now / after, 1 - now / after
        mean = after**0.5 * beta / (1 - now) * clean + alpha**0.5 * (1 - after) / (1 - now) * sample  # equation 7
        return mean, beta if self.config.variance == "beta" else beta * (1 - after) / (1 - now)
