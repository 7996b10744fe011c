"""The searches of operations.py as loops compiled by numba, for the CPU: the same indices and the same float32 sums.

No fast flags and no fused products, so a distance has the bits that PyTorch gives it.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from hdbench_pvd.operations import FARTHER_THAN_ALL, LANES


@njit(cache=True, nogil=True, error_model="numpy")
def furthest(coords, chosen):
    """Fill ``chosen`` [b, m] int64 with ``furthest_point_sampling`` of coords [b, 3, n] float32."""
    count = coords.shape[2]
    nearest = np.empty(count, np.float32)
    for b in range(len(coords)):
        x, y, z = coords[b, 0], coords[b, 1], coords[b, 2]
        nearest[:] = np.float32(FARTHER_THAN_ALL)
        latest = 0
        chosen[b, 0] = 0
        for k in range(1, chosen.shape[1]):
            _approach(x, y, z, latest, nearest)
            latest = _first_in_lanes(nearest, _largest(nearest))
            chosen[b, k] = latest


@njit(cache=True, nogil=True, error_model="numpy")
def _approach(x, y, z, latest, nearest):
    a, b, c = x[latest], y[latest], z[latest]
    for j in range(len(x)):
        u, v, w = x[j] - a, y[j] - b, z[j] - c
        d = u * u + v * v + w * w
        nearest[j] = d if d < nearest[j] else nearest[j]


@njit(cache=True, nogil=True, error_model="numpy")
def _largest(values):
    """The largest of values that are not negative: their bits are ordered as they are, and integers vectorise."""
    bits = values.view(np.int32)
    most = np.int32(0)
    for j in range(len(bits)):
        most = max(most, bits[j])
    return most


@njit(cache=True, nogil=True, error_model="numpy")
def _first_in_lanes(values, wanted):
    bits = values.view(np.int32)
    for lane in range(min(LANES, len(bits))):
        for j in range(lane, len(bits), LANES):
            if bits[j] == wanted:
                return j
    return 0


@njit(cache=True, nogil=True, error_model="numpy")
def balls(centres, points, limit, groups):
    """Fill ``groups`` [b, m, u] int64 with ``ball_query`` of centres [b, 3, m] and points [b, 3, n]; ``limit`` is r^2."""
    most = groups.shape[2]
    for b in range(len(points)):
        x, y, z = points[b, 0], points[b, 1], points[b, 2]
        for i in range(groups.shape[1]):
            p, q, r = centres[b, 0, i], centres[b, 1, i], centres[b, 2, i]
            found = 0
            for j in range(len(x)):
                u, v, w = p - x[j], q - y[j], r - z[j]
                if u * u + v * v + w * w < limit:
                    groups[b, i, found] = j
                    found += 1
                    if found == most:
                        break
            groups[b, i, found:] = groups[b, i, 0] if found else 0


@njit(cache=True, nogil=True, error_model="numpy")
def three_nearest(points, centres, indices, distances):
    """Fill ``indices`` and ``distances`` (squared) [b, 3, n] with the centres [b, 3, m] nearest to points [b, 3, n]."""
    far = np.float32(np.inf)
    for b in range(len(points)):
        x, y, z = centres[b, 0], centres[b, 1], centres[b, 2]
        for i in range(points.shape[2]):
            p, q, r = points[b, 0, i], points[b, 1, i], points[b, 2, i]
            d0, d1, d2, i0, i1, i2 = far, far, far, 0, 0, 0
            for j in range(len(x)):
                u, v, w = p - x[j], q - y[j], r - z[j]
                d = u * u + v * v + w * w
                if d < d2:
                    if d < d1:
                        d2, i2 = d1, i1
                        if d < d0:
                            d1, i1, d0, i0 = d0, i0, d, j
                        else:
                            d1, i1 = d, j
                    else:
                        d2, i2 = d, j
            distances[b, 0, i], distances[b, 1, i], distances[b, 2, i] = d0, d1, d2
            indices[b, 0, i], indices[b, 1, i], indices[b, 2, i] = i0, i1, i2


@njit(cache=True, nogil=True, error_model="numpy")
def add_rows(rows, index, out):
    """Add rows [k, c] to those of ``out`` [m, c] at ``index`` [k]."""
    for i in range(len(index)):
        to, row = out[index[i]], rows[i]
        for c in range(len(row)):
            to[c] += row[c]


@njit(cache=True, nogil=True, error_model="numpy")
def spread_rows(rows, index, weights, out):
    """Add rows [k, c], times their weights [k, j], to those of ``out`` [m, c] at ``index`` [k, j]."""
    for i in range(len(index)):
        row = rows[i]
        for j in range(index.shape[1]):
            to, weight = out[index[i, j]], weights[i, j]
            for c in range(len(row)):
                to[c] += weight * row[c]
