"""The nouns of a table: columns and how they are read, rows and where they come from, and what may stand together.

The paper's rows stand beside ours in sections of their own, named after their data, since other shapes make other numbers.
Rows of our own must be of one protocol, whose hash and sentence are printed under the table.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from hdbench.errors import HdbenchError
from hdbench.protocol import Protocol
from hdbench.scoring.intervals import Estimate, told_apart

ARROWS = {"lower": "↓", "higher": "↑", "target": "→"}
BEST, TIED = "*", "≈"
LEGEND = f"{BEST} best of its section; {TIED} not told apart from the best; ± is 95 %; DxN: D draws of N shapes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """How a metric's column is read; ``details`` are the metric's further values, which are printed beside it."""

    name: str
    metric: str = ""
    unit: str = ""
    direction: Literal["lower", "higher", "target"] = "lower"
    target: float | None = None
    definition: str = ""
    details: tuple[str, ...] = ()

    @property
    def heading(self) -> str:
        """Such as ``MMD ↓ x100`` or ``1-NNA → 50 %``."""
        goal = f" {self.target:g}" if self.target is not None else ""
        return f"{self.name} {ARROWS[self.direction]}{goal} {self.unit}".rstrip()

    def badness(self, value: float) -> float:
        """A number that is the smaller, the better the value."""
        if self.direction == "target":
            return abs(value - (self.target or 0.0))
        return -value if self.direction == "higher" else value

    def reads_as_well(self, a: Row, b: Row) -> bool:
        """Whether the numbers do not tell two rows apart: zero lies in the interval of their paired difference. Rows that were
        not scored on one reference overlap within their own intervals; a value without an interval ties with nothing."""
        if self.name in a.estimates and self.name in b.estimates:
            return not told_apart(a.estimates[self.name], b.estimates[self.name], self.target)
        (x, x_width), (y, y_width) = a.values[self.name], b.values[self.name]
        return abs(self.badness(x) - self.badness(y)) <= x_width + y_width


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One method's numbers on one category. ``values``: column -> (value, half width of the 95 % interval, nan if unknown).

    ``empties`` is the share of samples without a surface, ``count`` the shapes per draw, ``draws`` how many draws the values are
    means of; ``note`` says how it was made. A row that was not run has no values. The paper's rows have no protocol hash.
    ``p_value``: of the test that its shapes and the reference's are alike. ``estimates`` are those of the values, where rows were
    scored on one reference and can be compared part by part.
    """

    title: str
    protocol_hash: str = ""
    category: str = ""
    values: Mapping[str, tuple[float, float]]
    estimates: Mapping[str, Estimate] = field(default_factory=dict, repr=False)
    empties: float | None = None
    count: int | None = None
    draws: int | None = None
    p_value: float | None = None
    origin: Literal["ours", "paper", "not run"] = "ours"
    note: str = ""
    section: str = "methods"

    @property
    def competes(self) -> bool:
        """Whether it is held against the other rows of its section: reference rows and differences are not."""
        return self.section == "methods"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows under columns, all of ours made by ``protocol``. Raises HdbenchError if one was not."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    protocol: Protocol
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        other = [r for r in self.rows if r.origin == "ours" and r.protocol_hash != self.protocol.hash]
        if other:
            raise HdbenchError(
                f"The row '{other[0].title}' was made by protocol {other[0].protocol_hash or '(none)'}, the table is of protocol "
                f"{self.protocol.hash} ({self.protocol.name}). Their numbers do not compare: print a table for each."
            )

    def sections(self) -> Iterator[tuple[str, list[Row]]]:
        """(heading, rows) in the order of first appearance."""
        for heading in dict.fromkeys(_heading(row) for row in self.rows):
            yield heading, [row for row in self.rows if _heading(row) == heading]

    def footer(self) -> list[str]:
        """What a reader must know to use the numbers."""
        lines = [f"protocol {self.protocol.hash} ({self.protocol.name}): {self.protocol.sentence()}", LEGEND]
        if any(r.origin == "paper" for r in self.rows):
            lines.append("The paper's rows are of other shapes and another protocol: read them beside ours, not against ours.")
        return [*lines, *self._unpaired(), *self._p_values(), *self.notes]

    def _unpaired(self) -> list[str]:
        """Which rows have no replicates to take paired differences of, as those of a run folder without its store."""
        titles = dict.fromkeys(row.title for row in self.rows if row.competes and _has_intervals_alone(row))
        said = "Compared by whole intervals, which tell fewer apart, as the store is not beside the run folder"
        return [f"{said}: {', '.join(titles)}."] if titles else []

    def _p_values(self) -> list[str]:
        """The test of every row, in one line; under their category where there are several."""
        tested = [row for row in self.rows if row.p_value is not None and math.isfinite(row.p_value)]
        categories = list(dict.fromkeys(row.category for row in tested))
        groups = [
            (f"{category}: " if len(categories) > 1 else "")
            + ", ".join(f"{row.title} {row.p_value:.2g}" for row in tested if row.category == category)
            for category in categories
        ]
        said = "Permutation p-values of 'generated and reference shapes are alike' (nearest neighbours)"
        return [f"{said}: {'; '.join(groups)}."] if groups else []


def _has_intervals_alone(row: Row) -> bool:
    estimates = [estimate for estimate in row.estimates.values() if math.isfinite(estimate.half_width)]
    return bool(estimates) and not any(estimate.replicates for estimate in estimates)


def _heading(row: Row) -> str:
    data = f"{row.category}, {'paper' if row.origin == 'paper' else 'ours'}" if row.category else row.origin
    return data if row.section == "methods" else f"{data}: {row.section} rows"
