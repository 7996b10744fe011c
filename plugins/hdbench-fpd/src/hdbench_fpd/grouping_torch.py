"""Farthest points and balls for a whole batch by PyTorch, where numba cannot run; it chooses as grouping.py does."""

from __future__ import annotations

import torch
from torch import Tensor

from hdbench_fpd.grouping import LEVELS, Level
from hdbench_fpd.pointnet2 import Groups


def group_batch(clouds: Tensor) -> tuple[Groups, Groups]:
    """The balls of both levels for clouds [n, q, 3] in canonical order, with indices that count through the batch."""
    centroids = clouds.double().mean(1, keepdim=True)
    starts = _first_maximum(_squared(clouds.double() - centroids))
    chosen, first = _balls(clouds, LEVELS[0], starts)
    centres = clouds.gather(1, chosen[..., None].expand(-1, -1, 3))
    _, second = _balls(centres, LEVELS[1], torch.zeros_like(starts))
    return first, second


def _balls(clouds: Tensor, level: Level, starts: Tensor) -> tuple[Tensor, Groups]:
    """The chosen centres [n, s] of each cloud, and the balls around them."""
    chosen = _farthest(clouds, min(level.centres, clouds.shape[1]), starts)
    offsets = torch.arange(len(clouds), device=clouds.device)[:, None] * clouds.shape[1]
    members, sizes = zip(*(_within(cloud, cloud[centres], level) for cloud, centres in zip(clouds, chosen)))
    there = torch.cat([m + o for m, o in zip(members, offsets)])
    return chosen, Groups((chosen + offsets).flatten(), there, torch.cat(sizes))


def _farthest(clouds: Tensor, count: int, starts: Tensor) -> Tensor:
    """``starts`` [n], then always the point that is farthest from all chosen ones, the first of equals: [n, count]."""
    nearest = torch.full(clouds.shape[:2], torch.inf, device=clouds.device)
    chosen = [starts]
    for _ in range(count - 1):
        latest = clouds.gather(1, chosen[-1][:, None, None].expand(-1, 1, 3))
        nearest = torch.minimum(nearest, _squared(clouds - latest))
        chosen.append(_first_maximum(nearest))
    return torch.stack(chosen, dim=1)


def _within(cloud: Tensor, centres: Tensor, level: Level) -> tuple[Tensor, Tensor]:
    """The first ``most`` points of a cloud within the radius of each centre, ball by ball, and the sizes of the balls."""
    inside = _squared(cloud - centres[:, None]) <= torch.tensor(level.radius**2, dtype=cloud.dtype)
    kept = inside & (inside.cumsum(1) <= level.most)
    return kept.nonzero()[:, 1], kept.sum(1)


def _squared(offsets: Tensor) -> Tensor:
    """Squared lengths, added in the order of the axes as the compiled loops do."""
    x, y, z = offsets.unbind(-1)
    return x * x + y * y + z * z


def _first_maximum(values: Tensor) -> Tensor:
    """Index [n] of the first largest value of each row; ``argmax`` may take any of equals."""
    index = torch.arange(values.shape[1], device=values.device).expand_as(values)
    return torch.where(values == values.amax(1, keepdim=True), index, values.shape[1]).amin(1)
