"""The approximate matching of Fan et al. 2017 that the evaluations of PointFlow, PVD and LION call Earth Mover's distance.

Every point of the first cloud has one unit to give, every point of the second room for one. In rounds of falling sharpness s
the givers x offer what they have left, in shares proportional to exp(-s |x - y|^2) times the room left at y; each y takes at
most its room. So much of the mass that is offered at y in excess of its room is lost: the plan is not a matching, its cost is
neither a bound nor a metric, it depends on the scale of the clouds and on which of the two comes first (by 1 to 5 %).

Written from the description of the algorithm and its constants (github.com/stevenygd/PointFlow@26e8c26 and
github.com/alexzhou907/PVD@9747265, both MIT), in single precision as there.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

_FAST = {"reassoc", "nsz", "nnan", "contract"}
_TINY = np.float32(1e-9)  # in the published kernels: keeps 0 / 0 away
_ZERO, _ONE, _HALF = np.float32(0), np.float32(1), np.float32(0.5)
_LOWEST = np.float32(-87)  # below it the exponential is no normal number
_LOG2_E = np.float32(1.4426950408889634)
_LN2_HIGH, _LN2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)  # their sum is ln 2, the first exact in few bits
_C3, _C4, _C5, _C6 = (np.float32(1 / k) for k in (6, 24, 120, 720))


def _emit_as_float(context, bits):
    """The float32 whose bits these are."""

    def generate(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], ir.FloatType())

    return types.float32(types.int32), generate


_as_float: Any = intrinsic(_emit_as_float)


@njit(fastmath=_FAST, inline="always")
def _exp(x):
    """The exponential of a float32 that is not positive, to 3e-7; written out because numba does not vectorise np.exp."""
    x = x if x > _LOWEST else _LOWEST
    whole = np.int32(x * _LOG2_E - _HALF)
    r = x - np.float32(whole) * _LN2_HIGH - np.float32(whole) * _LN2_LOW
    series = _ONE + r * (_ONE + r * (_HALF + r * (_C3 + r * (_C4 + r * (_C5 + r * _C6)))))
    return series * _as_float((whole + np.int32(127)) << np.int32(23))


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST)
def _offer(x, others, room, sharpness, kernel):
    """Fill ``kernel`` [q] with exp(-s |x - y|^2) and give its sum weighted by the room that is left."""
    total = _ZERO
    for j in range(len(room)):
        a, b, c = others[0, j] - x[0], others[1, j] - x[1], others[2, j] - x[2]
        kernel[j] = _exp(-sharpness * (a * a + b * b + c * c))
        total += kernel[j] * room[j]
    return total


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST)
def _add(kernel, share, arrived):
    for j in range(len(kernel)):
        arrived[j] += kernel[j] * share


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_FAST)
def _move(x, others, kernel, taken, squared):
    """Mass that leaves ``x``, and its cost, both for a share of one."""
    mass, cost = _ZERO, _ZERO
    for j in range(len(taken)):
        a, b, c = others[0, j] - x[0], others[1, j] - x[1], others[2, j] - x[2]
        moved, gap = kernel[j] * taken[j], a * a + b * b + c * c
        mass += moved
        cost += moved * (gap if squared else np.sqrt(gap))
    return mass, cost


@njit(cache=True, nogil=True, error_model="numpy")
def soft_matching_cost(giving, taking, sharpnesses, squared):
    """Mean cost per point of the approximate matching of two clouds in coordinate planes [3, q] float32.

    ``sharpnesses`` [k] float32, falling; the cost of a unit is the distance, or its square if ``squared``.
    """
    q = giving.shape[1]
    left, room = np.ones(q, np.float32), np.ones(q, np.float32)
    share, taken, arrived = np.empty(q, np.float32), np.empty(q, np.float32), np.empty(q, np.float32)
    kernel, total = np.empty((q, q), np.float32), 0.0
    for sharpness in sharpnesses:
        arrived[:] = _ZERO
        for i in range(q):
            share[i] = left[i] / (_offer(giving[:, i], taking, room, sharpness, kernel[i]) + _TINY)
            _add(kernel[i], share[i], arrived)
        for j in range(q):
            offered = arrived[j] * room[j]
            taken[j] = room[j] * min(room[j] / (offered + _TINY), _ONE)
            room[j] = max(_ZERO, room[j] - offered)
        for i in range(q):
            mass, cost = _move(giving[:, i], taking, kernel[i], taken, squared)
            total += np.float64(share[i]) * cost
            left[i] = max(_ZERO, left[i] - share[i] * mass)
    return total / q
