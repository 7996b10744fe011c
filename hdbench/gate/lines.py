"""The nouns of a verdict: a line per method and metric, and all lines together."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

ALPHA = 0.01
NAN = math.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One question and its answer. ``worse``: by how much the run is worse (negative: better), in the metric's ``unit``;
    ``fails_from``: the worsening from which on it would fail alone; ``p_value`` is adjusted for the number of questions."""

    row: str
    name: str
    value: float = NAN
    half_width: float = NAN
    reference: float = NAN
    reference_half_width: float = NAN
    unit: str = ""
    worse: float = NAN
    tolerated: float = 0.0
    p_value: float = 1.0
    fails_from: float = NAN
    verdict: Literal["pass", "fail", "not gated"] = "pass"
    reason: str = ""
    kind: Literal["metric", "time"] = "metric"

    @property
    def failed(self) -> bool:
        return self.verdict == "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """All lines, and what a reader should know."""

    run: str
    against: str
    lines: tuple[Line, ...]
    notes: tuple[str, ...] = ()
    alpha: float = ALPHA

    @property
    def passed(self) -> bool:
        return not any(line.failed for line in self.lines)
