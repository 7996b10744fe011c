"""What went wrong, in the user's words: an HdbenchError is a user's mistake and is shown without a traceback."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class HdbenchError(Exception):
    """A mistake that the user can mend: the message names the thing, the nearest match and the next step."""


class ShapeError(HdbenchError):
    """A shape that cannot be used (unreadable, empty, without faces); the run leaves it out, names it and counts it."""


def unknown(kind: str, name: str, known: Iterable[str], next_step: str = "") -> HdbenchError:
    """The error for a name that does not exist: what, the nearest, all, the next step."""
    names = sorted(known)
    near = [n for n in names if n.endswith(f".{name}")][:1] or get_close_matches(name, names, n=1, cutoff=0.5)
    near = near or [
        n for last in get_close_matches(name, [n.rpartition(".")[2] for n in names], n=1) for n in names if n.endswith(last)
    ]
    parts = [f"There is no {kind} named '{name}'."]
    if near:
        parts.append(f"Did you mean '{near[0]}'?")
    parts.append(f"Known: {', '.join(names) or 'none'}.")
    if next_step:
        parts.append(next_step)
    return HdbenchError(" ".join(parts))
