"""A baseline's two stages: fit, then sample."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hdbench.errors import HdbenchError
from hdbench.interfaces import Baseline, Session, TrainingSet
from hdbench.refs import Ref
from hdbench.stages.decode import cloud, figures, is_empty, pack
from hdbench.store import load_tensors


def fit(
    session: Session, baseline: Ref, source: Ref, names: tuple[str, ...], clouds: Path
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The state of the fitted baseline."""
    built: Baseline = baseline.build()
    shapes = source.build()
    training = TrainingSet(names, load_tensors(clouds)["clouds"], lambda name: shapes.place(shapes.shape(name)))
    return dict(built.fit(training, session)), {}


def sample(session: Session, baseline: Ref, state: Path, count: int, points: int) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Meshes and clouds, or clouds, of ``count`` samples."""
    built: Baseline = baseline.build()
    drawn = built.sample(load_tensors(state), count, session)
    if len(drawn) != count:
        raise HdbenchError(f"The baseline '{baseline.name}' gave {len(drawn)} samples, but {count} were asked for.")
    if isinstance(drawn, Tensor):
        empty = drawn.isnan().flatten(1).any(1)
        return {"clouds": drawn[:, :, :points].float()}, {"empty": int(empty.sum())}
    clouds = np.stack([cloud(mesh, points, session.seed, j) for j, mesh in enumerate(drawn)])
    tensors = {"clouds": torch.from_numpy(clouds), **pack(drawn), **figures(drawn)}
    return tensors, {"empty": sum(is_empty(mesh) for mesh in drawn)}
