"""Every metric against the cases whose answers it brings along (``Metric.vectors``)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hdbench.interfaces import Metric

RELATIVE, ABSOLUTE = 1e-6, 1e-6  # clouds are float32


@dataclass(frozen=True, slots=True)
class Checked:
    """One column of one case: what is known, and what the metric says (nan if it has no such column)."""

    metric: str
    case: str
    column: str
    expected: float
    found: float

    @property
    def passed(self) -> bool:
        """Whether the two are equal, to the precision of the clouds."""
        return math.isclose(self.found, self.expected, rel_tol=RELATIVE, abs_tol=ABSOLUTE)


def check_vectors(metrics: Sequence[Metric]) -> list[Checked]:
    """All cases of all metrics, in their order."""
    return [checked for metric in metrics for checked in _cases(metric)]


def _cases(metric: Metric) -> Iterator[Checked]:
    for vector in metric.vectors():
        found = metric.measure(vector.comparison)
        for column, expected in vector.expected.items():
            yield Checked(metric.name, vector.title, column, float(expected), float(found.get(column, math.nan)))
