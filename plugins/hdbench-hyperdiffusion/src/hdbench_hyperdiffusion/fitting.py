"""Fitting many MLPs at once: batches, learning-rate schedules, and per-field stopping.

A few networks (a group) go through the same minibatches side by side, in batched products whose operands stay in the L2
cache of one core; a GPU takes many more. The size of a group depends on the settings and the device alone, and the last
group is filled up, because a batched product of one may round differently from a batched product of two: so the
weights of a shape do not depend on its company, bit for bit.
Source: Rgtemze/HyperDiffusion at fd2c581 (batches, loss, plateau schedule); the cosine schedule is ours.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import cos, pi
from typing import Literal

import torch
from torch import Tensor

from hdbench.config import check
from hdbench.interfaces import Progress
from hdbench.seeds import torch_generator
from hdbench.weights import WeightLayout
from hdbench_hyperdiffusion.networks import Backward, Networks
from hdbench_hyperdiffusion.optimisers import Adam, Muon

CACHE_BYTES = 2 * 2**20  # L2 of one core
FEATURE_BYTES = 128 * 2**20  # a group's features are made once for the whole fit up to this size, else per batch
GPU_GROUP = 64

Encode = Callable[[Tensor], Tensor]  # coordinates [..., d] -> features [..., f]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """How one field is fitted.

    ``steps`` of ``batch`` points; ``optimiser`` with learning rate ``rate``. ``decay``: ``cosine`` falls to ``floor`` times
    the rate at the last step; ``plateau`` multiplies it by 0.8 after 10 epochs without a new best loss, down to ``floor``;
    ``none`` keeps it. An epoch is one pass over the points, or ``epoch`` steps. A field stops early after ``patience`` epochs
    without a new best loss, or after an epoch whose IoU on the points it is fitted to was at least ``enough`` (0 and 1 switch
    these off). ``near_weight`` is how much a point near the surface counts in the loss beside a point of the box; the mean is 1.
    """

    steps: int = 600
    batch: int = 512
    optimiser: Literal["adam", "muon"] = "adam"
    rate: float = 4e-3
    beta2: float = 0.99
    decay: Literal["cosine", "plateau", "none"] = "cosine"
    floor: float = 0.02
    epoch: int = 0
    patience: int = 0
    enough: float = 1.0
    near_weight: float = 1.0

    def __post_init__(self) -> None:
        check(self.steps >= 1, "steps", "at least 1", self.steps)
        check(self.batch >= 2, "batch", "at least 2", self.batch)
        check(self.rate > 0, "rate", "above 0", self.rate)
        check(0 <= self.beta2 < 1, "beta2", "in [0, 1)", self.beta2)
        check(0 <= self.floor <= 1, "floor", "in [0, 1]", self.floor)
        check(self.epoch >= 0, "epoch", "at least 0", self.epoch)
        check(self.patience >= 0, "patience", "at least 0", self.patience)
        check(0 < self.enough <= 1, "enough", "in (0, 1]", self.enough)
        check(self.near_weight > 0, "near_weight", "above 0", self.near_weight)

    @property
    def watched(self) -> bool:
        """Whether anything depends on the loss of an epoch."""
        return self.patience > 0 or self.enough < 1 or self.decay == "plateau"


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """Labelled coordinates [n, m, d], [n, m] of n fields, in two parts: near the surface, and uniform in the box."""

    near: Tensor
    near_inside: Tensor
    uniform: Tensor
    uniform_inside: Tensor

    @property
    def parts(self) -> tuple[tuple[Tensor, Tensor], ...]:
        """The parts that hold any points."""
        pairs = ((self.near, self.near_inside), (self.uniform, self.uniform_inside))
        return tuple(pair for pair in pairs if pair[0].shape[1])

    def select(self, index: Tensor) -> Points:
        """The points of some of the fields."""
        return Points(self.near[index], self.near_inside[index], self.uniform[index], self.uniform_inside[index])


def fit(
    initial: Tensor, points: Points, layout: WeightLayout, encode: Encode, plan: Fit, seed: int,
    group: int = 0, progress: Progress = lambda done, total: None,
) -> Tensor:  # fmt: skip
    """Weights [n, p] fitted to ``points`` from the ``initial`` weights [n, p], on the device of ``initial``.

    The minibatches are the same for all fields and are given by ``seed``. ``group`` networks are fitted side by side
    (0: as many as the cache or the GPU likes).
    """
    count, fitted = len(initial), torch.empty_like(initial)
    group = group or group_size(plan.batch, layout, initial.device)
    for first in range(0, count, group):
        index = torch.arange(first, first + group, device=initial.device).clamp(max=count - 1)
        batches = Batches(points.select(index.to(points.near.device)), encode, plan.batch, seed, initial, plan.near_weight)
        weights = _fit_group(Networks(layout, initial[index]), batches, plan)
        fitted[first : first + group] = weights[: count - first]
        progress(min(first + group, count), count)
    return fitted


def group_size(batch: int, layout: WeightLayout, device: torch.device) -> int:
    """How many networks are fitted side by side: on a CPU as many as leave one tile's activations in the L2 cache."""
    if device.type != "cpu":
        return GPU_GROUP
    room = CACHE_BYTES // (_bytes_per_point(layout) * tile_size(batch, layout))
    return 1 << (max(1, room).bit_length() - 1)


def tile_size(batch: int, layout: WeightLayout) -> int:
    """Points per tile: the batch, halved while one network's activations overflow the L2 cache."""
    while batch % 2 == 0 and batch > 512 and batch * _bytes_per_point(layout) > 2 * CACHE_BYTES:
        batch //= 2
    return batch


def _bytes_per_point(layout: WeightLayout) -> int:
    """Features, activations and one gradient of every layer, float32."""
    widths = [shape[1] for shape in layout.shapes[::2]]
    return 4 * (2 * sum(widths) - widths[0])


class Batches:
    """Minibatches of a group: near and uniform points in proportion, the same ones in a new random order every epoch.

    They are laid out once, each contiguous, so that a step reads its features where they lie.
    """

    def __init__(
        self, points: Points, encode: Encode, batch: int, seed: int, like: Tensor, near_weight: float = 1.0
    ) -> None:  # fmt: skip
        total = sum(coordinates.shape[1] for coordinates, _ in points.parts)
        shares = [coordinates.shape[1] * batch // total for coordinates, _ in points.parts]
        shares[-1] = batch - sum(shares[:-1])
        self.epoch = min(coordinates.shape[1] // share for (coordinates, _), share in zip(points.parts, shares))
        cuts = [slice(self.epoch * share) for share in shares]
        self.labels = torch.cat([self._cut(inside[:, cut].to(like)) for (_, inside), cut in zip(points.parts, cuts)], dim=2)
        inputs = torch.cat([self._cut(where[:, cut].to(like)) for (where, _), cut in zip(points.parts, cuts)], dim=2)
        width = encode(inputs[:1, :1, :1]).shape[-1]
        early = self.labels.numel() * width * inputs.element_size() <= FEATURE_BYTES
        self.inputs = torch.stack([encode(x) for x in inputs]) if early else inputs
        self.late = None if early else encode
        self.seed, self.order = seed, [0]
        self.importance = None if near_weight == 1 or len(shares) < 2 else _importance(shares, near_weight, like)

    def _cut(self, values: Tensor) -> Tensor:
        """[g, epoch * share, ...] -> [epoch, g, share, ...]."""
        return values.unflatten(1, (self.epoch, -1)).transpose(0, 1)

    def __call__(self, step: int) -> tuple[Tensor, Tensor]:
        """Features [g, batch, f] and labels [g, batch] of this step; steps come in order."""
        epoch, place = divmod(step, self.epoch)
        if place == 0:
            self.order = torch.randperm(self.epoch, generator=torch_generator(self.seed, "order", epoch)).tolist()
        k = self.order[place]
        return (self.late(self.inputs[k]) if self.late else self.inputs[k]), self.labels[k]


def _importance(shares: list[int], near_weight: float, like: Tensor) -> Tensor:
    """How much each point of a batch counts in the loss, [1, batch], of mean 1."""
    near, uniform = shares
    weights = torch.cat([like.new_full((1, near), near_weight), like.new_ones(1, uniform)], dim=1)
    return weights / weights.mean()


def _fit_group(networks: Networks, batches: Batches, plan: Fit) -> Tensor:
    """The weights [g, p] after training; a network that stops early leaves the weights of its last epoch."""
    tile = tile_size(plan.batch, networks.layout)
    backward = Backward(networks, tile)
    optimiser = (Muon if plan.optimiser == "muon" else Adam)(networks, beta2=plan.beta2)
    watch = Watch(plan, networks) if plan.watched else None
    epoch = plan.epoch or batches.epoch
    whole = batches.importance
    important = [None] * (plan.batch // tile + 1) if whole is None else whole.split(tile, dim=1)
    for step in range(plan.steps):
        features, labels = batches(step)
        backward.gradients.flat.zero_()
        for k, (x, y) in enumerate(zip(features.split(tile, dim=1), labels.split(tile, dim=1))):
            logits = backward.add(x, y, important[k])
            if watch:
                watch.see(logits, y, important[k])
        optimiser.step(backward.gradients, plan.rate * _share(step, plan))
        if watch and (step + 1) % epoch == 0:
            optimiser.set_share(watch.close_epoch(networks))
            if watch.stopped.all():
                break
    return watch.weights(networks) if watch else networks.join()


def _share(step: int, plan: Fit) -> float:
    """The share of the learning rate that all networks have at this step."""
    return plan.floor + (1 - plan.floor) * (1 + cos(pi * step / plan.steps)) / 2 if plan.decay == "cosine" else 1.0


class Watch:
    """Loss and IoU of each network per epoch: who slows down, who stops."""

    PLATEAU_PATIENCE, PLATEAU_FACTOR = 10, 0.8  # epochs, share; Rgtemze/HyperDiffusion at fd2c581

    def __init__(self, plan: Fit, networks: Networks) -> None:
        self.plan, self.share = plan, networks.flat.new_ones(networks.count)
        self.best = torch.full_like(self.share, torch.inf)
        self.waited, self.slow = torch.zeros_like(self.share), torch.zeros_like(self.share)
        self.stopped = torch.zeros_like(self.share, dtype=torch.bool)
        self.kept = networks.join()
        self._open()

    def _open(self) -> None:
        self.loss, self.common, self.either = (torch.zeros_like(self.share) for _ in range(3))

    def see(self, logits: Tensor, labels: Tensor, importance: Tensor | None = None) -> None:
        """Count a tile: logits and labels [g, q]."""
        losses = cross_entropy(logits, labels)
        self.loss += (losses if importance is None else losses * importance).sum(1)
        inside, label = logits > 0, labels > 0.5
        self.common += (inside & label).sum(1)
        self.either += (inside | label).sum(1)

    def close_epoch(self, networks: Networks) -> Tensor:
        """End an epoch; returns each network's share of the learning rate [g], 0 for one that has stopped."""
        better = self.loss < self.best
        self.best = torch.minimum(self.best, self.loss)
        self.waited = torch.where(better, 0, self.waited + 1)
        if self.plan.decay == "plateau":
            self.slow = torch.where(better, 0, self.slow + 1)
            over = self.slow > self.PLATEAU_PATIENCE
            self.share = torch.where(over, self.share * self.PLATEAU_FACTOR, self.share).clamp(min=self.plan.floor)
            self.slow = torch.where(over, 0, self.slow)
        self._stop(networks)
        self._open()
        return torch.where(self.stopped, 0, self.share)

    def _stop(self, networks: Networks) -> None:
        enough = (self.common >= self.plan.enough * self.either) & (self.either > 0) & (self.plan.enough < 1)
        tired = (self.waited >= self.plan.patience) & (self.plan.patience > 0)
        new = (enough | tired) & ~self.stopped
        self.kept = torch.where(new.unsqueeze(1), networks.join(), self.kept)
        self.stopped |= new

    def weights(self, networks: Networks) -> Tensor:
        """The weights [g, p]: as they were when they stopped, or as they are."""
        return torch.where(self.stopped.unsqueeze(1), self.kept, networks.join())


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Binary cross-entropy per point, from logits."""
    return torch.nn.functional.softplus(logits) - labels * logits
