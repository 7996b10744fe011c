"""How much worse a metric may be: ``METRIC=VALUE`` in its unit, ``METRIC=5%`` of the reference's value, ``METRIC=off``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hdbench.errors import HdbenchError, unknown

EMPTY = "empty"  # the share of samples without a surface, gated like a metric; its unit is percent


@dataclass(frozen=True, slots=True)
class Threshold:
    """What is tolerated beyond the reference; ``off`` takes the metric out of the gate."""

    value: float = 0.0
    relative: bool = False
    off: bool = False

    def worsening(self, reference: float) -> float:
        """In the metric's unit."""
        return abs(reference) * self.value if self.relative else self.value


def thresholds(assignments: Sequence[str], known: Sequence[str]) -> dict[str, Threshold]:
    """{name as it was written: threshold}. Raises HdbenchError for names that are not ``known`` and for what is no number."""
    found = {}
    for assignment in assignments:
        name, equals, text = (part.strip() for part in assignment.partition("="))
        if not equals or not text:
            raise HdbenchError(
                f"'{assignment}' is not of the form METRIC=VALUE. Write for example 'MMD=0.2', 'MMD=5%' or 'COV=off'."
            )
        if name not in known:
            raise unknown("metric to set a threshold for", name, known)
        found[name] = _parsed(name, text)
    return found


def _parsed(name: str, text: str) -> Threshold:
    if text == "off":
        return Threshold(off=True)
    try:
        value = float(text.removesuffix("%"))
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise HdbenchError(f"The threshold of '{name}' must be a number of 0 or more, a percentage or 'off', but it is '{text}'.")
    return Threshold(value / 100, relative=True) if text.endswith("%") else Threshold(value)
