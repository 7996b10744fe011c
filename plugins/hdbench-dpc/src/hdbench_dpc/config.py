"""The settings of DPC. Defaults are the authors' (train_gen.py at b037c5f); ``PRESETS`` says where others depart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from hdbench.config import check
from hdbench.external.baseline import Ways


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkConfig:
    """Widths. ``latent`` is the size of a shape's code; ``pointnet`` are the four convolutions of the encoder of clouds and
    ``heads`` the two hidden layers of each of its heads; the flow has ``flow_depth`` couplings of ``flow_hidden`` (0 couplings:
    the Gaussian model); ``pointwise`` are the hidden layers of the network that denoises points."""

    latent: int = 256
    pointnet: tuple[int, ...] = (128, 128, 256, 512)
    heads: tuple[int, ...] = (256, 128)
    flow_depth: int = 14
    flow_hidden: int = 256
    pointwise: tuple[int, ...] = (128, 256, 512, 256, 128)

    def __post_init__(self) -> None:
        check(self.latent >= 2 and self.latent % 2 == 0, "network.latent", "even and at least 2", self.latent)
        check(len(self.pointnet) == 4 and min(self.pointnet) >= 1, "network.pointnet", "four widths", self.pointnet)
        check(len(self.heads) == 2 and min(self.heads) >= 1, "network.heads", "two widths", self.heads)
        check(self.flow_depth >= 0, "network.flow_depth", "0 or more", self.flow_depth)
        check(self.flow_hidden >= 1, "network.flow_hidden", "at least 1", self.flow_hidden)
        check(len(self.pointwise) >= 1 and min(self.pointwise) >= 1, "network.pointwise", "one or more widths", self.pointwise)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingConfig:
    """``steps`` of Adam on batches of ``batch`` clouds. The learning rate is ``lr`` until the share ``decay_from`` of them, then
    falls in a line to ``end_lr`` at the share ``decay_to``. ``kl_weight`` times the divergence of codes from the prior is added
    to the error of points; ``clip`` bounds the norm of the gradient.

    Ours, for a CPU: each step looks at ``points`` of a cloud (0: at all), in ``times`` equal groups with a noise level each. The
    expected gradient of the points' error is the same, its variance lower. ``seconds`` between checkpoints.
    """

    steps: int = 400_000
    batch: int = 128
    lr: float = 2e-3
    end_lr: float = 1e-4
    decay_from: float = 0.5
    decay_to: float = 1.0
    kl_weight: float = 0.001
    clip: float = 10.0
    points: int = 0
    times: int = 1
    checkpoint_seconds: float = 60.0

    def __post_init__(self) -> None:
        check(self.steps >= 1, "training.steps", "at least 1", self.steps)
        check(self.batch >= 2, "training.batch", "at least 2 (the encoder normalises over it)", self.batch)
        check(0 < self.end_lr <= self.lr < 1, "training.end_lr", f"in (0, training.lr = {self.lr}] and below 1", self.end_lr)
        check(0 <= self.decay_from < self.decay_to, "training.decay_to", f"above decay_from = {self.decay_from}", self.decay_to)
        check(self.kl_weight >= 0, "training.kl_weight", "0 or more", self.kl_weight)
        check(self.clip > 0, "training.clip", "above 0", self.clip)
        check(self.points >= 0, "training.points", "0 or more", self.points)
        check(self.times >= 1 and self.points % self.times == 0, "training.times", "a divisor of training.points", self.times)
        check(self.checkpoint_seconds >= 0, "training.checkpoint_seconds", "0 or more", self.checkpoint_seconds)

    def rate(self, step: int) -> float:
        """The learning rate of ``step`` (from 0): constant, a straight line, constant."""
        share = (step / self.steps - self.decay_from) / (self.decay_to - self.decay_from)
        return self.lr + (self.end_lr - self.lr) * min(1.0, max(0.0, share))


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingConfig:
    """``kind``: ``ancestral`` takes every step of the schedule (the authors); ``ddim`` takes ``steps`` of them, without fresh
    noise (another sampler, so another row). ``flexibility`` of the ancestral noise, from the posterior's deviation (0) to
    sqrt(beta) (1); none: the checkpoint's own, and 0 for what is trained here. ``points`` of a cloud; 0: as many as the training
    clouds have."""

    kind: Literal["ancestral", "ddim"] = "ancestral"
    steps: int = 20
    flexibility: float | None = None
    points: int = 0

    def __post_init__(self) -> None:
        check(1 <= self.steps <= 100, "sampling.steps", "in 1..100", self.steps)
        check(self.flexibility is None or 0 <= self.flexibility <= 1, "sampling.flexibility", "in [0, 1]", self.flexibility)
        check(self.points >= 0, "sampling.points", "0 or more", self.points)


@dataclass(frozen=True, slots=True, kw_only=True)
class DPCConfig(Ways):
    """With a ``checkpoint`` of the authors' training, such as GEN_airplane.pt, ``network`` and ``training`` are not looked at."""

    network: NetworkConfig = field(default_factory=NetworkConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    sampling: SamplingConfig = field(default_factory=SamplingConfig)


PRESETS: Mapping[str, Mapping[str, Any]] = {
    "tiny": {
        "network": {
            "latent": 64, "pointnet": (32, 32, 64, 128), "heads": (64, 64), "flow_depth": 8, "flow_hidden": 128,
            "pointwise": (64, 128, 256, 128, 64),
        },
        "training": {
            "steps": 4000, "batch": 8, "end_lr": 2e-5, "decay_from": 0.4, "points": 256, "times": 32, "checkpoint_seconds": 20.0,
        },
    },
    "small": {
        "training": {
            "steps": 20_000, "batch": 64, "end_lr": 2e-5, "decay_from": 0.4, "points": 1024, "times": 8,
        },
    },
    "paper": {},
}  # fmt: skip
