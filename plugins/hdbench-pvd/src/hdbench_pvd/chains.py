"""From noise to clouds: the authors' chain of 1000 ancestral steps, and DDIM over some of them.

Source: Ho et al. 2020 (algorithm 2) as in train_generation.py of alexzhou907/PVD at 9747265; Song et al. 2021 (DDIM, eta 0).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor

from hdbench.config import check

STEPS = 1000
WARM = 0.1  # share of the steps in which betas rise
LEAST_VARIANCE = 1e-20

Kind = Literal["linear", "warm0.1"]
KINDS: tuple[Kind, Kind] = ("linear", "warm0.1")
Predict = Callable[[Tensor, int], Tensor]  # (points [b, 3, n], step) -> the noise in them
Noise = Callable[[], Tensor]  # the next draw [b, 3, n]


def betas(kind: Kind, steps: int = STEPS) -> Tensor:
    """[steps] float64: ``linear`` from 1e-4 to 0.02 (chairs, cars), or ``warm0.1`` (airplanes): a tenth from 1e-5 to 0.008,
    which it keeps."""
    if kind == "linear":
        return torch.linspace(1e-4, 0.02, steps, dtype=torch.float64)
    warm = int(steps * WARM)
    rising = torch.linspace(1e-5, 0.008, warm, dtype=torch.float64)
    return torch.cat([rising, torch.full((steps - warm,), 0.008, dtype=torch.float64)])


def noise_of(velocity: Tensor, points: Tensor, step: int, kind: Kind) -> Tensor:
    """The noise in ``points``, of which the ``velocity`` v = sqrt(alpha_bar) noise - sqrt(1 - alpha_bar) x0 is known."""
    kept = float((1 - betas(kind)).cumprod(0)[step])
    return kept**0.5 * velocity + (1 - kept) ** 0.5 * points


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingConfig:
    """``kind``: ``ancestral`` takes all 1000 steps (the authors); ``ddim`` takes ``steps`` of them without fresh noise: another
    sampler, so another row. ``points`` of a cloud (0: as many as training clouds have), ``together`` how many clouds are made at
    a time; tiles are always full, so that a sample does not depend on how many are asked for."""

    kind: Literal["ancestral", "ddim"] = "ancestral"
    steps: int = 50
    points: int = 0
    together: int = 16

    def __post_init__(self) -> None:
        check(1 <= self.steps <= STEPS, "sampling.steps", f"in 1..{STEPS}", self.steps)
        check(self.points >= 0, "sampling.points", "0 or more", self.points)
        check(self.together >= 1, "sampling.together", "at least 1", self.together)


def run(predict: Predict, start: Tensor, noise: Noise, kind: Kind, sampling: SamplingConfig) -> Tensor:
    """Clouds [b, 3, n] from ``start`` ~ N(0, 1)."""
    if sampling.kind == "ddim":
        return ddim(predict, start, betas(kind), sampling.steps)
    return ancestral(predict, start, noise, betas(kind))


def ancestral(predict: Predict, start: Tensor, noise: Noise, betas: Tensor) -> Tensor:
    """Every step, with fresh noise but for the last, and x0 not clipped.

    Coefficients are rounded to single precision where the authors round them. It shows in the last step of airplanes alone,
    where beta is 1e-5 and 1 - alpha_bar loses digits: their clouds come out 0.14 % smaller, and so do these.
    """
    kept = (1 - betas).cumprod(0).float()
    before = torch.cat([kept.new_ones(1), kept[:-1]])
    signal, noised = (1 / kept).sqrt(), (1 / kept - 1).sqrt()
    beta, alpha = betas.float(), (1 - betas).float()
    to_clean = beta * before.sqrt() / (1 - kept)
    to_point = (1 - before) * alpha.sqrt() / (1 - kept)
    variance = beta * (1 - before) / (1 - kept)
    deviation = (0.5 * variance.clamp(min=LEAST_VARIANCE).log()).exp()
    tables = [table.tolist() for table in (signal, noised, to_clean, to_point, deviation)]
    points = start
    for t in range(len(betas) - 1, -1, -1):
        a, b, c, d, sigma = (table[t] for table in tables)
        clean = a * points - b * predict(points, t)
        points = c * clean + d * points
        if t:
            points = points + sigma * noise()
    return points


def ddim(predict: Predict, start: Tensor, betas: Tensor, count: int) -> Tensor:
    """``count`` steps evenly over the schedule, deterministic. The network is told the original steps, and betas are kept."""
    kept = [*(1 - betas).cumprod(0).tolist(), 1.0]
    visited = torch.linspace(len(betas) - 1, 0, count, dtype=torch.float64).round().long().tolist()
    points = start
    for t, s in pairwise([*visited, -1]):  # kept[-1] is 1: no noise is left
        predicted = predict(points, t)
        clean = (points - (1 - kept[t]) ** 0.5 * predicted) / kept[t] ** 0.5
        points = kept[s] ** 0.5 * clean + (1 - kept[s]) ** 0.5 * predicted
    return points
