"""A loss that knows the surface: how far the predicted fields are from the true ones where the true surfaces are.

The diffusion of HyperDiffusion sees weights alone; its authors name that as the open problem (section 7) and report that a plain
reconstruction loss did not help. This one is added to the error of the weights with two weights of its own: points count by
4 s (1 - s), with s the true field's occupancy, so by how near the surface they are; and noise levels by their share of signal,
since a prediction from noise can be no more than a mean, which is no shape.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from hdbench.errors import HdbenchError
from hdbench.interfaces import Session
from hdbench.schedule import Schedule
from hdbench.seeds import torch_generator
from hdbench.shapes import BOX_HALF_SIDE

POINTS = 512  # per step, uniform in the box, the same for all fields of a batch

Field = Callable[[Tensor, Tensor], Tensor]  # (diffused coordinates [b, k], points [q, 3]) -> logits [b, q]


@dataclass(frozen=True, slots=True, eq=False)
class SurfaceLoss:
    """The loss of one training step: at these points, times ``strength``."""

    field: Field
    schedule: Schedule
    points: Tensor  # [q, 3] in the box
    strength: float

    def __call__(self, noised: Tensor, when: Tensor, predicted: Tensor, target: Tensor) -> Tensor:
        """Mean squared difference of occupancies, in 0..strength, of what is predicted and what is true, [b, k] both.

        ``noised`` [b, k] at steps ``when`` [b]; ``predicted`` and ``target`` are of the schedule's kind of prediction.
        """
        with torch.no_grad():
            true = torch.sigmoid(self.field(self.schedule.clean(noised, target, when), self.points))
            near = 4 * true * (1 - true)
        guess = torch.sigmoid(self.field(self.schedule.clean(noised, predicted, when), self.points))
        errors = (near * (guess - true).square()).sum(1) / near.sum(1).clamp(min=1e-6)
        signal = self.schedule.alpha_bar().to(when.device)[when].to(errors.dtype)
        return self.strength * (signal * errors).mean()


def surface_loss(schedule: Schedule, session: Session, strength: float, step: int) -> SurfaceLoss:
    """The loss of a training step; HdbenchError when the run has no fields that can be evaluated."""
    if session.logits is None:
        raise HdbenchError("The setting training.surface needs fields that can be evaluated at points. Set it to 0.")
    return SurfaceLoss(session.logits, schedule, box_points(session.seed, step).to(session.device), strength)


def box_points(seed: int, step: int) -> Tensor:
    """The points [q, 3] of a training step."""
    return (torch.rand(POINTS, 3, generator=torch_generator(seed, "surface", step)) * 2 - 1) * BOX_HALF_SIDE
