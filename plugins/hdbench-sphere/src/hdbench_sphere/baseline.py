"""The smallest baseline: it remembers the training clouds and hands them out again. Metrics of novelty must see through it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor, randint, stack

from hdbench.interfaces import Baseline, Session, TrainingSet
from hdbench.seeds import torch_generator


@dataclass(frozen=True, slots=True, kw_only=True)
class ResampleConfig:
    """It has no settings."""


class Resample(Baseline):
    """Sample j is a training cloud drawn at random."""

    name = "resample"
    source = "hdbench tutorial"
    title = "Resampled training clouds"
    Config = ResampleConfig
    produces = "clouds"

    def fit(self, training: TrainingSet, session: Session) -> dict[str, Tensor]:
        return {"clouds": training.clouds}

    def sample(self, state: Mapping[str, Tensor], count: int, session: Session) -> Tensor:
        clouds = state["clouds"]
        rows = [int(randint(len(clouds), (), generator=torch_generator(session.seed, "sample", j))) for j in range(count)]
        return stack([clouds[row] for row in rows])
