"""What a check of the machine or of a checkout finds: a level, what it is, what was found, what to do next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """``fail``: what is needed does not work; ``warn``: it may not; ``step`` is what to do about it."""

    level: Level
    what: str
    found: str
    step: str = ""


def needed(holds: object, what: str, found: str, step: str) -> Finding:
    """Fails unless it holds."""
    return Finding("ok", what, found) if holds else Finding("fail", what, found, step)


def wanted(holds: object, what: str, found: str, step: str) -> Finding:
    """Warns unless it holds."""
    return Finding("ok", what, found) if holds else Finding("warn", what, found, step)
