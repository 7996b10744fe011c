"""The two stages of a foreign repository: write data, run its commands, read what they leave."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from hdbench.errors import HdbenchError
from hdbench.external.specification import Specification
from hdbench.interfaces import Session, TrainingSet
from hdbench.shapes import Mesh


@dataclass(frozen=True, slots=True)
class Driven:
    """A checkout and how it is driven: ``repo`` is its folder, ``python`` the interpreter of its environment."""

    name: str
    specification: Specification
    repo: str
    python: str
    checkpoint: Path | None
    arguments: tuple[str, ...]
    timeout_minutes: float


def described(driven: Driven) -> str:
    """Whose code it is, at which commit."""
    raise HdbenchError("mode=external is not ready yet.")


def fingerprint(driven: Driven) -> str:
    """What the results depend on besides the settings."""
    raise HdbenchError("mode=external is not ready yet.")


def fit(driven: Driven, training: TrainingSet, session: Session) -> dict[str, Tensor]:
    """Train it on the training shapes."""
    raise HdbenchError("mode=external is not ready yet.")


def sample(driven: Driven, state: Mapping[str, Tensor], count: int, session: Session) -> list[tuple[Mesh, ...]] | Tensor:
    """Draw samples from it."""
    raise HdbenchError("mode=external is not ready yet.")
