"""The contract of a metric, on sets of ellipsoids: drawn again, copied, far away, and with empty samples."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from functools import cache
from typing import ClassVar

import numpy as np

from hdbench.interfaces import Comparison
from hdbench.seeds import numpy_generator
from hdbench.testing.contract import ComponentContract
from hdbench.testing.made import compare, ellipsoids

FAR = 5.0  # offset of the far set, in units of the largest half axis


@cache
def comparisons(count: int, points: int) -> dict[str, Comparison]:
    """Generated sets of several kinds against one reference set of ``count`` shapes of ``points`` points."""
    reference = ellipsoids(count, points, "reference")
    resampled = ellipsoids(count, points, "resampled")
    return {
        "resampled": compare(resampled, reference),
        "identical": compare(reference.copy(), reference),
        "far": compare(resampled * np.float32(0.1) + np.float32(FAR), reference),
        "of another size": compare(resampled[: count // 2], reference),
    }


def emptied(comparison: Comparison, count: int) -> Comparison:
    """The first ``count`` generated shapes come out empty: clouds of nan, infinite distances, also to each other."""
    generated, between = comparison.generated.copy(), comparison.between.copy()
    within = comparison.within_generated.copy()
    generated[:count], between[:count] = np.nan, np.inf
    within[:count], within[:, :count] = np.inf, np.inf
    np.fill_diagonal(within, 0.0)
    return replace(comparison, generated=generated, between=between, within_generated=within)


class MetricContract(ComponentContract):
    """Within its range, blind to order, worse for worse sets, and never better for samples that came out empty.

    ``shapes`` and ``points`` are the sizes of the sets it is tried on.
    """

    kind: ClassVar[str] = "metric"
    shapes: ClassVar[int] = 16
    points: ClassVar[int] = 48

    def _sets(self) -> dict[str, Comparison]:
        return comparisons(self.shapes, self.points)

    def _value(self, comparison: Comparison) -> float:
        return next(iter(self.build().measure(comparison).values()))

    def _badness(self, value: float) -> float:
        """Larger is worse. A metric with a target has a bad side: that of the far set."""
        metric = self.subject()
        if metric.direction != "target":
            return value if metric.direction == "lower" else -value
        return value if self._value(self._sets()["far"]) > metric.target else -value

    def test_it_says_how_to_read_it(self) -> None:
        metric = self.subject()
        for attribute in ("direction", "range", "unit", "definition"):
            self.must(getattr(metric, attribute, None), f"declare its {attribute}", "it does not")
        known = metric.direction in ("lower", "higher", "target")
        self.must(known, "have the direction 'lower', 'higher' or 'target'", f"it is {metric.direction!r}")
        low, high = metric.range
        self.must(low < high, "have a range (low, high)", f"it is {metric.range}")
        self.must("\n" not in metric.definition, "have a definition of one sentence", "it has several lines")
        ideal = metric.target is not None and low <= metric.target <= high
        fits = ideal if metric.direction == "target" else metric.target is None
        self.must(fits, "have a target in its range if, and only if, its direction is 'target'", f"it is {metric.target}")

    def test_values_lie_in_the_range(self) -> None:
        low, high = self.subject().range
        columns = list(self.build().measure(self._sets()["resampled"]))
        self.must(columns, "give at least one column", "it gives none")
        for name, comparison in self._sets().items():
            for ties in ("fair", "first"):
                values = self.build().measure(replace(comparison, ties=ties))
                self.must(list(values) == columns, f"give the columns {columns} always", f"on '{name}' it gives {list(values)}")
                for column, value in values.items():
                    inside = isinstance(float(value), float) and low <= value <= high and math.isfinite(value)
                    self.must(inside, f"stay finite and in its range [{low}, {high}]", f"on '{name}' sets {column} is {value}")

    def test_it_leaves_the_comparison_alone_and_says_the_same_twice(self) -> None:
        comparison = self._sets()["resampled"]
        arrays = [f.name for f in fields(comparison) if f.name != "ties"]
        own = replace(comparison, **{name: getattr(comparison, name).copy() for name in arrays})
        first, second = self.build().measure(own), self.build().measure(own)
        self.must(first == second, "give the same values twice", f"{first} became {second}")
        changed = [name for name in arrays if not np.array_equal(getattr(own, name), getattr(comparison, name))]
        self.must(not changed, "leave the comparison alone", f"it changed {changed}")

    def test_the_order_of_shapes_does_not_count(self) -> None:
        for name, comparison in self._sets().items():
            rng = numpy_generator("order", name)
            generated, reference = (rng.permutation(n) for n in comparison.between.shape)
            values, shuffled = (self.build().measure(c) for c in (comparison, comparison.select(generated, reference)))
            same = all(math.isclose(values[c], shuffled[c], rel_tol=1e-6, abs_tol=1e-9) for c in values)
            self.must(same, "be blind to the order of shapes", f"on '{name}' sets {values} became {shuffled}")

    def test_a_far_set_is_worse_than_one_drawn_again(self) -> None:
        far, near = (self._value(self._sets()[name]) for name in ("far", "resampled"))
        metric = self.subject()
        target = metric.target
        worse = abs(far - target) > abs(near - target) if target is not None else self._badness(far) > self._badness(near)
        way = metric.direction if target is None else f"nearer to {target}"
        self.must(worse, f"be worse (better is '{way}') for a far set than for one drawn again", f"they give {far} and {near}")

    def test_empty_samples_never_improve_it(self) -> None:
        for name in ("identical", "far", "resampled"):
            comparison = self._sets()[name]
            without = self._value(comparison)
            for count in (self.shapes // 2, self.shapes):
                value = self._value(emptied(comparison, count))
                low, high = self.subject().range
                found = f"{count} of {self.shapes} empty turn '{name}' sets from {without} to {value}"
                self.must(low <= value <= high, f"stay in its range [{low}, {high}] when samples are empty", found)
                no_better = self._badness(value) >= self._badness(without)
                self.must(no_better, "be no better when samples come out empty", found)
