"""What a writer has to work with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hdbench.errors import HdbenchError
from hdbench.shapes import Shape

SYNSETS: Mapping[str, str] = {  # WordNet ids by which ShapeNet's folders are called
    "airplane": "02691156", "bench": "02828884", "cabinet": "02933112", "car": "02958343", "chair": "03001627",
    "lamp": "03636649", "rifle": "04090263", "sofa": "04256520", "table": "04379243", "vessel": "04530566",
}  # fmt: skip
HELD_BACK = 8  # training shapes that a repository's own validation sees


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """Clouds [n, t, q, 3] float32 of the training shapes; the shapes themselves on request, while training (else None).

    ``count`` samples are to be drawn from what has been trained; 0 while training.
    """

    clouds: NDArray[np.float32]
    shapes: tuple[Callable[[], Shape], ...] | None
    count: int
    category: str
    seed: int

    @property
    def synset(self) -> str:
        """ShapeNet's id of the category, or the category's own name where it has none."""
        return SYNSETS.get(self.category, self.category)

    def single_clouds(self) -> NDArray[np.float32]:
        """Clouds [n, q, 3]. HdbenchError for sequences, which this layout cannot hold."""
        if self.clouds.shape[1] != 1:
            raise HdbenchError("This layout holds shapes, not sequences. Choose the layout npz or npy, or shapes of one frame.")
        return self.clouds[:, 0]

    def splits(self, counting: str) -> dict[str, NDArray[np.int64]]:
        """Which clouds stand in train, val and test. The split ``counting`` has as many as samples are wanted (some repeated)."""
        every = np.arange(len(self.clouds))
        parts = {"train": every, "val": every[:HELD_BACK], "test": every[:HELD_BACK]}
        if counting and self.count:
            parts[counting] = np.resize(every, self.count)
        return parts
