"""The training loop of every weight denoiser: AdamW on the mean squared error of what the schedule asks for.

Whatever is random in step s (which fields, how much noise, the noise itself) is a function of (seed, s). A checkpoint
therefore holds parameters, moments, their running average and the step, and a run that was killed ends in the same
bits as one that never was.
Source: HyperDiffusion section 3.2 and Rgtemze/HyperDiffusion at fd2c581; running average after Ho et al. 2020.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from hdbench.config import check
from hdbench.errors import HdbenchError
from hdbench.interfaces import Session
from hdbench.schedule import Schedule
from hdbench.seeds import torch_generator
from hdbench.surface import surface_loss

More = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]  # (noised, when, predicted, target) -> a loss, []

LOWEST_LINEAR = 0.02  # of the learning rate, at the end of a linear decay
LOOK_EVERY = 50  # steps between looks at the loss (a look makes a GPU wait)


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """How a denoiser is trained. It ends at whichever of ``steps`` and ``epochs`` comes first; 0 sets no limit.

    ``warmup`` steps raise the learning rate from zero. ``decay`` lowers it: ``linear`` over the second half,
    ``staircase`` by ``decay_factor`` every ``decay_epochs``, ``none`` not at all. ``clip`` bounds the norm of the
    gradient (0: off), ``ema`` is the decay of the running average of the parameters, which becomes the network (0: off).
    ``weight_noise`` is the standard deviation of noise on the clean weights, new in every step and in units of the diffused
    space: an augmentation, as if every shape had been fitted many times (0: off). ``surface`` times the error of the predicted
    fields near the true surfaces (``hdbench.surface``) is added to that of the weights (0: off). ``precision`` is the network's:
    parameters, moments and losses are float32 always. ``bfloat16-compiled`` also makes one graph of the network
    (``torch.compile``, about a minute before the first step), which pays on a GPU.
    """

    steps: int = 750
    epochs: int = 0
    batch: int = 64
    lr: float = 1e-3
    warmup: int = 50
    decay: Literal["none", "linear", "staircase"] = "linear"
    decay_epochs: int = 200
    decay_factor: float = 0.9
    weight_decay: float = 0.01
    betas: tuple[float, ...] = (0.9, 0.99)
    clip: float = 1.0
    ema: float = 0.995
    weight_noise: float = 0.0
    surface: float = 0.0
    precision: Literal["float32", "bfloat16", "bfloat16-compiled"] = "float32"
    checkpoint_seconds: float = 20.0

    def __post_init__(self) -> None:
        check(self.steps >= 0 and self.epochs >= 0, "training.steps", "0 or more, like training.epochs", self.steps)
        check(self.steps + self.epochs > 0, "training.steps", "above 0 when training.epochs is 0", self.steps)
        check(self.batch >= 1, "training.batch", "at least 1", self.batch)
        check(0 < self.lr < 10, "training.lr", "in (0, 10)", self.lr)
        check(self.warmup >= 0, "training.warmup", "0 or more", self.warmup)
        check(self.decay_epochs >= 1, "training.decay_epochs", "at least 1", self.decay_epochs)
        check(0 < self.decay_factor <= 1, "training.decay_factor", "in (0, 1]", self.decay_factor)
        check(self.weight_decay >= 0, "training.weight_decay", "0 or more", self.weight_decay)
        check(len(self.betas) == 2 and all(0 <= b < 1 for b in self.betas), "training.betas", "two numbers in [0, 1)", self.betas)
        check(self.clip >= 0, "training.clip", "0 or more", self.clip)
        check(0 <= self.ema < 1, "training.ema", "in [0, 1)", self.ema)
        check(self.weight_noise >= 0, "training.weight_noise", "0 or more", self.weight_noise)
        check(self.surface >= 0, "training.surface", "0 or more", self.surface)
        check(self.checkpoint_seconds >= 0, "training.checkpoint_seconds", "0 or more", self.checkpoint_seconds)

    def total(self, count: int) -> int:
        """Steps of a training on ``count`` fields."""
        by_epochs = self.epochs * self.per_epoch(count)
        return min(limit for limit in (self.steps, by_epochs) if limit > 0)

    def per_epoch(self, count: int) -> int:
        """Steps that pass once over ``count`` fields."""
        return math.ceil(count / self.batch)

    def rate(self, step: int, count: int) -> float:
        """The learning rate of ``step`` (from 0) in a training on ``count`` fields."""
        warm = min(1.0, (step + 1) / self.warmup) if self.warmup else 1.0
        return self.lr * warm * self._decayed(step, count)

    def _decayed(self, step: int, count: int) -> float:
        if self.decay == "staircase":
            return self.decay_factor ** (step // (self.decay_epochs * self.per_epoch(count)))
        if self.decay == "linear":
            return min(1.0, max(LOWEST_LINEAR, 2 * (1 - step / self.total(count))))
        return 1.0


def train(network: nn.Module, weights: Tensor, schedule: Schedule, training: Training, session: Session) -> dict[str, Tensor]:
    """Train ``network`` in place on ``weights`` [n, k]; returns the curves ``loss`` and ``lr``, each [steps] float32.

    ``network(noised [b, k], step [b]) -> [b, k]``. Goes on from ``session.load()``. Raises HdbenchError when there is
    nothing to train on, or when the loss is no longer a finite number.
    """
    if len(weights) == 0:
        raise HdbenchError("There are no fields to train on: none passed the encoder's gate. Fit longer, or lower the gate.")
    data = weights.to(session.device, torch.float32)

    def lesson(step: int) -> Lesson:
        noised = _noised(data, schedule, training.batch, session.seed, step, training.weight_noise)
        near = surface_loss(schedule, session, training.surface, step) if training.surface else None
        return Lesson(*noised, schedule.importance(noised[1]), near)

    return optimise(network, lesson, len(data), training, session)


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """What one step learns from: ``noised`` [b, ...] at the times ``when`` [b], and the ``target`` [b, ...] of the network's
    answer. ``importance`` [b] weighs the rows' errors, ``more`` adds another loss."""

    noised: Tensor
    when: Tensor
    target: Tensor
    importance: Tensor | None = None
    more: More | None = None


def optimise(
    network: nn.Module, lesson: Callable[[int], Lesson], count: int, training: Training, session: Session
) -> dict[str, Tensor]:
    """Train ``network(noised, when)`` in place on one lesson per step; returns the curves ``loss`` and ``lr``, each [steps].

    ``lesson(step)`` is on the session's device and a function of the step and the session's seed; ``count`` is how many items
    are an epoch. Goes on from ``session.load()``. Raises HdbenchError when the loss is no longer a finite number.
    """
    torch.set_flush_denormal(True)  # moments of weights that no longer change turn denormal, which halves the speed
    total = training.total(count)
    state = _State.begin(network.to(session.device).train(), training, total)
    state.restore(session.load())
    saved_at = time.monotonic()
    for step in range(state.step, total):
        given = lesson(step)
        state.advance(given.noised, given.when, given.target, training.rate(step, count), given.importance, given.more)
        if time.monotonic() - saved_at >= training.checkpoint_seconds and state.step < total:
            state.stop_if_broken()
            session.save(state.tensors())
            saved_at = time.monotonic()
        session.progress(state.step, total)
    state.stop_if_broken()
    state.finish()
    rates = torch.tensor([training.rate(step, count) for step in range(total)])
    return {"loss": state.loss.cpu(), "lr": rates}


def batch_of(seed: int, step: int, batch: int, count: int) -> Tensor:
    """Which fields step ``step`` sees, [batch] int64: the next stretch of an endless row of shuffles of all fields."""
    first, last = step * batch, (step + 1) * batch
    rows = range(first // count, (last - 1) // count + 1)
    shuffles = [torch.randperm(count, generator=torch_generator(seed, "epoch", row)) for row in rows]
    start = first - rows[0] * count
    return torch.cat(shuffles)[start : start + batch]


def _noised(
    data: Tensor, schedule: Schedule, batch: int, seed: int, step: int, weight_noise: float = 0.0
) -> tuple[Tensor, Tensor, Tensor]:
    """(noised [b, k], time [b], target [b, k]) of one training step, a function of (seed, step)."""
    generator = torch_generator(seed, "train", step)
    when = torch.randint(schedule.steps, (batch,), generator=generator)
    noise = torch.randn((batch, data.shape[1]), generator=generator)
    index = batch_of(seed, step, batch, len(data))
    index, when, noise = (t.to(data.device, non_blocking=True) for t in (index, when, noise))
    clean = data[index]
    if weight_noise:
        jitter = torch.randn(clean.shape, generator=torch_generator(seed, "weight noise", step))
        clean = clean + weight_noise * jitter.to(data.device, non_blocking=True)
    signal, sigma = schedule.levels(when, clean)
    return signal * clean + sigma * noise, when, schedule.target(clean, noise, when)


def _loss(predicted: Tensor, target: Tensor, importance: Tensor | None) -> Tensor:
    """Mean squared error of [b, ...], each row weighed by its ``importance`` [b]."""
    if importance is None:
        return nn.functional.mse_loss(predicted, target)
    return ((predicted - target).square().flatten(1).mean(1) * importance).mean()


@dataclass(slots=True)
class _State:
    """Everything that changes while a network is trained."""

    network: nn.Module
    training: Training
    parameters: dict[str, nn.Parameter]
    average: dict[str, Tensor]
    optimiser: torch.optim.AdamW
    loss: Tensor  # [steps]
    forward: Callable[[Tensor, Tensor], Tensor]
    step: int = 0

    @classmethod
    def begin(cls, network: nn.Module, training: Training, total: int) -> _State:
        parameters = dict(network.named_parameters())
        device = next(iter(parameters.values())).device
        average = {name: p.detach().clone() for name, p in parameters.items()} if training.ema else {}
        beta1, beta2 = training.betas
        optimiser = torch.optim.AdamW(
            parameters.values(), lr=training.lr, betas=(beta1, beta2), weight_decay=training.weight_decay, fused=True
        )
        forward = torch.compile(network, dynamic=False) if training.precision == "bfloat16-compiled" else network
        return cls(network, training, parameters, average, optimiser, torch.zeros(total, device=device), forward)

    def advance(
        self, noised: Tensor, when: Tensor, target: Tensor, rate: float, importance: Tensor | None = None,
        more: More | None = None,
    ) -> None:  # fmt: skip
        """One step of AdamW at the learning rate ``rate``; ``importance`` [b] weighs the rows' errors, ``more`` is added."""
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        with torch.autocast(noised.device.type, torch.bfloat16, enabled=self.training.precision != "float32"):
            predicted = self.forward(noised, when)
        loss = _loss(predicted.float(), target, importance)
        if more is not None:
            loss = loss + more(noised, when, predicted.float(), target)
        self.optimiser.zero_grad()
        loss.backward()
        if self.training.clip:
            nn.utils.clip_grad_norm_(self.parameters.values(), self.training.clip)
        self.optimiser.step()
        self.loss[self.step] = loss.detach()
        self.step += 1
        self._average()
        if self.step % LOOK_EVERY == 0:
            self.stop_if_broken()

    @torch.no_grad()
    def _average(self) -> None:
        if not self.average:
            return
        decay = min(self.training.ema, self.step / (9 + self.step))  # a young average forgets the initial parameters fast
        torch._foreach_lerp_(list(self.average.values()), list(self.parameters.values()), 1 - decay)

    def stop_if_broken(self) -> None:
        """HdbenchError when the last loss is not finite; no checkpoint is written of such a state."""
        if not torch.isfinite(self.loss[self.step - 1]):
            raise HdbenchError(
                f"The training loss is no longer a finite number (seen at step {self.step}). "
                f"Lower training.lr (now {self.training.lr:g}), or set training.clip."
            )

    def tensors(self) -> dict[str, Tensor]:
        """The state as a flat dict of contiguous tensors on the CPU."""
        flat: dict[str, Tensor] = {"step": torch.tensor(self.step), "loss": self.loss}
        flat |= {f"average.{name}": value for name, value in self.average.items()}
        for name, parameter in self.parameters.items():
            flat[f"parameter.{name}"] = parameter.detach()
            flat |= {f"adam.{name}.{key}": value for key, value in self.optimiser.state[parameter].items()}
        return {name: value.cpu().contiguous() for name, value in flat.items()}

    @torch.no_grad()
    def restore(self, saved: Mapping[str, Tensor] | None) -> None:
        """Take over a checkpoint's state; tensors keep the memory layout that the network gives them."""
        if saved is None:
            return
        self.step = int(saved["step"])
        self.loss.copy_(saved["loss"])
        for name, parameter in self.parameters.items():
            parameter.copy_(saved[f"parameter.{name}"])
            if self.average:
                self.average[name].copy_(saved[f"average.{name}"])
            moments = {key: torch.empty_like(parameter).copy_(saved[f"adam.{name}.{key}"]) for key in ("exp_avg", "exp_avg_sq")}
            count = saved[f"adam.{name}.step"].clone().to(parameter.device)
            self.optimiser.state[parameter] = {"step": count, **moments}

    @torch.no_grad()
    def finish(self) -> None:
        """The running average becomes the network, which is left in evaluation mode and without gradients."""
        for name, value in self.average.items():
            self.parameters[name].copy_(value)
        self.optimiser.zero_grad()
        self.network.eval()
