"""The authors' training: the mean squared error of the noise, Adam, a learning rate that falls by 0.2 % every epoch.

Each step sees other points of a shape, drawn with replacement from a stock of 10,000. At the first noise level every shape has
one noise of its own, always the same. Whatever is random in step s is a function of (seed, s): the loop is hdbench's, and a run
that was killed ends in the same bits as one that never was. Departure: an epoch keeps the shapes that do not fill its last batch.
Ours, for short trainings: see ``Lessons``.
Source: alexzhou907/PVD at 9747265, train_generation.py and datasets/shapenet_data_pc.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from hdbench.config import check
from hdbench.interfaces import Session, TrainingSet
from hdbench.sampling import evaluation_cloud
from hdbench.seeds import seed_of, torch_generator
from hdbench.training import Lesson, Training, batch_of, optimise
from hdbench_pvd.chains import Kind, betas
from hdbench_pvd.network import PVCNN2, PVCNN2Config

LOWEST_SNR, HIGHEST_SNR, RARELY = 0.01, 2000.0, 0.05


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Lessons:
    """What a step asks for. Defaults are the authors': all ``points`` (0: as many as the training clouds have), noise levels
    drawn evenly, and of the network the noise.

    ``predict`` ``v`` asks for sqrt(alpha_bar) noise - sqrt(1 - alpha_bar) x0: at high levels a network that is asked for the
    noise spends its training on copying what it is given. ``levels`` ``log-snr`` draws them evenly in the logarithm of signal to
    noise between 1/100 and 2000 (and a twentieth as often outside). Source: Salimans and Ho 2022 (v).
    """

    points: int = 0
    predict: Literal["noise", "v"] = "noise"
    levels: Literal["even", "log-snr"] = "even"

    def __post_init__(self) -> None:
        check(self.points >= 0, "lessons.points", "0 or more", self.points)

    def odds(self, kind: Kind) -> Tensor:
        """How probable each noise level is, [steps] float64."""
        kept = (1 - betas(kind)).cumprod(0)
        if self.levels == "even":
            return torch.full_like(kept, 1 / len(kept))
        snr = kept / (1 - kept)
        widths = -snr.log().diff()
        widths = torch.cat([widths, widths[-1:]])
        odds = torch.where((snr > LOWEST_SNR) & (snr < HIGHEST_SNR), widths, RARELY * widths)
        return odds / odds.sum()


def learn(
    network: PVCNN2, stock: Tensor, lessons: Lessons, kind: Kind, training: Training, session: Session
) -> dict[str, Tensor]:
    """Train in place on points of the normalised stock [n, s, 3]; returns the curves."""
    kept = (1 - betas(kind)).cumprod(0).float().to(session.device)
    stock, until = stock.to(session.device), lessons.odds(kind).cumsum(0)

    def lesson(step: int) -> Lesson:
        drawn = _draw(session.seed, step, training.batch, stock.shape[:2], lessons.points, until)
        torch.manual_seed(seed_of(session.seed, "dropout", step))
        index, when, noise, chosen = (x.to(session.device, non_blocking=True) for x in drawn)
        clean = stock[index[:, None], chosen].transpose(1, 2)
        signal, sigma = (share[:, None, None].sqrt() for share in (kept[when], 1 - kept[when]))
        target = noise if lessons.predict == "noise" else signal * noise - sigma * clean
        return Lesson(signal * clean + sigma * noise, when, target)

    return optimise(network, lesson, len(stock), training, session)


def _draw(
    seed: int, step: int, batch: int, stock: Sequence[int], points: int, until: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """What is random in a step: shapes [b], noise levels [b], noise [b, 3, points], and which points of the stock [b, points].

    ``stock``: how many shapes, of how many points; ``until`` [steps]: the odds of the levels up to each.
    """
    generator, (count, size) = torch_generator(seed, "train", step), stock
    index = batch_of(seed, step, batch, count)
    when = torch.searchsorted(until, torch.rand(batch, generator=generator, dtype=torch.float64)).clamp(max=len(until) - 1)
    noise = torch.randn((batch, 3, points), generator=generator)
    for row in (when == 0).nonzero().flatten().tolist():
        noise[row] = torch.randn((3, points), generator=torch_generator(seed, "first noise", int(index[row])))
    return index, when, noise, torch.randint(size, (batch, points), generator=generator)
