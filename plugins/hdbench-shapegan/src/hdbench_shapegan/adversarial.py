"""The adversarial training: Wasserstein distance with gradient penalty, on grids that get finer or on points that get more.

    discriminator: minimise  E D(fake) - E D(real) + penalty E (|grad D(mix)| - 1)^2,   mix = a real + (1 - a) fake, a ~ U(0, 1)
    generator:     minimise  -E D(fake)

Whatever is random in step s is a function of (seed, s), so a training that was killed ends in the same bits.
Source: Gulrajani et al. 2017, equation 3; Kleineberg et al. 2020, section 3; train_hybrid_progressive_gan.py of
marian42/shapegan at 090a6a8 and shape_gan.py of its branch point_sdf at c57a460.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from hdbench.seeds import torch_generator
from hdbench.training import batch_of
from hdbench_shapegan.discriminators import COARSEST, PointDiscriminator, VoxelDiscriminator
from hdbench_shapegan.generators import Generator
from hdbench_shapegan.progressing import Journal, Learner, Tensors, refuse_broken
from hdbench_shapegan.settings import Adversarial

LOOK_EVERY = 50  # steps between looks at the loss
BETAS = (0.0, 0.99)  # of Adam: no momentum (Karras et al. 2018)


class Fields(ABC):
    """The training shapes as the discriminator sees them in one stage."""

    def __init__(self, distances: Tensor) -> None:
        self.distances = distances  # [n, q], in units of the generator's output

    @abstractmethod
    def points(self, rows: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """(points [q, 3] or [b, q, 3], distances [b, q]) of these shapes [b]."""

    @abstractmethod
    def score(self, discriminator: nn.Module, points: Tensor, distances: Tensor) -> Tensor:
        """How real the distances [b, q] at these points look, [b]."""


class GridFields(Fields):
    """Distances [n, r^3] on one grid [r^3, 3]."""

    def __init__(self, grid: Tensor, distances: Tensor) -> None:
        super().__init__(distances)
        self.grid, self.resolution = grid, round(len(grid) ** (1 / 3))

    def points(self, rows: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        return self.grid, self.distances[rows]

    def score(self, discriminator: nn.Module, points: Tensor, distances: Tensor) -> Tensor:
        return discriminator(distances.view(-1, self.resolution, self.resolution, self.resolution))


class PointFields(Fields):
    """Distances [n, q] at points [n, q, 3] of each shape, of which ``count`` are drawn with repetition, anew in every step."""

    def __init__(self, places: Tensor, distances: Tensor, count: int) -> None:
        super().__init__(distances)
        self.places, self.count = places, count

    def points(self, rows: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        chosen = torch.randint(self.places.shape[1], (len(rows), self.count), generator=rng).to(rows.device)
        return self.places[rows[:, None], chosen], self.distances[rows[:, None], chosen]

    def score(self, discriminator: nn.Module, points: Tensor, distances: Tensor) -> Tensor:
        return discriminator(points, distances)


@dataclass(slots=True)
class Duel:
    """Both networks and what they learn with."""

    generator: Generator
    discriminator: nn.Module
    settings: Adversarial
    average: dict[str, Tensor]
    learners: tuple[Learner, Learner]

    @classmethod
    def begin(cls, generator: Generator, discriminator: nn.Module, settings: Adversarial) -> Duel:
        average = {name: p.detach().clone() for name, p in generator.named_parameters()} if settings.ema else {}
        learners = _learners(generator, discriminator, settings)
        return cls(generator, discriminator, settings, average, learners)

    def fight(self, fields: Fields, rows: Tensor, rng: torch.Generator, attack: bool) -> Tensor:
        """One step: the generator's if it is its turn, then the discriminator's; the discriminator's loss."""
        points, real = fields.points(rows, rng)
        shared = attack and self.settings.shared
        fake = self._fakes(points, len(rows), rng, shared)
        if attack:
            mine = fake if shared else self._fakes(points, len(rows), rng, True)
            self.learners[0].step(-fields.score(self.discriminator, points, mine).mean())
            self._average()
        mix = torch.rand(len(rows), 1, generator=rng).to(real.device)
        loss = critic_loss(self.discriminator, fields, points, real, fake.detach(), mix, self.settings.penalty)
        self.learners[1].step(loss)
        return loss.detach()

    def _fakes(self, points: Tensor, count: int, rng: torch.Generator, differentiable: bool) -> Tensor:
        codes = torch.randn(count, self.generator.latent, generator=rng).to(points.device)
        with torch.set_grad_enabled(differentiable):
            return self.generator(points, codes)

    @torch.no_grad()
    def _average(self) -> None:
        if self.average:
            now = dict(self.generator.named_parameters())
            torch._foreach_lerp_(list(self.average.values()), [now[name] for name in self.average], 1 - self.settings.ema)

    def tensors(self) -> Tensors:
        """Everything that changes."""
        average = {f"average.{name}": value for name, value in self.average.items()}
        return average | self.learners[0].tensors() | self.learners[1].tensors()

    def restore(self, saved: Tensors) -> None:
        """Take over what ``tensors`` gave."""
        for learner in self.learners:
            learner.restore(saved)
        for name, value in self.average.items():
            value.copy_(saved[f"average.{name}"])

    @torch.no_grad()
    def finish(self) -> None:
        """The running average becomes the generator."""
        for name, parameter in self.generator.named_parameters():
            if name in self.average:
                parameter.copy_(self.average[name])


def critic_loss(
    discriminator: nn.Module, fields: Fields, points: Tensor, real: Tensor, fake: Tensor, mix: Tensor, penalty: float
) -> Tensor:
    """The discriminator's loss on distances ``real`` and ``fake`` [b, q], with the penalty at ``mix`` [b, 1] between them."""
    between = (mix * real + (1 - mix) * fake).requires_grad_()
    scores = fields.score(discriminator, points, between)
    (gradient,) = torch.autograd.grad(scores.sum(), between, create_graph=True)
    steepness = (gradient.norm(dim=1) - 1).square().mean()
    difference = fields.score(discriminator, points, fake).mean() - fields.score(discriminator, points, real).mean()
    return difference + penalty * steepness


def _learners(generator: Generator, discriminator: nn.Module, settings: Adversarial) -> tuple[Learner, Learner]:
    rates = {"generator": settings.generator_lr, "discriminator": settings.discriminator_lr}
    modules = {"generator": generator, "discriminator": discriminator}
    first, second = (Learner(n, dict(m.named_parameters()), _optimiser(m, rates[n], settings)) for n, m in modules.items())
    return first, second


def _optimiser(module: nn.Module, rate: float, settings: Adversarial) -> torch.optim.Optimizer:
    if settings.optimiser == "adam":
        return torch.optim.Adam(module.parameters(), rate, betas=BETAS)
    return torch.optim.RMSprop(module.parameters(), rate)


def renewed(duel: Duel) -> tuple[Learner, Learner]:
    """The learners of both networks without memory of earlier steps."""
    return _learners(duel.generator, duel.discriminator, duel.settings)


def new_discriminator(variant: str, settings: Adversarial) -> nn.Module:
    """An untrained one; draws from torch's global generator."""
    return VoxelDiscriminator(settings.features) if variant == "voxel" else PointDiscriminator()


def enter(discriminator: nn.Module, size: int, first: bool, share: float, fade: float) -> None:
    """Set a voxel discriminator to its stage for grids of ``size``, of which ``share`` is over; the first is not faded in."""
    if isinstance(discriminator, VoxelDiscriminator):
        discriminator.stage = (size // COARSEST).bit_length() - 1
        discriminator.fade = 1.0 if first or fade == 0 else min(1.0, share / fade)


def train_stage(duel: Duel, fields: Fields, size: int, batch: int, stage: int, seed: int, journal: Journal) -> None:
    """One stage, which is phase ``stage`` + 1 of the journal."""
    phase, settings = stage + 1, duel.settings
    length, begun = journal.lengths[phase], sum(journal.lengths[1:phase])
    done, saved = journal.resume(phase)
    if saved:
        duel.restore(dict(saved))
    for step in range(done, length):
        rng = torch_generator(seed, "adversarial", stage, step)
        enter(duel.discriminator, size, stage == 0, step / length, settings.fade)
        rows = batch_of(seed, step, batch, len(fields.distances)).to(fields.distances.device)
        attack = step % settings.every == 0 and begun + step >= settings.alone
        loss = duel.fight(fields, rows, rng, attack)
        if step % LOOK_EVERY == 0 or step + 1 == length:
            refuse_broken(loss, "discriminator's", "Lower adversarial.discriminator_lr and adversarial.generator_lr.")
        journal.advance(phase, step + 1, duel.tensors)
