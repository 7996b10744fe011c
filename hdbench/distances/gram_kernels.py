"""The released code's distances, |a|^2 + |b|^2 - 2ab in single precision: they may come out negative, and exist to reproduce
published numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import intrinsic

from hdbench.distances.minima import least as _least

_FAR = np.float32(3e38)
_TWO = np.float32(2)  # a Python 2 would turn the arithmetic into float64


def _emit_fused(context, a, b, c):
    """a * b + c of float32, rounded once."""

    def generate(context, builder, signature, arguments):
        return builder.fma(*arguments)

    return types.float32(types.float32, types.float32, types.float32), generate


_fused: Any = intrinsic(_emit_fused)


@njit(cache=True, nogil=True, error_model="numpy")
def _mean(values, count):
    total = 0.0
    for i in range(count):
        total += values[i]
    return total / count


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
