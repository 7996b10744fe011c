"""The contract of a metric, on sets of ellipsoids: drawn again, copied, far away, broken, still, and with empty samples."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from hdbench.interfaces import Comparison
from hdbench.seeds import numpy_generator
from hdbench.testing import sets
from hdbench.testing.contract import ComponentContract

SEEN = ("far", "copies", "still", "broken")


class MetricContract(ComponentContract):
    """Within its range, blind to order, worse for the bad sets that it sees, and never better for samples that came out empty.

    ``shapes`` and ``points`` are the sizes of the sets it is tried on. The sets hold every part that the metric reads.
    """

    kind: ClassVar[str] = "metric"
    shapes: ClassVar[int] = 16
    points: ClassVar[int] = 48

    @cached_property
    def _sets(self) -> dict[str, Comparison]:
        """The comparisons with sets of several kinds; ``still`` ones for metrics of motion alone."""
        self.test_it_says_how_to_read_it()  # what the sets are judged by
        frames = sets.frames_for(self.build())
        kinds = sets.generated_sets(self.shapes, self.points, frames)
        return {name: self._compared(shapes) for name, shapes in kinds.items() if frames > 1 or name != "still"}

    def _compared(self, shapes: sets.ShapeSet) -> Comparison:
        return sets.comparison(self.build(), shapes, self.shapes, self.points)

    def _with_empties(self, name: str, count: int) -> Comparison:
        frames = sets.frames_for(self.build())
        return self._compared(sets.emptied(sets.generated_sets(self.shapes, self.points, frames)[name], count))

    def _value(self, comparison: Comparison) -> float:
        values = list(self.build().measure(comparison).values())
        self.must(values, "give at least one column", "it gives none")
        return values[0]

    def _badness(self, value: float) -> float:
        """Larger is worse. A metric with a target has a bad side: that of the bad set that it sees."""
        metric = self.subject()
        if metric.direction != "target":
            return value if metric.direction == "lower" else -value
        return value if self._value(self._sets[metric.sees]) > metric.target else -value

    def test_it_says_how_to_read_it(self) -> None:
        metric = self.subject()
        for attribute in ("direction", "range", "unit", "definition", "cost", "sees"):
            self.must(getattr(metric, attribute, None), f"declare its {attribute}", "it does not")
        self.must(metric.sees in SEEN, f"see one of {', '.join(SEEN)}", f"its 'sees' is {metric.sees!r}")
        known = metric.direction in ("lower", "higher", "target")
        self.must(known, "have the direction 'lower', 'higher' or 'target'", f"it is {metric.direction!r}")
        low, high = metric.range
        self.must(low < high, "have a range (low, high)", f"it is {metric.range}")
        self.must("\n" not in metric.definition, "have a definition of one sentence", "it has several lines")
        ideal = metric.target is not None and low <= metric.target <= high
        fits = ideal if metric.direction == "target" else metric.target is None
        self.must(fits, "have a target in its range if, and only if, its direction is 'target'", f"it is {metric.target}")

    def test_values_lie_in_the_range(self) -> None:
        metric = self.subject()
        columns = list(self.build().measure(self._sets["resampled"]))
        self.must(columns, "give at least one column", "it gives none")
        self.must(columns[0] not in metric.ranges, "say the range of its first column in 'range'", "'ranges' has it")
        for name, comparison in self._sets.items():
            for ties in ("fair", "first"):
                values = self.build().measure(replace(comparison, ties=ties))
                self.must(list(values) == columns, f"give the columns {columns} always", f"on '{name}' it gives {list(values)}")
                for column, value in values.items():
                    low, high = metric.ranges.get(column, metric.range)
                    inside = isinstance(float(value), float) and low <= value <= high and math.isfinite(value)
                    self.must(inside, f"stay finite and in its range [{low}, {high}]", f"on '{name}' sets {column} is {value}")

    def test_it_gives_the_known_answers(self) -> None:
        for vector in self.subject().vectors():
            found = self.build().measure(vector.comparison)
            for column, value in vector.expected.items():
                right = math.isclose(found[column], value, rel_tol=1e-6, abs_tol=1e-6)
                self.must(right, f"give {column} = {value} for '{vector.title}'", f"it gives {found[column]}")

    def test_it_leaves_the_comparison_alone_and_says_the_same_twice(self) -> None:
        comparison = self._sets["resampled"]
        own = comparison.select(*(np.arange(n) for n in comparison.between.shape))  # a copy of every array
        first, second = self.build().measure(own), self.build().measure(own)
        self.must(first == second, "give the same values twice", f"{first} became {second}")
        before, after = _arrays(comparison), _arrays(own)
        changed = [name for name in before if not np.array_equal(before[name], after[name], equal_nan=True)]
        self.must(not changed, "leave the comparison alone", f"it changed {changed}")

    def test_the_order_of_shapes_does_not_count(self) -> None:
        for name, comparison in self._sets.items():
            rng = numpy_generator("order", name)
            generated, reference = (rng.permutation(n) for n in comparison.between.shape)
            values, shuffled = (self.build().measure(c) for c in (comparison, comparison.select(generated, reference)))
            same = all(math.isclose(values[c], shuffled[c], rel_tol=1e-6, abs_tol=1e-9) for c in values)
            self.must(same, "be blind to the order of shapes", f"on '{name}' sets {values} became {shuffled}")

    def test_the_bad_set_that_it_sees_is_worse(self) -> None:
        metric = self.subject()
        bad, good = (self._value(self._sets[name]) for name in (metric.sees, "resampled"))
        target = metric.target
        worse = abs(bad - target) > abs(good - target) if target is not None else self._badness(bad) > self._badness(good)
        way = metric.direction if target is None else f"nearer to {target}"
        found = f"they give {bad} and {good}"
        self.must(worse, f"be worse (better is '{way}') for the set '{metric.sees}' than for one drawn again", found)

    def test_empty_samples_never_improve_it(self) -> None:
        for name in ("identical", self.subject().sees, "resampled"):
            without = self._value(self._sets[name])
            for count in (self.shapes // 2, self.shapes):
                value = self._value(self._with_empties(name, count))
                low, high = self.subject().range
                found = f"{count} of {self.shapes} empty turn '{name}' sets from {without} to {value} (they are infinitely far)"
                self.must(low <= value <= high, f"stay in its range [{low}, {high}] when samples are empty", found)
                no_better = self._badness(value) >= self._badness(without) or self._boundless(value)
                self.must(no_better, "be no better when samples come out empty", found)

    def _boundless(self, value: float) -> bool:
        """Whether a metric with a target is as far from it as can be, on whichever side."""
        return self.subject().target is not None and math.isinf(value)


def _arrays(comparison: Comparison) -> dict[str, Any]:
    """Every array of a comparison and of its parts, by name."""
    found = {f.name: getattr(comparison, f.name) for f in fields(comparison) if f.name not in ("ties", "parts")}
    for name, part in comparison.parts.items():
        for f in fields(part):
            value = getattr(part, f.name)
            found |= (
                {f"{name}.{f.name}.{k}": v for k, v in value.items()} if isinstance(value, dict) else {f"{name}.{f.name}": value}
            )
    return found
