"""Training that survives a kill: phases one after the other, each of so many steps, in one checkpoint."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from hdbench.errors import HdbenchError
from hdbench.interfaces import Session

Tensors = dict[str, Tensor]


@dataclass(slots=True)
class Journal:
    """Where a training stands. A checkpoint holds the phase, the step in it, and the tensors of that phase."""

    session: Session
    lengths: tuple[int, ...]  # steps of the phases
    seconds: float  # between checkpoints
    _saved_at: float = field(default_factory=time.monotonic)

    def resume(self, phase: int) -> tuple[int, Mapping[str, Tensor]]:
        """The step at which this phase goes on, and its tensors; (0, nothing) for a phase that was not begun."""
        saved = self.session.load()
        if saved is None or int(saved["phase"]) < phase:
            return 0, {}
        return (int(saved["step"]), saved) if int(saved["phase"]) == phase else (self.lengths[phase], {})

    def advance(self, phase: int, step: int, tensors: Callable[[], Tensors]) -> None:
        """Step ``step`` (from 1) of this phase is done: report, and save once in a while."""
        self.session.progress(sum(self.lengths[:phase]) + step, sum(self.lengths))
        if time.monotonic() - self._saved_at >= self.seconds and step < self.lengths[phase]:
            flat = {name: value.detach().cpu().contiguous() for name, value in tensors().items()}
            self.session.save({"phase": torch.tensor(phase), "step": torch.tensor(step), **flat})
            self._saved_at = time.monotonic()


@dataclass(frozen=True, slots=True)
class Learner:
    """Parameters and their optimiser under a name; what both have learned as tensors, and back."""

    name: str
    parameters: dict[str, nn.Parameter]
    optimiser: torch.optim.Optimizer

    def step(self, loss: Tensor) -> None:
        """One step down the gradient of the loss with respect to these parameters alone."""
        gradients = torch.autograd.grad(loss, list(self.parameters.values()), allow_unused=True)
        for parameter, gradient in zip(self.parameters.values(), gradients):
            parameter.grad = gradient
        self.optimiser.step()

    def tensors(self) -> Tensors:
        """Parameters, and the optimiser's moments of those that have any."""
        flat: Tensors = {}
        for name, parameter in self.parameters.items():
            flat[f"{self.name}.{name}"] = parameter
            flat |= {f"{self.name}.{name}:{key}": value for key, value in self.optimiser.state[parameter].items()}
        return flat

    @torch.no_grad()
    def restore(self, saved: Mapping[str, Tensor]) -> None:
        """Take over what ``tensors`` gave."""
        for name, parameter in self.parameters.items():
            place = f"{self.name}.{name}"
            parameter.copy_(saved[place])
            moments = {key.rpartition(":")[2]: value for key, value in saved.items() if key.rpartition(":")[0] == place}
            if moments:
                self.optimiser.state[parameter] = {k: _placed(k, v, parameter) for k, v in moments.items()}


def _placed(key: str, value: Tensor, parameter: nn.Parameter) -> Tensor:
    """Moments lie where the parameter lies; the optimiser's counter stays on the CPU."""
    return value.clone() if key == "step" else torch.empty_like(parameter).copy_(value)


def refuse_broken(loss: Tensor, what: str, advice: str) -> None:
    """HdbenchError when a loss is not a finite number."""
    if not torch.isfinite(loss):
        raise HdbenchError(f"The {what} loss of ShapeGAN is no longer a finite number. {advice}")
