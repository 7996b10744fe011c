"""Numbers in JSON, which has neither nan nor infinity: nan is null, the infinities are the strings ``inf`` and ``-inf``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

_INFINITE = {"inf": math.inf, "-inf": -math.inf}


def plain(value: Any) -> Any:
    """Plain values as JSON can hold them; keys become strings, tuples lists."""
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else ("inf" if value > 0 else "-inf")
    return value


def number(value: float | str | None) -> float:
    """The inverse of ``plain`` for a value that is known to be a number."""
    if value is None:
        return math.nan
    return _INFINITE[value] if isinstance(value, str) else value
