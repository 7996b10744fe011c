"""Which steps of a discrete schedule a sampler stops at, and what of signal and noise is left there."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from math import inf, log
from typing import Literal

import torch

from hdbench.errors import HdbenchError
from hdbench.schedule import Schedule

Spacing = Literal["logsnr", "karras", "uniform"]

RHO = 7.0  # Karras et al. 2022, equation 5
HIGHEST_SIGMA = 80.0  # of the second stop: above it weights of unit size are lost in the noise; Karras et al. 2022, table 1


def refuse_too_many(total: int, count: int) -> None:
    """HdbenchError when a schedule of ``total`` steps has no ``count`` different ones."""
    if count > total:
        raise HdbenchError(
            f"The sampler asks for {count} steps of a schedule of {total}. Set sampler.steps to at most {total}, "
            f"or schedule.steps to at least {count}."
        )


def uniform_steps(total: int, count: int) -> list[int]:
    """``count`` of ``total`` steps, evenly spread from the noisiest (total - 1) down to 0."""
    refuse_too_many(total, count)
    return torch.linspace(total - 1, 0, count, dtype=torch.float64).round().long().tolist()


def spaced_steps(schedule: Schedule, count: int, spacing: Spacing) -> list[int]:
    """``count`` different steps from the last (the noisiest) down to 0, as evenly spread as the schedule allows.

    ``logsnr``: evenly in log(signal / noise). ``karras``: evenly in sigma^(1/7), sigma = noise / signal. ``uniform``: evenly in
    the step. Where the schedule is too coarse for that, near 0, the steps are the next free ones.
    """
    refuse_too_many(schedule.steps, count)
    if spacing == "uniform":
        return uniform_steps(schedule.steps, count)
    scale = _warped_sigmas(schedule, spacing)  # increasing with the step
    wanted = torch.linspace(float(scale[0]), float(scale[-1]), count, dtype=torch.float64)
    after = torch.searchsorted(scale, wanted).clamp(1, schedule.steps - 1)
    nearest = torch.where(wanted - scale[after - 1] <= scale[after] - wanted, after - 1, after).tolist()
    return _distinct([*nearest[:-1], schedule.steps - 1], schedule.steps)[::-1]


def _warped_sigmas(schedule: Schedule, spacing: Spacing) -> torch.Tensor:
    """A growing function of the step [steps] float64 in which stops are evenly spaced."""
    alpha_bar = schedule.alpha_bar()
    sigma = ((1 - alpha_bar) / alpha_bar).sqrt().clamp(max=HIGHEST_SIGMA)
    return sigma.log() if spacing == "logsnr" else sigma ** (1 / RHO)


def _distinct(steps: Sequence[int], total: int) -> list[int]:
    """The nearest growing sequence of different steps below ``total``; both ends stay."""
    up = list(accumulate(steps, lambda last, step: max(step, last + 1)))
    room = [total - len(up) + k for k in range(len(up))]  # the highest that leaves room for the rest
    return [min(step, highest) for step, highest in zip(up, room)]


def log_snr_step(now: float, after: float) -> float:
    """h = lambda' - lambda between two shares of signal variance, lambda = log(alpha / sigma); infinite from pure noise.

    Source: Lu et al. 2022, section 2.
    """
    if now == after:
        return 0.0
    return 0.5 * (log(after / (1 - after)) - log(now / (1 - now))) if now else inf
