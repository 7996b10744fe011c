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
from hdbench.seeds import torch_generator
from hdbench.stages.decode import cloud, figures, is_empty, pack
from hdbench.store import load_tensors


def fit(
    session: Session, baseline: Ref, source: Ref, names: tuple[str, ...], clouds: Path
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The state of the fitted baseline."""
    built: Baseline = baseline.build()
    shapes = source.build()
    training = TrainingSet(names, load_tensors(clouds)["clouds"], lambda name: shapes.place(shapes.shape(name)))
    return dict(built.fit(training, session)), {"notes": session.notes}


def sample(session: Session, baseline: Ref, state: Path, count: int, points: int) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Meshes and clouds, or clouds, of ``count`` samples."""
    built: Baseline = baseline.build()
    drawn = built.sample(load_tensors(state), count, session)
    if len(drawn) != count:
        raise HdbenchError(f"The baseline '{baseline.name}' gave {len(drawn)} samples, but {count} were asked for.")
    if isinstance(drawn, Tensor):
        _refuse_too_few_points(baseline, drawn, points)
        empty = drawn.isnan().flatten(1).any(1)
        return {"clouds": _chosen(drawn, points, session).float()}, {"empty": int(empty.sum()), "notes": session.notes}
    clouds = np.stack([cloud(mesh, points, session.seed, j) for j, mesh in enumerate(drawn)])
    tensors = {"clouds": torch.from_numpy(clouds), **pack(drawn), **figures(drawn)}
    return tensors, {"empty": sum(is_empty(mesh) for mesh in drawn), "notes": session.notes}


def _refuse_too_few_points(baseline: Ref, drawn: Tensor, points: int) -> None:
    if drawn.shape[2] < points:
        raise HdbenchError(
            f"The baseline '{baseline.name}' gave clouds of {drawn.shape[2]} points, fewer than the {points} of the protocol. "
            f"Score all methods with '-o protocol.points={drawn.shape[2]}'."
        )


def _chosen(drawn: Tensor, points: int, session: Session) -> Tensor:
    """As many points of every cloud as the protocol wants, at random: points may lie in an order of their own."""
    if drawn.shape[2] == points:
        return drawn
    orders = [torch.randperm(drawn.shape[2], generator=torch_generator(session.seed, "points", j)) for j in range(len(drawn))]
    return torch.stack([cloud[:, order[:points]] for cloud, order in zip(drawn, orders)])
