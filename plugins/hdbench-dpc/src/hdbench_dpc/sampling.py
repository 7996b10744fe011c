"""Codes from the flow, clouds from noise: the authors' ancestral sampler, and DDIM over some of its steps.

On a CPU one cloud is made at a time, a few hundred points together, so that what is computed stays in the core's cache; on a GPU
as many clouds as keep it busy, the last tile filled up. Tiles have one size, so a sample has the same bits in any company.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import torch
from torch import Tensor

from hdbench.errors import HdbenchError
from hdbench.seeds import torch_generator
from hdbench_dpc.config import SamplingConfig
from hdbench_dpc.model import FlowVAE
from hdbench_dpc.pointwise import GatedNet
from hdbench_dpc.schedule import VarianceSchedule

CLOUDS = {"cpu": 1, "cuda": 32}  # made together
POINTS = {"cpu": 512, "cuda": 65_536}  # of a cloud, in one product of matrices

Noise = Callable[[], Tensor]  # the next draw [b, n, 3]
Step = Callable[[Tensor, Tensor], Tensor]  # (points at this step, their noise) -> points at the next


@torch.inference_mode()
def clouds(model: FlowVAE, sampling: SamplingConfig, points: int, seed: int, first: int, count: int) -> Tensor:
    """Samples ``first`` to ``first + count`` [count, n, 3] on the CPU, in the units of the training (unit deviation).

    ``count`` is at most that of a tile. Sample j draws from its own generator: w, the last level's points, then fresh noise.
    """
    device = next(model.parameters()).device
    tile = CLOUDS[device.type]
    generators = [torch_generator(seed, "sample", j) for j in range(first, first + tile)]

    def normal(*shape: int) -> Tensor:
        return torch.stack([torch.randn(shape, generator=g) for g in generators]).to(device, non_blocking=True)

    codes = model.flow.inverse(normal(model.latent))
    start = normal(points, 3)
    return chain(model, codes, start, lambda: normal(points, 3), sampling)[:count].cpu()


def chain(model: FlowVAE, codes: Tensor, start: Tensor, noise: Noise, sampling: SamplingConfig) -> Tensor:
    """Clouds [b, n, 3] of ``codes`` [b, latent], from points ``start`` [b, n, 3] at the last level."""
    schedule = model.diffusion.var_sched
    net = model.diffusion.net.for_codes(codes, schedule.betas)
    steps = ddim(schedule, sampling.steps) if sampling.kind == "ddim" else ancestral(schedule, sampling.flexibility or 0.0, noise)
    points = start
    for level, step in steps:
        points = step(points, _in_slices(net, points, level))
    return points


def ancestral(schedule: VarianceSchedule, flexibility: float, noise: Noise) -> Iterator[tuple[int, Step]]:
    """(level, the step from it to the one below), from the last to 1, which adds none. Source: Ho et al. 2020, algorithm 2."""
    alphas, kept = schedule.alphas.tolist(), schedule.alpha_bars.tolist()
    sigmas = schedule.sigmas(flexibility).tolist()
    for t in range(schedule.steps, 0, -1):
        scale, share = alphas[t] ** -0.5, (1 - alphas[t]) / (1 - kept[t]) ** 0.5

        def step(points: Tensor, predicted: Tensor, t: int = t, scale: float = scale, share: float = share) -> Tensor:
            below = torch.add(points, predicted, alpha=-share).mul_(scale)
            return below.add_(noise(), alpha=sigmas[t]) if t > 1 else below

        yield t, step


def ddim(schedule: VarianceSchedule, count: int) -> Iterator[tuple[int, Step]]:
    """(level, the step from it to the next one visited), without fresh noise. Source: Song et al. 2021, equation 12, eta 0.

    The levels keep their numbers and betas: the network was taught those.
    """
    kept = schedule.alpha_bars.tolist()
    levels = [*visited(schedule.steps, count), 0]
    for t, s in pairwise(levels):
        scale = (kept[s] / kept[t]) ** 0.5
        share = (1 - kept[s]) ** 0.5 - scale * (1 - kept[t]) ** 0.5

        def step(points: Tensor, predicted: Tensor, scale: float = scale, share: float = share) -> Tensor:
            return torch.add(points * scale, predicted, alpha=share)

        yield t, step


def visited(steps: int, count: int) -> list[int]:
    """``count`` levels from ``steps`` down to 1, evenly spaced. HdbenchError when there are not as many."""
    if count > steps:
        raise HdbenchError(f"DDIM with sampling.steps={count} has no {count} levels to visit: the schedule has {steps}.")
    return [round(level) for level in torch.linspace(steps, 1, count, dtype=torch.float64).tolist()]


def _in_slices(net: GatedNet, points: Tensor, level: int) -> Tensor:
    """The predicted noise, some points at a time."""
    maps, size = net.at(level), POINTS[points.device.type]
    parts: Sequence[Tensor] = [net(part, maps) for part in points.split(size, 1)]
    return torch.cat(list(parts), 1) if len(parts) > 1 else parts[0]
