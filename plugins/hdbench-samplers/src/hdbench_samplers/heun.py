"""Heun's method on the probability flow, as Karras et al. 2022 (EDM) sample: an Euler step, and a second look at its end.

In x / alpha and sigma = noise / signal the flow is dx/dsigma = (x - D(x; sigma)) / sigma, whatever the schedule.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from torch import Tensor

from hdbench.config import check
from hdbench.interfaces import Denoise, Sampler
from hdbench.schedule import Schedule
from hdbench_samplers.spacing import Spacing, spaced_steps


@dataclass(frozen=True, slots=True, kw_only=True)
class HeunConfig:
    """``steps`` noise levels that it stops at, which take 2 * steps - 1 evaluations of the network; ``spacing`` of the levels
    (``karras``: evenly in sigma^(1/7))."""

    steps: int = 18
    spacing: Spacing = "karras"

    def __post_init__(self) -> None:
        check(self.steps >= 1, "sampler.steps", "at least 1", self.steps)


class Heun(Sampler):
    """Deterministic steps of second order, two evaluations each."""

    name = "heun"
    source = "Karras et al. 2022 (arXiv 2206.00364), algorithm 1"
    Config = HeunConfig

    def sample(self, denoise: Denoise, schedule: Schedule, start: Tensor, noise: Callable[[int], Tensor]) -> Tensor:
        """``start`` [b, p] -> samples [b, p]; HdbenchError when the schedule has fewer steps than are asked for.

        The last step, to zero noise, is an Euler step: the denoiser's answer.
        """
        alpha_bar = schedule.alpha_bar().tolist()
        steps = spaced_steps(schedule, self.config.steps, self.config.spacing)
        sample = start
        for now, after in pairwise(steps):
            sample = _step(sample, denoise, (now, after), (alpha_bar[now], alpha_bar[after]))
        return denoise(sample, steps[-1])


def _step(sample: Tensor, denoise: Denoise, steps: tuple[int, int], alpha_bar: tuple[float, float]) -> Tensor:
    """From the first of two steps to the second, at these shares of signal."""
    now, after = alpha_bar
    clean = denoise(sample, steps[0])
    slope = _noise_in(sample, clean, now)
    ahead = after**0.5 * clean + (1 - after) ** 0.5 * slope  # Euler: the noise stays as it is
    if not now:  # pure noise has no x / alpha, and no second look
        return ahead
    width = ((1 - after) / after) ** 0.5 - ((1 - now) / now) ** 0.5
    return ahead + after**0.5 * width / 2 * (_noise_in(ahead, denoise(ahead, steps[1]), after) - slope)


def _noise_in(sample: Tensor, clean: Tensor, alpha_bar: float) -> Tensor:
    """The noise that was added to ``clean``: the slope dx/dsigma."""
    return (sample - alpha_bar**0.5 * clean) / (1 - alpha_bar) ** 0.5
