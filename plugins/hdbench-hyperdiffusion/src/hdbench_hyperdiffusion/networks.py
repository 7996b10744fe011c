"""Many small MLPs side by side: their storage, their forward pass, and a backward pass written by hand.

ReLU between linear layers, one logit per point. Autograd would allocate and walk a graph per step; the gradient of so
small a network is a dozen matrix products into buffers that stay in the cache.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor

from hdbench.weights import WeightLayout


def layer_layout(width: int, hidden: int, depth: int) -> WeightLayout:
    """``depth`` hidden layers of ``hidden`` units over ``width`` features: names and order of the official state_dict."""
    widths = [width, *[hidden] * depth, 1]
    names, shapes = [], []
    for k, (inputs, outputs) in enumerate(pairwise(widths)):
        names += [f"layers.{k}.weight", f"layers.{k}.bias"]
        shapes += [(outputs, inputs), (outputs,)]
    return WeightLayout(tuple(names), tuple(shapes))


def forward(layers: dict[str, Tensor], features: Tensor) -> Tensor:
    """Logits [n, q] of n networks (``layout.split(weights)``) at features [n, q, f]; positive is inside."""
    tensors, x = list(layers.values()), features
    for weight, bias in zip(tensors[:-2:2], tensors[1:-2:2]):
        x = torch.relu(torch.baddbmm(bias.unsqueeze(1), x, weight.transpose(1, 2)))
    return torch.baddbmm(tensors[-1].unsqueeze(1), x, tensors[-2].transpose(1, 2)).squeeze(2)


class Networks:
    """The weights of g networks, part by part: all first layers, then all first biases, and so on.

    So every part is one contiguous [g, ...] block, as batched products like it, and ``flat`` [g * p] is all of them at
    once, as optimisers like it.
    """

    def __init__(self, layout: WeightLayout, weights: Tensor) -> None:
        self.layout, self.count = layout, len(weights)
        self.flat = torch.cat([part.flatten() for part in weights.split(layout.sizes, dim=1)])
        blocks = self.flat.split([self.count * size for size in layout.sizes])
        self.parts = [block.view(self.count, *shape) for block, shape in zip(blocks, layout.shapes)]
        self.weights = self.parts[0::2]
        self.biases = [bias.unsqueeze(1) for bias in self.parts[1::2]]

    def zeros(self) -> Networks:
        """Networks of the same form with all weights zero."""
        return Networks(self.layout, self.flat.new_zeros(self.count, self.layout.size))

    def join(self) -> Tensor:
        """The weights [g, p]."""
        return torch.cat([part.flatten(1) for part in self.parts], dim=1)

    def spread(self, values: Tensor) -> Tensor:
        """One value per network [g] -> one per weight [g * p], in the order of ``flat``."""
        return torch.cat([values.repeat_interleave(size) for size in self.layout.sizes])


class Backward:
    """Gradients of the summed binary cross-entropy of g networks, one tile of points at a time, in buffers made once."""

    def __init__(self, networks: Networks, tile: int) -> None:
        self.networks, self.gradients = networks, networks.zeros()
        new, count = networks.flat.new_empty, networks.count
        self.activations = [new(count, tile, weight.shape[1]) for weight in networks.weights]
        self.deltas = [new(count, tile, weight.shape[1]) for weight in networks.weights[:-1]]
        self.ones = networks.flat.new_ones(count, 1, tile)

    def forward(self, features: Tensor) -> Tensor:
        """Logits [g, tile, 1]; features [g, tile, f]. The activations are kept for ``add``."""
        nets, x = self.networks, features
        last = len(nets.weights) - 1
        for k, (weight, bias, out) in enumerate(zip(nets.weights, nets.biases, self.activations)):
            torch.baddbmm(bias, x, weight.transpose(1, 2), out=out)
            x = out.relu_() if k < last else out
        return x

    def add(self, features: Tensor, labels: Tensor, importance: Tensor | None = None) -> Tensor:
        """Add this tile's gradients to ``gradients``; returns its logits [g, tile]. Labels [g, tile] are 0 or 1.

        ``importance`` [1, tile] weighs the points.
        """
        logits = self.forward(features).clone()
        delta = self.activations[-1].sigmoid_().sub_(labels.unsqueeze(2))  # d BCE / d logit
        if importance is not None:
            delta.mul_(importance.unsqueeze(2))
        for k in range(len(self.deltas), -1, -1):
            inputs = self.activations[k - 1] if k else features
            self.gradients.weights[k].baddbmm_(delta.transpose(1, 2), inputs)
            self.gradients.biases[k].baddbmm_(self.ones, delta)
            if k:
                torch.bmm(delta, self.networks.weights[k], out=self.deltas[k - 1])
                delta = _through_relu(self.deltas[k - 1], inputs)
        return logits.squeeze(2)


def _through_relu(delta: Tensor, activation: Tensor) -> Tensor:
    """``delta`` set to zero, in place, where the unit was off."""
    return torch.ops.aten.threshold_backward.grad_input(delta, activation, 0, grad_input=delta)
