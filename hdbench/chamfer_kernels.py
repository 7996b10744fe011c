"""The inner loops of Chamfer distances, compiled by numba for whatever vector unit the machine has.

Exact distances prune by leaves: a cloud is a kd-tree's leaves of 16 points with their boxes, and a leaf of queries visits only
those leaves of targets whose box is nearer than the worst of its 16 best distances so far. What is left out cannot matter, so
the minima are those of brute force, bit for bit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

LEAF = 16  # points per leaf: the lanes of a vector

_FAR = np.float32(3e38)
_ZERO = np.float32(0)
_TWO = np.float32(2)  # a Python 2 would turn the arithmetic into float64
_SLACK = np.float32(1 - 1e-6)  # so that rounding never prunes a leaf that holds the nearest point


def _emit_least(context, a, b):
    """The smaller of two float32. Both comparison and selection carry fast flags: without them LLVM keeps a minimum over a
    loop scalar, which is seven times slower."""

    def generate(context, builder, signature, arguments):
        x, y = arguments
        return builder.select(builder.fcmp_ordered("<", x, y, flags=("fast",)), x, y, flags=("fast",))

    return types.float32(types.float32, types.float32), generate


def _emit_fused(context, a, b, c):
    """a * b + c of float32, rounded once."""

    def generate(context, builder, signature, arguments):
        return builder.fma(*arguments)

    return types.float32(types.float32, types.float32, types.float32), generate


def _emit_most(context, a, b):
    """The larger of two float32, as ``_least``."""

    def generate(context, builder, signature, arguments):
        x, y = arguments
        return builder.select(builder.fcmp_ordered(">", x, y, flags=("fast",)), x, y, flags=("fast",))

    return types.float32(types.float32, types.float32), generate


def _emit_visit(context, a, g, b, j, best):
    """Bring ``best`` [16] of the points of leaf ``g`` of ``a`` up to date with leaf ``j`` of ``b``; gives its maximum.

    The 16 queries stay in vector registers while the targets pass by one at a time.
    """
    vector = ir.VectorType(ir.FloatType(), LEAF)

    def generate(context, builder, signature, arguments):
        def leaf(array, kind, index):
            data = context.make_array(kind)(context, builder, array).data
            return builder.gep(data, [builder.mul(index, ir.Constant(index.type, 4 * LEAF))])

        def row(pointer, k):
            start = builder.gep(pointer, [ir.Constant(ir.IntType(64), k)])
            return builder.load(builder.bitcast(start, vector.as_pointer()), align=4, typ=vector)

        def point(pointer, k):
            value = builder.load(builder.gep(pointer, [ir.Constant(ir.IntType(64), k)]), typ=ir.FloatType())
            first = builder.insert_element(ir.Constant(vector, ir.Undefined), value, ir.Constant(ir.IntType(32), 0))
            everywhere = ir.Constant(ir.VectorType(ir.IntType(32), LEAF), [0] * LEAF)
            return builder.shuffle_vector(first, ir.Constant(vector, ir.Undefined), everywhere)

        queries, targets = (leaf(arguments[n], signature.args[n], arguments[n + 1]) for n in (0, 2))
        nearest = context.make_array(signature.args[4])(context, builder, arguments[4]).data
        found, axes = row(nearest, 0), [row(queries, axis * LEAF) for axis in range(3)]
        for k in range(LEAF):
            squared = None
            for axis in range(3):
                gap = builder.fsub(axes[axis], point(targets, axis * LEAF + k), flags=("fast",))
                term = builder.fmul(gap, gap, flags=("fast",))
                squared = term if squared is None else builder.fadd(squared, term, flags=("fast",))
            closer = builder.fcmp_ordered("<", squared, found, flags=("fast",))
            found = builder.select(closer, squared, found, flags=("fast",))
        builder.store(found, builder.bitcast(nearest, vector.as_pointer()), align=4)
        kind = ir.FunctionType(ir.FloatType(), [vector])
        maximum = cgutils.get_or_insert_function(builder.module, kind, f"llvm.vector.reduce.fmax.v{LEAF}f32")
        return builder.call(maximum, [found], fastmath=("fast",))

    return types.float32(a, types.intp, b, types.intp, best), generate


_least: Any = intrinsic(_emit_least)
_most: Any = intrinsic(_emit_most)
_fused: Any = intrinsic(_emit_fused)
_visit: Any = intrinsic(_emit_visit)


@njit(cache=True, nogil=True, error_model="numpy")
def _mean(values, count):
    total = 0.0
    for i in range(count):
        total += values[i]
    return total / count


@njit(cache=True, nogil=True, error_model="numpy", fastmath=True)
def _bound(low, high, boxes, start, bounds):
    """Lower bounds of the squared distances from a box to 16 boxes of [6, l], and the lowest of them."""
    lowest = _FAR
    for j in range(start, start + LEAF):
        x = _most(_most(boxes[0, j] - high[0], low[0] - boxes[3, j]), _ZERO)
        y = _most(_most(boxes[1, j] - high[1], low[1] - boxes[4, j]), _ZERO)
        z = _most(_most(boxes[2, j] - high[2], low[2] - boxes[5, j]), _ZERO)
        bounds[j] = (x * x + y * y + z * z) * _SLACK
        lowest = _least(lowest, bounds[j])
    return lowest


@njit(cache=True, nogil=True, error_model="numpy", fastmath=True)
def _one_way(a, a_boxes, b, b_boxes, bounds, groups, best):
    """Sum over the points of ``a`` of the squared distance to the nearest point of ``b``; both are leaves [l, 4, 16].

    For each leaf of ``a``: visit the nearest leaf of ``b``, then every leaf whose box is nearer than the worst point's best.
    """
    total = 0.0
    for g in range(a.shape[0]):
        closest, lowest = 0, _FAR
        for group in range(b_boxes.shape[1] // LEAF):
            groups[group] = _bound(a_boxes[:3, g], a_boxes[3:, g], b_boxes, group * LEAF, bounds)
            if groups[group] < lowest:
                closest, lowest = group, groups[group]
        nearest = closest * LEAF
        while bounds[nearest] != lowest and nearest < closest * LEAF + LEAF - 1:
            nearest += 1
        for k in range(LEAF):
            best[k] = _FAR
        worst = _visit(a, g, b, nearest, best)
        bounds[nearest] = _FAR
        for group in range(b_boxes.shape[1] // LEAF):
            if groups[group] < worst:
                for j in range(group * LEAF, (group + 1) * LEAF):
                    if bounds[j] < worst:
                        worst = _visit(a, g, b, j, best)
        for k in range(LEAF):
            total += np.float64(best[k]) * a[g, 3, k]
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def exact_pairs(a, a_boxes, b, b_boxes, q, s, rows, columns, out):
    """Distances of the listed pairs of sequences; leaves [n, t, l, 4, 16] and boxes [n, t, 6, l'], q and s points each."""
    bounds, best = np.empty(max(a_boxes.shape[3], b_boxes.shape[3]), np.float32), np.empty(LEAF, np.float32)
    groups = np.empty(len(bounds) // LEAF, np.float32)
    for k in range(len(rows)):
        i, j, total = rows[k], columns[k], 0.0
        for t in range(a.shape[1]):
            there = _one_way(a[i, t], a_boxes[i, t], b[j, t], b_boxes[j, t], bounds, groups, best)
            back = _one_way(b[j, t], b_boxes[j, t], a[i, t], a_boxes[i, t], bounds, groups, best)
            total += there / q + back / s
        out[k] = total / a.shape[1]


@njit(cache=True, nogil=True, error_model="numpy")
def _gram_minima(a, b, row, column):
    """The same minima over |a|^2 + |b|^2 - 2ab in single precision, rounded where the matrix product of the released code
    rounds: x first, then y and z by fused multiply-add."""
    norm = np.empty_like(column)
    for j in range(b.shape[1]):
        norm[j] = _fused(b[2, j], b[2, j], _fused(b[1, j], b[1, j], b[0, j] * b[0, j]))
        column[j] = _FAR
    for i in range(a.shape[1]):
        x, y, z = a[0, i], a[1, i], a[2, i]
        own = _fused(z, z, _fused(y, y, x * x))
        least = _FAR
        for j in range(b.shape[1]):
            product = _fused(z, b[2, j], _fused(y, b[1, j], x * b[0, j]))
            d = (own + norm[j]) - _TWO * product
            least = _least(least, d)
            column[j] = _least(column[j], d)
        row[i] = least


@njit(cache=True, nogil=True, error_model="numpy")
def gram_pairs(a, b, q, s, rows, columns, out):
    """Distances of the listed pairs of sequences in coordinate planes [n, t, 3, q]."""
    row, column = np.empty(a.shape[3], np.float32), np.empty(b.shape[3], np.float32)
    for k in range(len(rows)):
        total = 0.0
        for t in range(a.shape[1]):
            _gram_minima(a[rows[k], t], b[columns[k], t], row, column)
            total += _mean(row, q) + _mean(column, s)
        out[k] = total / a.shape[1]
