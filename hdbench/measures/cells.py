"""Shape space in cells, from the training shapes: where a generator may copy although it does not copy everywhere.

A shape is described by its distances to some training shapes that are far from each other (landmarks); k-means on the training
shapes' descriptions gives the cells. There is one cell for every PER_CELL test shapes; a cell that FEWEST of them do not fall
into is joined to the nearest one. All of it depends on training and test shapes alone, and is deterministic: seeds are chosen
farthest first, and ties go to the lower number.

Sources: Meehan, Chaudhuri and Dasgupta 2020, section 3.2 (k-means of the training set); Gonzalez 1985 (farthest first);
Lloyd 1982.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hdbench.distances.chamfer import chamfer_matrix

LANDMARKS = 32
PER_CELL = 20  # test shapes per cell, on average
FEWEST = 10  # test shapes in a cell, where there is more than one
MOST_CELLS = 50
ROUNDS = 50  # of Lloyd's

Vectors = NDArray[np.float64]
Index = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """``landmarks`` [l]: which training shapes describe a shape; ``centres`` [k, l] of k-means; ``cell_of`` [k]: the cell that
    each centre's shapes are in, after small cells were joined."""

    landmarks: Index
    centres: Vectors
    cell_of: Index

    def of(self, vectors: Vectors) -> Index:
        """The cells [n] of shapes with these descriptions [n, l]."""
        return self.cell_of[nearest_centre(vectors, self.centres)]


def make_cells(training: Any, test: Any, threads: int | None = None, device: str = "cpu") -> Cells:
    """The cells of finite training clouds [m, t, q, 3] and test clouds [n, t, q, 3]."""
    landmarks, of_training = find_landmarks(training, threads, device)
    count = max(1, min(len(test) // PER_CELL, len(training) // PER_CELL, MOST_CELLS))
    centres = k_means(of_training, count)
    of_test = describe(test, training[landmarks], threads, device)
    sizes = np.bincount(nearest_centre(of_training, centres), minlength=len(centres))
    tested = np.bincount(nearest_centre(of_test, centres), minlength=len(centres))
    return Cells(landmarks, centres, joined(centres, sizes, tested))


def describe(clouds: Any, landmarks: Any, threads: int | None = None, device: str = "cpu") -> Vectors:
    """Roots of the Chamfer distances of clouds [n, t, q, 3] to landmarks [l, t, q, 3], [n, l]: lengths, as the clouds' are."""
    return np.sqrt(chamfer_matrix(clouds, landmarks, threads=threads, device=device).clip(min=0))


def find_landmarks(training: Any, threads: int | None = None, device: str = "cpu") -> tuple[Index, Vectors]:
    """Training shapes far from each other, the first one first, then always the farthest from those that were taken; and what
    all training shapes are at from them, [m, l]. Fewer than LANDMARKS where there are no more different shapes."""
    chosen, columns = [0], [describe(training, training[:1], threads, device)[:, 0]]
    while len(chosen) < LANDMARKS:
        distance = np.min(columns, axis=0)
        if distance.max() <= 0:
            break
        chosen.append(int(distance.argmax()))
        columns.append(describe(training, training[chosen[-1:]], threads, device)[:, 0])
    return np.array(chosen), np.stack(columns, axis=1)


# --------------------------------------------------------------------------------------------------------------- k-means


def k_means(vectors: Vectors, count: int) -> Vectors:
    """At most ``count`` centres [k, l] of vectors [m, l]: Lloyd's rounds from seeds that are far from each other."""
    from scipy.cluster.vq import kmeans2

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a centre that lost its vectors stays where it is
        return np.asarray(kmeans2(vectors, _seeds(vectors, count), iter=ROUNDS, minit="matrix")[0])


def _seeds(vectors: Vectors, count: int) -> Vectors:
    """The vector nearest to the mean, then always the farthest from those that were taken, while there are different ones."""
    chosen = [int(np.square(vectors - vectors.mean(0)).sum(1).argmin())]
    distance = np.square(vectors - vectors[chosen[0]]).sum(1)
    while len(chosen) < count and distance.max() > 0:
        chosen.append(int(distance.argmax()))
        distance = np.minimum(distance, np.square(vectors - vectors[chosen[-1]]).sum(1))
    return vectors[chosen]


def nearest_centre(vectors: Vectors, centres: Vectors) -> Index:
    """Which centre [k, l] is the nearest to each vector [n, l]."""
    from scipy.spatial.distance import cdist

    return np.asarray(cdist(vectors, centres).argmin(axis=1))


def joined(centres: Vectors, sizes: Index, tested: Index) -> Index:
    """The cell of each centre [k] when cells with fewer than FEWEST test shapes (``tested`` [k]), or without training shapes
    (``sizes`` [k]), join the cell whose centre is the nearest, the smallest first."""
    cell_of, middle = np.arange(len(centres)), centres.copy()
    sizes, tested, left = sizes.astype(float), tested.copy(), list(range(len(centres)))
    while len(left) > 1:
        smallest = min(left, key=lambda cell: (tested[cell] if sizes[cell] else -1, cell))
        if tested[smallest] >= FEWEST and sizes[smallest]:
            break
        left.remove(smallest)
        into = min(left, key=lambda cell: (np.square(middle[cell] - middle[smallest]).sum(), cell))
        share = sizes[smallest] / max(sizes[smallest] + sizes[into], 1)
        middle[into] = share * middle[smallest] + (1 - share) * middle[into]
        sizes[into], tested[into] = sizes[into] + sizes[smallest], tested[into] + tested[smallest]
        cell_of[cell_of == smallest] = into
    return cell_of
