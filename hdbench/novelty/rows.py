"""The samples of several methods beside the shapes nearest to them, and their record as plain values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hdbench.protocol import Protocol
from hdbench.scoring.nearest import Nearest


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NoveltyRow:
    """A method: the nearest shapes of its samples by draw, and the names of the samples, by draw and position.

    ``competes`` tells methods from control rows, which the record has and the pictures leave out.
    """

    title: str
    draws: Sequence[Nearest]
    names: Sequence[Sequence[str]]
    competes: bool = True


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Novelty:
    """All rows, the reference shapes as their yardstick, and the names by which both point to other shapes."""

    rows: Sequence[NoveltyRow]
    reference: Nearest
    reference_names: Sequence[str]
    training_names: Sequence[str]
    protocol: Protocol

    @property
    def unit(self) -> str:
        """What the distances are."""
        return f"squared Chamfer, mean + mean, of clouds normalised by {self.protocol.normalisation}"


def record(novelty: Novelty) -> dict[str, Any]:
    """Per sample: its name, the distances to the nearest training shape (``to_training``) and to the nearest reference shape
    (``to_reference``, which one), and its nearest training shapes; per reference shape the same, against the others.

    An empty sample has no neighbours, and its distances are infinite.
    """
    return {
        "distances": novelty.unit,
        "training": len(novelty.training_names),
        "rows": [
            {
                "title": row.title,
                "draws": [_shapes(novelty, draw, names) for draw, names in zip(row.draws, row.names)],
            }
            for row in novelty.rows
        ],
        "reference": _shapes(novelty, novelty.reference, novelty.reference_names),
    }


def _shapes(novelty: Novelty, nearest: Nearest, names: Sequence[str]) -> list[dict[str, Any]]:
    return [_shape(novelty, nearest, k, names[nearest.position[k]]) for k in range(len(nearest))]


def _shape(novelty: Novelty, nearest: Nearest, k: int, name: str) -> dict[str, Any]:
    to_reference, whole = float(nearest.to_reference[k]), math.isfinite(nearest.to_training[k, 0])
    neighbours = zip(nearest.training_index[k], nearest.to_training[k]) if whole else ()
    return {
        "name": name,
        "to_training": float(nearest.to_training[k, 0]),
        "to_reference": to_reference,
        "nearest_reference": novelty.reference_names[nearest.reference_index[k]] if math.isfinite(to_reference) else None,
        "neighbours": [{"name": novelty.training_names[i], "distance": float(distance)} for i, distance in neighbours],
    }
