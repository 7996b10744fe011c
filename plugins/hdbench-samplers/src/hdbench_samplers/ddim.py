"""DDIM (Song, Meng, Ermon: Denoising Diffusion Implicit Models, ICLR 2021).

With ``eta`` 0 the samples are a deterministic function of the start; HyperDiffusion takes all 500 steps of its schedule.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

from torch import Tensor

from hdbench.config import check
from hdbench.interfaces import Denoise, Sampler
from hdbench.schedule import Schedule
from hdbench_samplers.spacing import uniform_steps


@dataclass(frozen=True, slots=True, kw_only=True)
class DDIMConfig:
    """``steps`` evaluations of the network, evenly spread over the schedule; ``eta`` is the share of fresh noise:
    0 none, 1 that of ancestral sampling."""

    steps: int = 50
    eta: float = 0.0

    def __post_init__(self) -> None:
        check(self.steps >= 1, "sampler.steps", "at least 1", self.steps)
        check(0 <= self.eta <= 1, "sampler.eta", "in [0, 1]", self.eta)


class DDIM(Sampler):
    """Down the schedule in a few, by default deterministic, steps."""

    name = "ddim"
    source = "Song et al. 2021 (arXiv 2010.02502), equations 12 and 16"
    Config = DDIMConfig

    def sample(self, denoise: Denoise, schedule: Schedule, start: Tensor, noise: Callable[[int], Tensor]) -> Tensor:
        """``start`` [b, p] -> samples [b, p]; HdbenchError when the schedule has fewer steps than are asked for."""
        alpha_bar = schedule.alpha_bar().tolist()
        steps = uniform_steps(schedule.steps, self.config.steps)
        sample = start
        for draw, (now, after) in enumerate(pairwise(steps)):
            clean = denoise(sample, now)
            sample = self._step(sample, clean, alpha_bar[now], alpha_bar[after], partial(noise, draw))
        return denoise(sample, steps[-1])

    def _step(self, sample: Tensor, clean: Tensor, now: float, after: float, noise: Callable[[], Tensor]) -> Tensor:
        """From share of signal ``now`` to ``after``."""
        epsilon = (sample - now**0.5 * clean) / (1 - now) ** 0.5
        sigma = self.config.eta * ((1 - after) / (1 - now) * (1 - now / after)) ** 0.5  # equation 16
        moved = after**0.5 * clean + max(0.0, 1 - after - sigma**2) ** 0.5 * epsilon  # equation 12
        return moved + sigma * noise() if sigma else moved
