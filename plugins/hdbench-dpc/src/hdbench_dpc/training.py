"""The authors' training: Adam on the weighed bound, the gradient clipped, the learning rate constant and then falling.

Whatever is random in step s (which clouds, which of their points, codes, noise and its levels) is a function of (seed, s). A
checkpoint of parameters, batch statistics, moments and the step therefore ends in the same bits as a run that was never stopped.
It has a loop of its own, not ``hdbench.training``: the loss is not one of (noised, target), and the encoder has batch statistics.
Departures from the authors: clouds come in a new order in every epoch, where theirs is fixed; ``points`` and ``times`` (see
``TrainingConfig``), which their settings leave off.
Source: luost26/diffusion-point-cloud@b037c5f, train_gen.py.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from hdbench.errors import HdbenchError
from hdbench.interfaces import Session
from hdbench.seeds import seed_of, torch_generator
from hdbench.training import batch_of
from hdbench_dpc.config import NetworkConfig, TrainingConfig
from hdbench_dpc.model import Draw, FlowVAE
from hdbench_dpc.schedule import STEPS

LOOK_EVERY = 50  # steps between looks at the loss (a look makes a GPU wait)
ADAM = ("step", "exp_avg", "exp_avg_sq")  # what it knows of each parameter


def train(clouds: Tensor, network: NetworkConfig, training: TrainingConfig, session: Session) -> tuple[FlowVAE, Tensor]:
    """A model trained on clouds [n, q, 3] of unit deviation, and its loss [steps]. Goes on from ``session.load()``."""
    if len(clouds) < 2:
        raise HdbenchError(
            f"DPC's encoder normalises over a batch, so it needs two clouds to train on, but there is {len(clouds)}."
        )
    run = Run(initial(network, session.seed).to(session.device), training)
    run.restore(session.load())
    clouds, saved_at = clouds.to(session.device, torch.float32), time.monotonic()
    for step in range(run.step, training.steps):
        run.advance(*batch(clouds, training, network.latent, session.seed, step))
        if time.monotonic() - saved_at >= training.checkpoint_seconds and run.step < training.steps:
            run.stop_if_broken()
            session.save(run.tensors())
            saved_at = time.monotonic()
        session.progress(run.step, training.steps)
    run.stop_if_broken()
    return run.model.eval().cpu(), run.loss.cpu()


def initial(network: NetworkConfig, seed: int) -> FlowVAE:
    """An untrained model, PyTorch's own initialisation under ``seed``."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(seed, "initial"))
        return FlowVAE(network)


def batch(clouds: Tensor, training: TrainingConfig, latent: int, seed: int, step: int) -> tuple[Tensor, Draw]:
    """The clouds [b, n, 3] of a step and what is random in it, on the device of ``clouds`` [all, q, 3]."""
    generator, device = torch_generator(seed, "train", step), clouds.device
    size, seen = min(training.batch, len(clouds)), _seen(clouds.shape[1], training)
    index = batch_of(seed, step, size, len(clouds))
    points = torch.randperm(clouds.shape[1], generator=generator)[:seen]
    code = torch.randn((size, latent), generator=generator)
    noise = torch.randn((size, seen, 3), generator=generator)
    when = torch.randint(1, STEPS + 1, (size, training.times), generator=generator)
    index, points, code, noise, when = (x.to(device, non_blocking=True) for x in (index, points, code, noise, when))
    return clouds[index[:, None], points], Draw(code, noise, when)


def _seen(points: int, training: TrainingConfig) -> int:
    """How many points of a cloud a step looks at; HdbenchError when they do not split into the groups."""
    seen = min(training.points or points, points)
    if seen % training.times:
        raise HdbenchError(f"{seen} points do not split into training.times={training.times} groups. Change training.points.")
    return seen


class Run:
    """Everything that changes while a model is trained."""

    def __init__(self, model: FlowVAE, training: TrainingConfig) -> None:
        self.model, self.training, self.step = model.train(), training, 0
        self.parameters = dict(model.named_parameters())
        device = next(iter(self.parameters.values())).device
        self.optimiser = torch.optim.Adam(self.parameters.values(), lr=training.lr, fused=True)
        self.loss = torch.zeros(training.steps, device=device)

    def advance(self, clouds: Tensor, draw: Draw) -> None:
        """One step of Adam."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.training.rate(self.step)
        loss = self.model.loss(clouds, draw, self.training.kl_weight)
        self.optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.parameters.values(), self.training.clip)
        self.optimiser.step()
        self.loss[self.step] = loss.detach()
        self.step += 1
        if self.step % LOOK_EVERY == 0:
            self.stop_if_broken()

    def stop_if_broken(self) -> None:
        """HdbenchError when the last loss is not finite; no checkpoint is written of such a state."""
        if not torch.isfinite(self.loss[self.step - 1]):
            raise HdbenchError(
                f"DPC's training loss is no longer a finite number (seen at step {self.step}). "
                f"Lower training.lr (now {self.training.lr:g}) or training.clip."
            )

    def tensors(self) -> dict[str, Tensor]:
        """The state as a flat dict of tensors on the CPU."""
        flat = {"step": torch.tensor(self.step), "loss": self.loss}
        flat |= {f"model.{name}": value for name, value in self.model.state_dict().items()}
        for name, parameter in self.parameters.items():
            flat |= {f"adam.{name}.{key}": value for key, value in self.optimiser.state[parameter].items()}
        return {name: value.detach().cpu().contiguous() for name, value in flat.items()}

    def restore(self, saved: Mapping[str, Tensor] | None) -> None:
        """Take over a checkpoint's state."""
        if saved is None:
            return
        self.step = int(saved["step"])
        self.loss.copy_(saved["loss"])
        self.model.load_state_dict({name: saved[f"model.{name}"] for name in self.model.state_dict()})
        for name, parameter in self.parameters.items():
            kept = {key: saved[f"adam.{name}.{key}"].clone().to(parameter.device) for key in ADAM}
            self.optimiser.state[parameter] = kept
