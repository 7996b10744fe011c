"""Clouds to scores: what depends on the reference alone, once for all methods, and the metrics of each row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from hdbench.interfaces import Session
from hdbench.protocol import Protocol
from hdbench.refs import Ref
from hdbench.scoring.evidence import Sets, known_of_reference
from hdbench.scoring.score import score
from hdbench.shape_set import ShapeSet
from hdbench.store import Rows, load_tensors


@dataclass(frozen=True, slots=True)
class SetRows:
    """Where a set of shapes is stored: its clouds (and figures), and its weights if it has any."""

    clouds: Rows
    weights: Rows | None = None

    def load(self) -> ShapeSet:
        """The set itself."""
        figures = [name for name in self.clouds.names() if name.startswith("figures.")]
        return ShapeSet(
            self.clouds.load("clouds").numpy(),
            {name.removeprefix("figures."): self.clouds.load(name).numpy() for name in figures} or None,
            None if self.weights is None else self.weights.load("weights").numpy(),
        )


def gather(session: Session, clouds: Rows) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Clouds from many files in one."""
    return {"clouds": clouds.load("clouds")}, {}


def known(
    session: Session, reference: SetRows, training: SetRows, metrics: list[Ref], extractors: tuple[str, ...], protocol: Protocol
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """What the metrics owe to the reference and the training shapes alone. ``extractors`` say which weights features are of."""
    sets = Sets(reference.load(), protocol, training.load(), device=str(session.device))
    found = known_of_reference(sets, [ref.build() for ref in metrics])
    return {name: torch.from_numpy(values) for name, values in found.items()}, {}


def measure(
    session: Session, draws: Sequence[SetRows], metrics: list[Ref], reference: SetRows, training: SetRows, shared: Path,
    extractors: tuple[str, ...], protocol: Protocol,
) -> tuple[dict[str, Tensor], dict[str, Any]]:  # fmt: skip
    """Info: the Score of a row as plain values."""
    found = score(
        [draw.load() for draw in draws],
        reference.load(),
        protocol,
        [ref.build() for ref in metrics],
        training.load(),
        {name: values.numpy() for name, values in load_tensors(shared).items()},
        device=str(session.device),
    )
    return {}, asdict(found)
