"""Neuron alignment: the order of an MLP's hidden units is arbitrary, so it is chosen to be like that of one anchor.

Layer after layer, the units are matched to the anchor's by a linear assignment that maximises the inner product of all weights
that touch them, with the other layers as they are, until nothing changes: the distance to the anchor only falls. The function
that an MLP computes stays the same, for its numbers are only moved.
Source: Ainsworth, Hayase, Srinivasa 2023, Git Re-Basin, section 3.2 (weight matching).
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from hdbench.weights import WeightLayout

PASSES = 100  # never reached: every pass but the last brings the weights nearer

Array = NDArray[np.float64]
Parts = list[NDArray[np.float64]]  # weight [out, in], bias [out], weight, bias, ...


def aligned(weights: Tensor, layout: WeightLayout, anchor: Tensor) -> Tensor:
    """``weights`` [n, p] with the hidden units of each MLP in the order that is nearest to the ``anchor`` [p]."""
    target = _parts(anchor, layout)
    rows = []
    for row in weights:
        orders = matching(_parts(row, layout), target)
        rows.append(torch.cat([part.flatten() for part in _reordered(layout.split(row[None]), orders)]))
    return torch.stack(rows) if rows else weights


def matching(parts: Parts, target: Parts) -> list[NDArray[np.int64]]:
    """For each hidden layer, which unit takes the place of each of the target's."""
    orders = [np.arange(len(bias)) for bias in parts[1:-1:2]]
    for _ in range(PASSES):
        before = [order.copy() for order in orders]
        for layer in range(len(orders)):
            orders[layer] = _assigned(_likeness(parts, target, orders, layer), orders[layer])
        if all(np.array_equal(a, b) for a, b in zip(before, orders)):
            break
    return orders


def _likeness(parts: Parts, target: Parts, orders: list[NDArray[np.int64]], layer: int) -> Array:
    """Inner products [h, h] of what touches the target's units (rows) and ours (columns)."""
    incoming, bias, outgoing = parts[2 * layer], parts[2 * layer + 1], parts[2 * layer + 2]
    if layer:
        incoming = incoming[:, orders[layer - 1]]
    if layer + 1 < len(orders):
        outgoing = outgoing[orders[layer + 1]]
    wanted_in, wanted_bias, wanted_out = target[2 * layer : 2 * layer + 3]
    return np.asarray(wanted_in @ incoming.T + np.outer(wanted_bias, bias) + wanted_out.T @ outgoing)


def _assigned(likeness: Array, order: NDArray[np.int64]) -> NDArray[np.int64]:
    """The best assignment, or the one there is if that is as good: ties must not go in circles."""
    rows, columns = linear_sum_assignment(likeness, maximize=True)
    gain = likeness[rows, columns].sum() - likeness[rows, order].sum()
    return columns if gain > 1e-9 * np.abs(likeness).max() else order


def _reordered(layers: dict[str, Tensor], orders: list[NDArray[np.int64]]) -> list[Tensor]:
    """The parts of one MLP with its hidden units in this order."""
    parts = [part[0] for part in layers.values()]
    for layer, order in enumerate(orders):
        index = torch.from_numpy(order).to(parts[0].device)
        parts[2 * layer], parts[2 * layer + 1] = parts[2 * layer][index], parts[2 * layer + 1][index]
        parts[2 * layer + 2] = parts[2 * layer + 2][:, index]
    return parts


def _parts(row: Tensor, layout: WeightLayout) -> Parts:
    return [part[0].detach().cpu().double().numpy() for part in layout.split(row[None]).values()]
