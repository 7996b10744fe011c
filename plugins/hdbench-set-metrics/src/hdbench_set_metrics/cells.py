"""Copies in one part of shape space and new shapes in another: the data-copying test, cell by cell.

A generator that copies airplanes and underfits jets can have a Z_U of 0. So shape space is cut into cells (k-means of the
training shapes, ``hdbench.measures.cells``), Z_U is taken in each, with distances to the training shapes of the cell, and C_T is
its mean, weighted by the shares of the test shapes. Cells that the generator leaves out say nothing of copies and do not count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, cast

import numpy as np
from numpy.typing import NDArray

from hdbench.errors import HdbenchError
from hdbench.interfaces import Comparison, Figures, Metric, Vector
from hdbench_set_metrics import cases
from hdbench_set_metrics.basics import NoSettings
from hdbench_set_metrics.novelty import z_u

FEWEST = 10  # generated and test shapes, each, in a cell that counts: for fewer, U is not nearly normal

Values = NDArray[np.float64]
Cells = Mapping[float, tuple[Sequence[float], Sequence[float]]]  # distances of generated and of test shapes, by cell


class CopyingInCells(Metric):
    """A z-score as Z_U is: far below 0 where generated shapes are nearer to training shapes than test shapes of their cell are.

    ``cells`` says how many counted. Of one cell, which sets of fewer than 40 test shapes have, it is Z_U. An empty sample counts
    as a copy in every cell. It has no interval: too few shapes are left in the cells of half the sets. It is in units of its own
    spread: when both sets are alike, its standard deviation is at most 1.
    """

    name = "ct"
    source = "Meehan, Chaudhuri and Dasgupta 2020, section 3.2; github.com/casey-meehan/data-copying@50db23a, 'C_T'"
    Config = NoSettings
    direction = "target"
    target = 0.0
    range = (-np.inf, np.inf)
    ranges: ClassVar[Mapping[str, tuple[float, float]]] = {"cells": (1.0, np.inf)}
    unit = "z"
    definition = "mean over cells of shape space of the cell's Z_U, weighted by its share of test shapes; below 0 they copy"
    cost = "the nearest training shape of every shape"
    sees = "copies"
    chamfer = "none"
    resampled = False
    reads = ("cells",)

    def measure(self, comparison: Comparison) -> dict[str, float]:
        """``C_T``, and ``cells``: how many count. HdbenchError when none has enough shapes."""
        figures, empties = cast(Figures, comparison.parts["cells"]), int(comparison.empty().sum())
        cells = {cell: _in_cell(figures, cell, empties) for cell in np.unique(figures.reference["cell"])}
        counted = [sets for sets in cells.values() if min(map(len, sets)) >= FEWEST]
        if not counted:
            most = max(min(map(len, sets)) for sets in cells.values())
            raise HdbenchError(
                f"No cell holds {FEWEST} generated and {FEWEST} test shapes, the fullest {most} of both. Compare more shapes."
            )
        shares = np.array([len(test) for _, test in counted], float)
        return {"C_T": float(shares @ [z_u(*sets) for sets in counted] / shares.sum()), "cells": float(len(counted))}

    @classmethod
    def vectors(cls) -> Sequence[Vector]:
        # of 10 against n, all nearer: -(5 n - 1/2) / sqrt(10 n (n + 11) / 12); all farther: (5 n + 1/2) / the same
        copied, new = -49.5 / np.sqrt(175.0), 150.5 / np.sqrt(1025.0)
        both: Cells = {0: ([0.0] * 10, [1.0] * 10), 1: ([2.0] * 10, [1.0] * 30)}
        few: Cells = {**both, 1: ([2.0] * 9, [1.0] * 30)}
        return (
            Vector("copies in one cell, new shapes in another", case(both), {"C_T": (copied + 3 * new) / 4, "cells": 2}),
            Vector("a cell with too few samples does not count", case(few), {"C_T": copied, "cells": 1}),
        )


def _in_cell(figures: Figures, cell: float, empties: int) -> tuple[Values, Values]:
    """Distances of the generated shapes in a cell, 0 for every empty sample of the set, and of the test shapes in it."""
    generated, test = (side["distance"][side["cell"] == cell] for side in (figures.generated, figures.reference))
    return np.concatenate([generated, np.zeros(empties)]), test


def case(cells: Cells) -> Comparison:
    """Shapes with these distances to the nearest training shape, generated and test, by cell."""
    sides = [
        {
            "cell": np.repeat(list(cells), [len(sets[side]) for sets in cells.values()]).astype(float),
            "distance": np.concatenate([sets[side] for sets in cells.values()]),
        }
        for side in (0, 1)
    ]
    count, of = (len(side["cell"]) for side in sides)
    return cases.of_parts(count, of, {"cells": Figures(*sides)})
