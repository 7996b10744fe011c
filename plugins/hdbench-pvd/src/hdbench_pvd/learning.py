"""The authors' training: the mean squared error of the noise, Adam, a learning rate that falls by 0.2 % every epoch.

Each step sees other points of a shape, drawn with replacement from a stock of 10,000. At the first noise level every shape has
one noise of its own, always the same. Whatever is random in step s is a function of (seed, s): the loop is hdbench's, and a run
that was killed ends in the same bits as one that never was. Departure: an epoch keeps the shapes that do not fill its last batch.
Source: alexzhou907/PVD at 9747265, train_generation.py and datasets/shapenet_data_pc.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from hdbench.interfaces import Session, TrainingSet
from hdbench.sampling import evaluation_cloud
from hdbench.seeds import seed_of, torch_generator
from hdbench.training import Lesson, Training, batch_of, optimise
from hdbench_pvd.chains import Kind, betas
from hdbench_pvd.network import PVCNN2, PVCNN2Config


@dataclass(frozen=True, slots=True, eq=False)
class Normalised:
    """Clouds [n, s, 3] less the ``mean`` [3] of all points, over the ``deviation`` [] of all coordinates."""

    clouds: Tensor
    mean: Tensor
    deviation: Tensor

    @classmethod
    def of(cls, clouds: Tensor) -> Normalised:
        """As the authors do for a whole set: a mean per axis, but one deviation, of all coordinates from their common mean."""
        mean = clouds.double().mean((0, 1))
        deviation = clouds.double().std(correction=0)
        return cls(((clouds - mean) / deviation).float(), mean.float(), deviation.float())

    def undo(self, points: Tensor) -> Tensor:
        """Points [..., 3] in the units of the clouds."""
        return points * self.deviation + self.mean


def stock_of(training: TrainingSet, size: int, session: Session) -> Tensor:
    """``size`` points on every training shape [n, size, 3]; 0 takes the training clouds themselves."""
    if not size:
        return training.clouds[:, 0]
    seed = seed_of(session.seed, "stock")
    return torch.stack([torch.from_numpy(evaluation_cloud(training.shape(name), size, seed)[0]) for name in training.names])


def untrained(config: PVCNN2Config, seed: int) -> PVCNN2:
    """A network with PyTorch's own initialisation, decided by the seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(seed, "network"))
        return PVCNN2(config)


def learn(network: PVCNN2, stock: Tensor, points: int, kind: Kind, training: Training, session: Session) -> dict[str, Tensor]:
    """Train in place on ``points`` of the normalised stock [n, s, 3] at a time; returns the curves."""
    kept = (1 - betas(kind)).cumprod(0).float().to(session.device)
    stock = stock.to(session.device)

    def lesson(step: int) -> Lesson:
        index, when, noise, chosen = _draw(session.seed, step, training.batch, len(stock), stock.shape[1], points)
        torch.manual_seed(seed_of(session.seed, "dropout", step))
        index, when, noise, chosen = (x.to(session.device, non_blocking=True) for x in (index, when, noise, chosen))
        clean = stock[index[:, None], chosen].transpose(1, 2)
        share = kept[when][:, None, None]
        return Lesson(share.sqrt() * clean + (1 - share).sqrt() * noise, when, noise)

    return optimise(network, lesson, len(stock), training, session)


def _draw(seed: int, step: int, batch: int, count: int, size: int, points: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """What is random in a step: shapes [b], times [b], noise [b, 3, points], and which points of the stock [b, points]."""
    generator = torch_generator(seed, "train", step)
    index = batch_of(seed, step, batch, count)
    when = torch.randint(len(betas("linear")), (batch,), generator=generator)
    noise = torch.randn((batch, 3, points), generator=generator)
    for row in (when == 0).nonzero().flatten().tolist():
        noise[row] = torch.randn((3, points), generator=torch_generator(seed, "first noise", int(index[row])))
    return index, when, noise, torch.randint(size, (batch, points), generator=generator)
