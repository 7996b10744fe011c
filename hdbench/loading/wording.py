"""Phrases that messages of loaders share."""

from __future__ import annotations

from collections.abc import Sequence


def some(names: Sequence[object], limit: int = 5) -> str:
    """The first names of a list and how many more there are: ``a, b, c and 12 more``."""
    shown = ", ".join(str(name) for name in names[:limit])
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit} more"


def plural(count: int, noun: str) -> str:
    """Such as ``1 shape`` and ``2 shapes``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}{'es' if noun.endswith(('s', 'h')) else 's'}"


def first_line(error: BaseException, limit: int = 150) -> str:
    """An error of a foreign reader in one line: its type and where it begins to speak."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:limit]}" if lines else type(error).__name__
