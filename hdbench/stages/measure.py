"""Clouds to scores: what depends on the reference alone, once for all methods, and the metrics of each row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from hdbench.interfaces import Session
from hdbench.protocol import Protocol
from hdbench.refs import Ref
from hdbench.scoring.evidence import Sets, known_of_reference, recorded
from hdbench.scoring.nearest import Nearest, from_tensors, to_tensors
from hdbench.scoring.score import Score, numbers, score
from hdbench.shape_set import FIGURES, ShapeSet
from hdbench.store import Rows, load_info, load_tensors


@dataclass(frozen=True, slots=True)
class SetRows:
    """Where a set of shapes is stored: its clouds (and figures), and its weights if it has any."""

    clouds: Rows
    weights: Rows | None = None

    def load(self) -> ShapeSet:
        """The set itself."""
        stored = {name: tensor.numpy() for name, tensor in scored_tensors(self.clouds).items()}
        figures = {name.removeprefix(FIGURES): values for name, values in stored.items() if name.startswith(FIGURES)}
        return ShapeSet(
            stored["clouds"], figures or None, None if self.weights is None else self.weights.load("weights").numpy()
        )  # fmt: skip


def scored_tensors(rows: Rows) -> dict[str, Tensor]:
    """The clouds of a set, and ``figures.NAME`` of its meshes where it has any."""
    return {name: rows.load(name) for name in ("clouds", *(name for name in rows.names() if name.startswith(FIGURES)))}


def gather(session: Session, clouds: Rows) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Clouds from many files in one."""
    return {"clouds": clouds.load("clouds")}, {}


def known(
    session: Session, reference: SetRows, training: SetRows, metrics: list[Ref], extractors: tuple[str, ...], protocol: Protocol
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """What the metrics owe to the reference and the training shapes alone. ``extractors`` say which weights features are of."""
    sets = Sets(reference.load(), protocol, training.load(), device=str(session.device))
    found = known_of_reference(sets, [ref.build() for ref in metrics], also=recorded(sets))
    return {name: torch.from_numpy(values) for name, values in found.items()}, {}


def measure(
    session: Session, draws: Sequence[SetRows], metrics: list[Ref], reference: SetRows, training: SetRows, shared: Path,
    extractors: tuple[str, ...], protocol: Protocol,
) -> tuple[dict[str, Tensor], dict[str, Any]]:  # fmt: skip
    """Info: the Score of a row as plain values. Tensors: the shapes nearest to every sample, by draw, and to the reference."""
    found = score(
        [draw.load() for draw in draws],
        reference.load(),
        protocol,
        [ref.build() for ref in metrics],
        training.load(),
        {name: values.numpy() for name, values in load_tensors(shared).items()},
        device=str(session.device),
    )
    return to_tensors(_named(found)), numbers(found)


def nearest(part: Path) -> tuple[list[Nearest], Nearest | None]:
    """The shapes nearest to the samples of a row, by draw, and to the reference shapes, as ``measure`` has stored them."""
    tensors = load_tensors(part)
    draws = from_tensors(tensors, (f"draw.{k}" for k in range(load_info(part)["draws"])))
    return list(draws.values()), from_tensors(tensors, ["reference"]).get("reference")


def _named(found: Score) -> dict[str, Nearest]:
    draws = {f"draw.{k}": draw for k, draw in enumerate(found.nearest)}
    return draws | ({} if found.nearest_of_reference is None else {"reference": found.nearest_of_reference})
