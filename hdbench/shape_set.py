"""A set of shapes as it is scored: clouds, what is known of their meshes and weights, and how it came about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hdbench.errors import HdbenchError

FIGURES = "figures."  # begins the names of figures, where they are stored beside clouds


@dataclass(frozen=True, slots=True, eq=False)
class ShapeSet:
    """n shapes of t frames: ``clouds`` [n, t, q, 3] float32 as they were sampled, nan where a sample came out empty.

    ``figures`` {name: [n]} are those of ``hdbench.measures.validity.mesh_figures`` where the shapes came as meshes, else None;
    ``weights`` [n, p] where they came as fields, else None. ``names`` may be empty. ``notes`` say what was odd on the way here
    (points left out, files that could not be read), for the user.
    """

    clouds: NDArray[np.float32]
    figures: Mapping[str, NDArray[np.float64]] | None = None
    weights: NDArray[np.float32] | None = None
    names: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default_factory=tuple)

    def __len__(self) -> int:
        return len(self.clouds)

    @property
    def frames(self) -> int:
        """Frames per shape."""
        return self.clouds.shape[1]

    def named(self) -> ShapeSet:
        """With its positions for names where it has none: so a part of a set knows which shapes it holds."""
        return self if self.names else replace(self, names=tuple(map(str, range(len(self)))))

    def select(self, index: Sequence[int] | NDArray[np.int64] | NDArray[np.bool_]) -> ShapeSet:
        """Some of the shapes, in the order of ``index`` (or those where it is True)."""
        chosen = np.arange(len(self))[np.asarray(index)]
        return replace(
            self,
            clouds=self.clouds[chosen],
            figures=None if self.figures is None else {name: values[chosen] for name, values in self.figures.items()},
            weights=None if self.weights is None else self.weights[chosen],
            names=tuple(self.names[i] for i in chosen) if self.names else (),
        )


def as_shape_set(shapes: Any) -> ShapeSet:
    """A ShapeSet, or clouds [n, t, q, 3] made into one. HdbenchError for arrays of another form."""
    if isinstance(shapes, ShapeSet):
        return shapes
    clouds = np.asarray(shapes, dtype=np.float32)
    if clouds.ndim != 4 or clouds.shape[3] != 3:
        raise HdbenchError(f"Clouds must have the shape [n, t, q, 3], but they are {list(clouds.shape)}.")
    return ShapeSet(clouds)
