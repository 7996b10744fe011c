"""Minimum and maximum that numba's loops run in vectors: ``least(x, y)`` and ``most(x, y)`` of two numbers of one type.

Both comparison and selection carry fast flags: without them LLVM keeps a minimum over a loop scalar, which is seven times
slower. The flags assume finite numbers. (``hdbench.distances.lanes`` has the same for vectors of sixteen.)
"""

from __future__ import annotations

from typing import Any

from numba.core.errors import TypingError
from numba.extending import intrinsic


def _emit_least(context, x, y):
    return _select("<", x, y)


def _emit_most(context, x, y):
    return _select(">", x, y)


def _select(sign, x, y):
    """The first of two numbers where it compares by ``sign`` to the second, else the second."""
    if x != y:
        raise TypingError(f"Two numbers of one type are compared, not {x} and {y}.")

    def generate(context, builder, signature, arguments):
        a, b = arguments
        return builder.select(builder.fcmp_ordered(sign, a, b, flags=("fast",)), a, b, flags=("fast",))

    return x(x, x), generate


least: Any = intrinsic(_emit_least)
most: Any = intrinsic(_emit_most)
