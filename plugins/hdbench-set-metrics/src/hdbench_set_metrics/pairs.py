"""What metrics on distances share: which distances they read, and which samples are empty."""

from __future__ import annotations

from typing import ClassVar, Literal, cast

import numpy as np
from numpy.typing import NDArray

from hdbench.interfaces import Comparison, Metric, Pairs
from hdbench_set_metrics.basics import NoSettings


class OnDistances(Metric):
    """A metric that reads distances alone: squared Chamfer, or those of the part that ``reads`` names."""

    Config = NoSettings
    chamfer: ClassVar[Literal["all", "nearest", "none"]] = "nearest"
    suffix: ClassVar[str] = ""  # of its columns, so that those of several distances can stand in one table

    def pairs(self, comparison: Comparison) -> Pairs:
        """The distances of this metric."""
        if self.reads:
            return cast(Pairs, comparison.parts[self.reads[0]])
        return Pairs(comparison.between, comparison.within_generated, comparison.within_reference)

    def columns(self, values: dict[str, float]) -> dict[str, float]:
        """``values`` with the suffix on every column."""
        return {f"{name}{self.suffix}": float(value) for name, value in values.items()}


def empty(pairs: Pairs) -> NDArray[np.bool_]:
    """Which generated samples have no surface, [g]: they are infinitely far from every reference shape."""
    return np.asarray(np.isinf(pairs.between).all(axis=1))
