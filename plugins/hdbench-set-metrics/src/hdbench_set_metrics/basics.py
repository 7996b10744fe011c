"""What the metrics of this plugin share."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class NoSettings:
    """These metrics have nothing to set: what could vary belongs to the protocol."""


def ratio(part: float, of: float) -> float:
    """``part / of``; 1 for 0 / 0, infinite for anything else over 0."""
    if of == 0:
        return 1.0 if part == 0 else float("inf")
    return float(part / of)
