"""The inner loops of Chamfer distances, compiled by numba for whatever vector unit the machine has.

Exact distances prune by leaves. A leaf of 16 queries first visits the two leaves of targets whose centres are nearest, then those
whose box is nearer than the worst of its 16 best distances so far, if it is nearer to one of the queries than that query's best.

Nothing is lost by rounding, and no slack is needed: a bound is computed like a distance (differences, then x^2, + y^2, + z^2),
from coordinates that are at most as far apart, and every rounded operation is monotone; so a bound is at most the computed
distance to any point of the box. The minima are those of brute force, bit for bit, and do not depend on the order of visits.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from hdbench.distances.lanes import (
    WIDTH,
    element,
    first,
    instead,
    largest,
    least,
    less,
    load,
    lowest_bit,
    most,
    mul,
    muladd,
    smallest,
    splat,
    sub,
    tag,
    tagged,
    total,
)

LEAF = 3 * WIDTH  # floats of a leaf

_INFINITE = np.float32(np.inf)
_ZERO = np.float32(0)
_ONE = np.uint64(1)
_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)


@njit(cache=True, nogil=True, error_model="numpy")
def _visit(x, y, z, points, leaf, best):
    """Bring ``best`` up to date with a leaf of targets, which pass by one at a time while the queries stay in registers."""
    start = leaf * LEAF
    for k in range(start, start + WIDTH):
        dx, dy, dz = sub(x, element(points, k)), sub(y, element(points, k + WIDTH)), sub(z, element(points, k + 2 * WIDTH))
        best = least(muladd(dz, dz, muladd(dy, dy, mul(dx, dx))), best)
    return best


@njit(cache=True, nogil=True, error_model="numpy")
def _gap(own, leaf, other, start, axis):
    """How far box ``leaf`` of ``own`` and 16 boxes of ``other`` are apart along an axis."""
    n, m = own.shape[1], other.shape[1]
    above = sub(load(other, axis * m + start), element(own, (axis + 3) * n + leaf))
    below = sub(element(own, axis * n + leaf), load(other, (axis + 3) * m + start))
    return most(most(above, below), splat(_ZERO))


@njit(cache=True, nogil=True, error_model="numpy")
def _box_to_boxes(own, leaf, other, start):
    """Lower bounds of the squared distances from a box to 16 boxes."""
    dx, dy, dz = _gap(own, leaf, other, start, 0), _gap(own, leaf, other, start, 1), _gap(own, leaf, other, start, 2)
    return muladd(dz, dz, muladd(dy, dy, mul(dx, dx)))


@njit(cache=True, nogil=True, error_model="numpy")
def _points_to_box(x, y, z, other, leaf):
    """Squared distances from 16 points to a box."""
    m = other.shape[1]
    dx = sub(x, least(most(x, element(other, leaf)), element(other, 3 * m + leaf)))
    dy = sub(y, least(most(y, element(other, m + leaf)), element(other, 4 * m + leaf)))
    dz = sub(z, least(most(z, element(other, 2 * m + leaf)), element(other, 5 * m + leaf)))
    return muladd(dz, dz, muladd(dy, dy, mul(dx, dx)))


@njit(cache=True, nogil=True, error_model="numpy")
def _two_nearest(own, leaf, other, leaves):
    """The two leaves of ``other`` whose centres are nearest to that of ``leaf``: where to start, whatever rounding says."""
    n, m = own.shape[1], other.shape[1]
    x, y, z = element(own, 6 * n + leaf), element(own, 7 * n + leaf), element(own, 8 * n + leaf)
    nearest = second = splat(_INFINITE)
    for start in range(0, m, WIDTH):
        dx = sub(load(other, 6 * m + start), x)
        dy = sub(load(other, 7 * m + start), y)
        dz = sub(load(other, 8 * m + start), z)
        squared = tag(muladd(dz, dz, muladd(dy, dy, mul(dx, dx))), start)
        second = least(second, most(nearest, squared))
        nearest = least(nearest, squared)
    one = smallest(nearest)
    two = smallest(instead(nearest, splat(one), second))
    return min(tagged(one), leaves - 1), min(tagged(two), leaves - 1)


@njit(cache=True, nogil=True, error_model="numpy", inline="always")  # 8 % faster than a call
def leaf_minima(points, boxes, leaf, targets, target_boxes, found):
    """Squared distance of each query of a leaf to the nearest target. ``found`` is room for the numbers of all leaves."""
    start, leaves = leaf * LEAF, targets.shape[0]
    x, y, z = load(points, start), load(points, start + WIDTH), load(points, start + 2 * WIDTH)
    one, two = _two_nearest(boxes, leaf, target_boxes, leaves)
    best = _visit(x, y, z, targets, two, _visit(x, y, z, targets, one, splat(_INFINITE)))
    worst, count = splat(largest(best)), np.int64(0)
    for begin in range(0, leaves, 64):
        near = np.uint64(0)
        for k in range(0, min(64, target_boxes.shape[1] - begin), WIDTH):
            near |= less(_box_to_boxes(boxes, leaf, target_boxes, begin + k), worst) << np.uint64(k)
        if leaves - begin < 64:
            near &= _ALL >> np.uint64(64 - (leaves - begin))
        while near:  # without a branch: half of them would be mispredicted
            candidate = begin + lowest_bit(near)
            near &= near - _ONE
            found[count] = candidate
            nearer = less(_points_to_box(x, y, z, target_boxes, candidate), best) != 0
            count += np.int64(nearer & (candidate != one) & (candidate != two))
    for k in range(count):
        best = _visit(x, y, z, targets, found[k], best)
    return best


@njit(cache=True, nogil=True, error_model="numpy")
def _one_way(a, i, b, j, frames, found, enough):
    """Sum over the points of sequence i of ``a`` of the squared distance to the nearest point of sequence j of ``b``, frame by
    frame; given up as soon as it is more than ``enough``."""
    result = 0.0
    for t in range(frames):
        points, boxes = a.points[i * frames + t], a.boxes[i * frames + t]
        targets, target_boxes = b.points[j * frames + t], b.boxes[j * frames + t]
        for leaf in range(points.shape[0]):
            best = leaf_minima(points, boxes, leaf, targets, target_boxes, found)
            result += total(first(best, min(WIDTH, a.points_each - leaf * WIDTH)))
            if result > enough:
                return result
    return result


@njit(cache=True, nogil=True, error_model="numpy")
def exact_pairs(a, b, frames, rows, columns, limits, back_bounds, out):
    """Distances of the listed pairs of sequences (Leaves [n t] and [m t]), mean over frames, into ``out`` [p].

    A pair is given up, and comes out infinite, once it is certain to be more than ``limits`` [p]; ``back_bounds`` [p] are lower
    bounds of the mean from b to a. For no limits hand over one element each: infinity and 0.
    """
    found = np.empty(max(a.points.shape[1], b.points.shape[1]) + 1, np.int32)
    for k in range(len(rows)):
        i, j = rows[k], columns[k]
        limit, back_bound = limits[min(k, len(limits) - 1)], back_bounds[min(k, len(back_bounds) - 1)]
        most_sum = limit * frames * (1 + 1e-9)  # far more than float64 loses between a sum and its mean: ties are never given up
        out[k] = np.inf
        enough = (most_sum - back_bound * frames) * a.points_each
        there = _one_way(a, i, b, j, frames, found, enough)
        if there <= enough:
            back = _one_way(b, j, a, i, frames, found, (most_sum - there / a.points_each) * b.points_each)
            distance = (there / a.points_each + back / b.points_each) / frames
            if distance <= limit:
                out[k] = distance
