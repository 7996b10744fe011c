"""Clouds to scores: the distances within the reference, once for all methods, and the metrics of each row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hdbench.interfaces import Session
from hdbench.protocol import Protocol
from hdbench.refs import Ref
from hdbench.score import reference_distances, score
from hdbench.store import load_tensors


@dataclass(frozen=True, slots=True)
class Clouds:
    """Some clouds among those that stages have stored: files, and (file, row) of each cloud in order."""

    files: tuple[Path, ...]
    rows: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, places: Sequence[tuple[Path, int]]) -> Clouds:
        """The clouds at these (file, row) places."""
        files = tuple(dict.fromkeys(path for path, _ in places))
        index = {path: k for k, path in enumerate(files)}
        return cls(files, tuple((index[path], row) for path, row in places))

    def load(self) -> NDArray[np.float32]:
        """The clouds themselves [n, t, q, 3]."""
        stored = [load_tensors(path)["clouds"] for path in self.files]
        return torch.stack([stored[file][row] for file, row in self.rows]).numpy()


def gather(session: Session, clouds: Clouds) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Clouds from many files in one."""
    return {"clouds": torch.from_numpy(clouds.load())}, {}


def within(session: Session, clouds: Clouds, protocol: Protocol) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Distances [r, r] among the reference shapes."""
    return {"distances": torch.from_numpy(reference_distances(clouds.load(), protocol))}, {}


def measure(
    session: Session, draws: list[Clouds], metrics: list[Ref], reference: Clouds, distances: Path, protocol: Protocol
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Info: the Score of a row as plain values."""
    known = load_tensors(distances)["distances"].numpy()
    found = score([draw.load() for draw in draws], reference.load(), protocol, [ref.build() for ref in metrics], known)
    return {}, asdict(found)
