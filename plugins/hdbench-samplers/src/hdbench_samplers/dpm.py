"""DPM-Solver++(2M): the second-order multistep solver of Lu et al. 2022, which asks for the clean weights once per step.

Between two noise levels the flow is linear in the noised weights; only the denoiser's answer has to be extrapolated, and the
answer before it is at hand. So every step costs one evaluation, and the error falls with the square of their number.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from math import exp
from typing import Literal

from torch import Tensor

from hdbench.config import check
from hdbench.interfaces import Denoise, Sampler
from hdbench.schedule import Schedule
from hdbench_samplers.spacing import Spacing, log_snr_step, spaced_steps


@dataclass(frozen=True, slots=True, kw_only=True)
class DPMSolverConfig:
    """``steps`` evaluations of the network, the last of which is the sample; ``spacing`` of the noise levels
    (``logsnr``: evenly in the logarithm of signal to noise); ``order`` 1 is DDIM on the same levels."""

    steps: int = 20
    spacing: Spacing = "logsnr"
    order: Literal[1, 2] = 2

    def __post_init__(self) -> None:
        check(self.steps >= 1, "sampler.steps", "at least 1", self.steps)


class DPMSolver(Sampler):
    """Few deterministic steps of second order."""

    name = "dpm-solver++"
    source = "Lu et al. 2022 (arXiv 2211.01095), algorithm 2 (2M, data prediction)"
    Config = DPMSolverConfig

    def sample(self, denoise: Denoise, schedule: Schedule, start: Tensor, noise: Callable[[int], Tensor]) -> Tensor:
        """``start`` [b, p] -> samples [b, p]; HdbenchError when the schedule has fewer steps than are asked for.

        From the last level to zero noise the step is the denoiser's answer itself: there is nothing to extrapolate with.
        """
        alpha_bar = schedule.alpha_bar().tolist()
        steps = spaced_steps(schedule, self.config.steps, self.config.spacing)
        sample, before, width = start, None, 0.0
        for now, after in pairwise(steps):
            clean = denoise(sample, now)
            last, width = width, log_snr_step(alpha_bar[now], alpha_bar[after])
            sample = _move(sample, self._extrapolated(clean, before, last, width), alpha_bar[now], alpha_bar[after], exp(-width))
            before = clean
        return denoise(sample, steps[-1])

    def _extrapolated(self, clean: Tensor, before: Tensor | None, last: float, width: float) -> Tensor:
        """D of algorithm 2: the denoiser's answer, and half a step of its change since the one before, over steps ``last`` and
        ``width`` in log SNR."""
        if before is None or self.config.order == 1 or last == 0:
            return clean
        return clean + (clean - before) * (width / last / 2)


def _move(sample: Tensor, clean: Tensor, now: float, after: float, decay: float) -> Tensor:
    """Along the flow with a constant answer, ``decay`` = exp(-h): sigma'/sigma x - alpha' (exp(-h) - 1) D."""
    return ((1 - after) / (1 - now)) ** 0.5 * sample + after**0.5 * (1 - decay) * clean
