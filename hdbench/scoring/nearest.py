"""Sample by sample: which training shapes are the nearest, and how far the nearest training and reference shapes are.

The two distances are the axes of the novelty-quality plane: a copy is at 0 of the first, a good shape is near 0 of the second.
The three nearest training shapes are those of the gallery in Erkoc et al. 2023, figure 8.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, cast

import numpy as np

from hdbench.interfaces import Comparison, Index, Neighbours, Values

if TYPE_CHECKING:
    from torch import Tensor

PART = "train"  # of a comparison: the nearest training shapes


@dataclass(frozen=True, slots=True, eq=False)
class Nearest:
    """The nearest shapes of n shapes of one set. Distances are squared Chamfer, infinite for empty samples.

    ``position`` [n]: where each shape stands in its set as it was made (samples that the protocol drops are not here).
    ``to_training``, ``training_index`` [n, k]: the k nearest training shapes, nearest first. ``to_reference``,
    ``reference_index`` [n]: the nearest reference shape; of a reference shape, the nearest other one.
    """

    position: Index
    to_training: Values
    training_index: Index
    to_reference: Values
    reference_index: Index

    def __len__(self) -> int:
        return len(self.position)


def of_generated(comparison: Comparison, position: Index) -> Nearest | None:
    """The nearest shapes of the generated ones; None where the comparison holds no training shapes."""
    if PART not in comparison.parts:
        return None
    near = cast(Neighbours, comparison.parts[PART])
    return Nearest(position, near.generated, near.generated_index, *_row_minima(comparison.between))


def of_reference(comparison: Comparison) -> Nearest | None:
    """The same of the reference shapes, each against the others: where new real shapes lie in the plane."""
    if PART not in comparison.parts:
        return None
    near, among = cast(Neighbours, comparison.parts[PART]), comparison.within_reference.copy()
    np.fill_diagonal(among, np.inf)
    return Nearest(np.arange(len(among)), near.reference, near.reference_index, *_row_minima(among))


def _row_minima(distances: Values) -> tuple[Values, Index]:
    return distances.min(axis=1), distances.argmin(axis=1)


# ------------------------------------------------------------------------------------------------------------- the store


def to_tensors(named: Mapping[str, Nearest]) -> dict[str, Tensor]:
    """{``NAME.field``: tensor} of sets of shapes."""
    import torch

    return {
        f"{name}.{part.name}": torch.from_numpy(np.ascontiguousarray(getattr(nearest, part.name)))
        for name, nearest in named.items()
        for part in fields(nearest)
    }


def from_tensors(tensors: Mapping[str, Tensor], names: Iterable[str]) -> dict[str, Nearest]:
    """The inverse of ``to_tensors`` for those of the names that are there."""
    there = [name for name in names if f"{name}.position" in tensors]
    return {name: Nearest(*(tensors[f"{name}.{part.name}"].numpy() for part in fields(Nearest))) for name in there}
