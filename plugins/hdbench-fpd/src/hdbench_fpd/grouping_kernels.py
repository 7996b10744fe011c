"""The loops of PointNet++'s grouping, compiled by numba: farthest points, balls, rows of balls and their maxima.

Distances are plain float32 sums of squares without fused products, so that every machine and PyTorch decide alike which point
is in a ball; only comparisons carry fast flags, which cannot change a result for finite numbers.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from hdbench.distances.minima import least, most


@njit(cache=True, nogil=True, error_model="numpy")
def _first(values, wanted):
    """The lowest index at which ``values`` hold ``wanted``."""
    for i in range(len(values)):
        if values[i] == wanted:
            return i
    return 0


@njit(cache=True, nogil=True, error_model="numpy")
def farthest_points(x, y, z, start, chosen):
    """Fill ``chosen`` [s]: ``start``, then always the point that is farthest from all chosen ones, the first of equals."""
    nearest = np.full(len(x), np.float32(np.inf))
    for k in range(len(chosen)):
        chosen[k] = start
        a, b, c = x[start], y[start], z[start]
        for j in range(len(x)):
            u, v, w = x[j] - a, y[j] - b, z[j] - c
            nearest[j] = least(nearest[j], u * u + v * v + w * w)
        farthest = np.float32(0)
        for j in range(len(x)):
            farthest = most(farthest, nearest[j])
        start = _first(nearest, farthest)


@njit(cache=True, nogil=True, error_model="numpy")
def balls(x, y, z, centres, squared_radius, most, members, starts):
    """Fill ``members`` with the first ``most`` points within the radius of each centre; ball i is ``starts[i]:starts[i + 1]``."""
    count = 0
    for i in range(len(centres)):
        starts[i] = count
        a, b, c = x[centres[i]], y[centres[i]], z[centres[i]]
        for j in range(len(x)):
            u, v, w = x[j] - a, y[j] - b, z[j] - c
            if u * u + v * v + w * w <= squared_radius:
                members[count] = j
                count += 1
                if count - starts[i] == most:
                    break
    starts[len(centres)] = count


@njit(cache=True, nogil=True, error_model="numpy")
def gather_rectified(points, centres, members, starts, out):
    """Row m of ``out`` is max(points[members[m]] - centres[i], 0) for the ball i that m lies in; all [., c] float32."""
    for i in range(len(starts) - 1):
        for m in range(starts[i], starts[i + 1]):
            j = members[m]
            for k in range(points.shape[1]):
                out[m, k] = most(points[j, k] - centres[i, k], np.float32(0))


@njit(cache=True, nogil=True, error_model="numpy")
def maxima(rows, starts, out):
    """Row i of ``out`` [s, c] is the maximum over the rows of ball i; no ball is empty."""
    for i in range(len(starts) - 1):
        for k in range(rows.shape[1]):
            out[i, k] = rows[starts[i], k]
        for m in range(starts[i] + 1, starts[i + 1]):
            for k in range(rows.shape[1]):
                out[i, k] = most(out[i, k], rows[m, k])
