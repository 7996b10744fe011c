"""A start for the generator on small budgets: an autodecoder of the training shapes, whose codes are made normal.

Every training shape has a code; codes and generator are fitted to signed distances near the surfaces (DeepSDF, Park et al.
2019, sections 3 and 4, which ShapeGAN's generator is taken from). The codes' Gaussian N(m, A A^T) is then put into the
generator, which reads codes through linear maps only: W z + b with z = m + A e becomes (W A) e + (W m + b), and e ~ N(0, I).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hdbench.seeds import torch_generator
from hdbench_shapegan.generators import SECOND, Generator
from hdbench_shapegan.progressing import Journal, Learner, refuse_broken
from hdbench_shapegan.settings import Start

CODES_LR = 4.0  # times that of the generator
FIRST_CODES = 0.5  # their standard deviation
WARMUP = 50
POINTS = {0: 1.7, SECOND: 0.9}  # standard deviation of the coordinates' first weights
OUTSIDE = 0.3  # the field of a new generator
LOOK_EVERY = 50  # steps between looks at the loss


def start(generator: Generator, points: Tensor, distances: Tensor, settings: Start, seed: int, journal: Journal) -> None:
    """Fit the generator in place to distances [n, q] at points [n, q, 3] of n shapes, and make its codes normal. Phase 0."""
    codes = nn.Parameter(_first_codes(len(points), generator.latent, seed).to(points.device))
    learner = _learner(generator, codes, settings.lr)
    done, saved = journal.resume(0)
    if saved:
        learner.restore(saved)
    for step in range(done, settings.steps):
        _rate(learner.optimiser, settings, step)
        loss = _loss(generator, codes, points, distances, settings, torch_generator(seed, "start", step))
        if step % LOOK_EVERY == 0:
            refuse_broken(loss, "autodecoder's", "Lower start.lr.")
        learner.step(loss)
        journal.advance(0, step + 1, learner.tensors)
    if done < settings.steps:  # else a later phase has been begun, and its checkpoint holds the generator
        make_normal(generator, codes.detach())


def _first_codes(count: int, latent: int, seed: int) -> Tensor:
    return FIRST_CODES * torch.stack([torch.randn(latent, generator=torch_generator(seed, "code", k)) for k in range(count)])


def _learner(generator: Generator, codes: nn.Parameter, lr: float) -> Learner:
    named = dict(generator.named_parameters())
    groups = [{"params": list(named.values())}, {"params": [codes]}]
    return Learner("start", {**named, "codes": codes}, torch.optim.Adam(groups, lr, betas=(0.9, 0.99)))


def _rate(optimiser: torch.optim.Optimizer, settings: Start, step: int) -> None:
    share = min(1.0, (step + 1) / WARMUP, 2 * (1 - step / settings.steps))
    for group, times in zip(optimiser.param_groups, (1.0, CODES_LR)):
        group["lr"] = settings.lr * times * share


def _loss(
    generator: Generator, codes: Tensor, points: Tensor, distances: Tensor, settings: Start, rng: torch.Generator
) -> Tensor:
    """Mean absolute error on a stretch of the points of some shapes, and what the codes' prior costs."""
    rows = torch.randint(len(points), (settings.batch,), generator=rng).to(points.device)
    first = int(torch.randint(points.shape[1] - settings.points + 1, (), generator=rng))
    part = slice(first, first + settings.points)
    found = generator(points[rows, part], codes[rows])
    return (found - distances[rows, part]).abs().mean() + settings.prior * codes[rows].square().sum(1).mean()


@torch.no_grad()
def spread(generator: Generator) -> None:
    """Parameters with which a narrow generator learns fast: He et al. 2015, and points that weigh more than codes.

    PyTorch's own start, which the released code uses, weighs each of the three coordinates like each entry of the code, so
    that the field hardly varies in space at first. Draws from torch's global generator.
    """
    for layer, (weight, bias) in enumerate(generator.linears()):
        nn.init.normal_(weight, std=(2 / weight.shape[1]) ** 0.5)
        nn.init.zeros_(bias)
        if layer in (0, SECOND):
            nn.init.normal_(weight[:, -3:], std=POINTS[layer])
    first, last = generator.linears()[0], generator.linears()[-1]
    nn.init.uniform_(first[1], -1, 1)
    nn.init.normal_(last[0], std=0.1 / last[0].shape[1] ** 0.5)
    nn.init.constant_(last[1], OUTSIDE)
    for (weight, _), size in zip(generator.readers(), (1.0, 0.5)):
        nn.init.normal_(weight, std=size / generator.latent**0.5)


@torch.no_grad()
def make_normal(generator: Generator, codes: Tensor) -> None:
    """Change the generator so that codes from N(0, I) give what codes [n, l] of this mean and covariance gave."""
    mean = codes.double().mean(0)
    covariance = (codes.double() - mean).T @ (codes.double() - mean) / max(len(codes) - 1, 1)
    values, vectors = torch.linalg.eigh(covariance)
    factor = vectors * values.clamp(min=0).sqrt()
    generator.absorb(mean.to(codes), factor.to(codes))
