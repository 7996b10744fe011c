"""Clouds to scores: the distances within the reference, once for all methods, and the metrics of each row."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from hdbench.interfaces import Session
from hdbench.protocol import Protocol
from hdbench.refs import Ref
from hdbench.score import reference_distances, score
from hdbench.store import Rows, load_tensors


def gather(session: Session, clouds: Rows) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Clouds from many files in one."""
    return {"clouds": clouds.load("clouds")}, {}


def within(session: Session, clouds: Rows, protocol: Protocol) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Distances [r, r] among the reference shapes."""
    return {"distances": torch.from_numpy(reference_distances(clouds.load("clouds").numpy(), protocol))}, {}


def measure(
    session: Session, draws: list[Rows], metrics: list[Ref], reference: Rows, distances: Path, protocol: Protocol
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Info: the Score of a row as plain values."""
    made = [draw.load("clouds").numpy() for draw in draws]
    known = load_tensors(distances)["distances"].numpy()
    found = score(made, reference.load("clouds").numpy(), protocol, [ref.build() for ref in metrics], known)
    return {}, asdict(found)
