"""Rigorous bounds of an MLP over blocks of a grid, by affine arithmetic that shares one symbol per coordinate.

On a block, each neuron is ``c + gx u + gy v + gz w`` with u, v, w in [-1, 1] common to all neurons, plus an interval of
radius e of its own: an affine form, stored as [5, ...] in the order c, gx, gy, gz, e. A linear layer maps the first four by
W and the radius by |W|; ReLU is enclosed by a chord of slope lambda and a band around it.

The radius also carries a bound of the rounding errors, those of the float32 evaluation and those of the bound itself.
Source: de Figueiredo and Stolfi 2004 (affine arithmetic); Sharp and Jacobson 2022, "Spelunking the Deep" (for neural fields).
"""

from __future__ import annotations

from collections.abc import Sequence

import numba
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

BLOCKS = 256  # per product, five rows each: two forms of a 128-wide layer fit in L2
UNIT_ROUNDOFF = 2.0**-24


class LogitBounds:
    """Bounds of the logit at grid points, for an MLP whose first layer is a sum of ``tables``, three [r, h].

    ``layers`` are the others, as (weight [in, out], bias [out]).
    """

    def __init__(self, tables: Sequence[Tensor], layers: Sequence[tuple[Tensor, Tensor]]) -> None:
        self.tables = tables
        # A float32 dot product of k terms errs by at most k u / (1 - k u) of the sum of magnitudes, in whatever order
        # (Higham 2002, section 3.1). Twice that covers the evaluation and the bound; twice again, the roundings between.
        self.rounding = 4 * (max(len(weight) for weight, _ in layers) + 8) * UNIT_ROUNDOFF
        self.layers = [(weight, weight.abs(), bias, self.rounding * bias.abs()) for weight, bias in layers]

    def over(self, blocks: NDArray[np.int64], size: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Lower and upper bounds [b] at the grid points of blocks of ``size`` cells; ``blocks`` [b, 3] are their places.

        A block owns the points on all of its sides. Where numbers overflow, the bounds are not finite or not numbers.
        """
        axes = [_segments(table, size, self.rounding) for table in self.tables]
        lower, upper = np.empty((2, len(blocks)), np.float32)
        for start in range(0, len(blocks), BLOCKS):
            form = self._logit(axes, blocks[start : start + BLOCKS])
            spread = form[1:].abs().sum(0) * (1 + self.rounding) + self.rounding * form[0].abs()
            lower[start : start + BLOCKS] = form[0] - spread
            upper[start : start + BLOCKS] = form[0] + spread
        return lower, upper

    def _logit(self, axes: Sequence[Tensor], blocks: NDArray[np.int64]) -> Tensor:
        """The affine form [5, b] of the logit on each block."""
        form = torch.empty(5, len(blocks), axes[0].shape[2])
        x, y, z = (table.numpy() for table in axes)
        sum_of_axes(x[0], y[0], z[0], blocks, form[0].numpy())
        sum_of_axes(x[2], y[2], z[2], blocks, form[4].numpy())
        for axis, table in enumerate(axes):
            torch.index_select(table[1], 0, torch.from_numpy(blocks[:, axis]), out=form[1 + axis])
        for weight, magnitude, bias, bias_rounding in self.layers:
            _enclose_relu(form.numpy(), np.float32(self.rounding))
            after = torch.empty(5, len(blocks), weight.shape[1])
            torch.mm(form[:4].view(-1, len(weight)), weight, out=after[:4].view(-1, weight.shape[1]))
            torch.addmm(bias_rounding, form[4], magnitude, out=after[4])
            after[0] += bias
            form = after
        return form[:, :, 0]


def _segments(table: Tensor, size: int, rounding: float) -> Tensor:
    """Centre, slope and radius [3, s, h] of a table [r, h] on segments of ``size`` cells, at their grid points only.

    The last segment may stick out of the grid; its missing points repeat the last one.
    """
    count = -(-(len(table) - 1) // size)
    places = (torch.arange(count)[:, None] * size + torch.arange(size + 1)).clamp(max=len(table) - 1)
    values = table.double()[places]
    slope = (values[:, -1] - values[:, 0]) / 2
    rest = values - slope[:, None] * torch.linspace(-1, 1, size + 1, dtype=torch.float64)[:, None]
    low, high = rest.amin(1), rest.amax(1)
    centre, radius = (low + high) / 2, (high - low) / 2
    radius += rounding * (centre.abs() + slope.abs() + radius)
    return torch.stack([centre, slope, radius]).float()


@numba.njit(cache=True, nogil=True)
def sum_of_axes(x, y, z, places, out):
    """out[n] = (x[i] + y[j]) + z[k] for the places [n, 3] = (i, j, k) in tables [r, h], float32."""
    for n in range(len(places)):
        i, j, k = places[n]
        for h in range(out.shape[1]):
            out[n, h] = (x[i, h] + y[j, h]) + z[k, h]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _enclose_relu(form, rounding):
    """Replace affine forms [5, b, h] by forms of their positive parts: exact where the sign is certain."""
    one, half, zero = np.float32(1), np.float32(0.5), np.float32(0)
    for n in range(form.shape[1]):
        for h in range(form.shape[2]):
            centre, x, y, z, radius = form[0, n, h], form[1, n, h], form[2, n, h], form[3, n, h], form[4, n, h]
            spread = abs(x) + abs(y) + abs(z) + radius
            low, high = centre - spread, centre + spread
            # The chord from (low, 0) to (high, high) and half its greatest distance from ReLU, which is at 0.
            chord = one if low >= zero else (zero if high <= zero else high / (high - low))
            shift = half * chord * (zero if low >= zero else -low)
            centre = chord * centre + shift
            form[0, n, h] = centre
            form[1, n, h] = chord * x
            form[2, n, h] = chord * y
            form[3, n, h] = chord * z
            form[4, n, h] = chord * radius + shift + rounding * (abs(centre) + spread)
