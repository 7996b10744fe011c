"""The network that sees one noised point, the noise level and the shape's code, and predicts the point's noise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

SLOPE = 0.01  # of the leaky rectifiers

Affine = tuple[Tensor, Tensor]  # weights [b, in, out] and biases [b, 1, out]


class ConcatSquash(nn.Module):
    """(W x + a) * sigmoid(G c + g) + B c: a linear map whose outputs the context c gates and shifts."""

    def __init__(self, inputs: int, outputs: int, context: int) -> None:
        super().__init__()
        self._layer = nn.Linear(inputs, outputs)
        self._hyper_bias = nn.Linear(context, outputs, bias=False)
        self._hyper_gate = nn.Linear(context, outputs)

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        """x [b, n, in], context [b, c] -> [b, n, out]."""
        gate, shift = torch.sigmoid(self._hyper_gate(context)), self._hyper_bias(context)
        return torch.addcmul(shift[:, None], self._layer(x), gate[:, None])


class PointwiseNet(nn.Module):
    """Points do not see each other; what makes a shape of them is the code that they share."""

    def __init__(self, latent: int, widths: Sequence[int], residual: bool = True) -> None:
        super().__init__()
        self.residual = residual
        sizes = (3, *widths, 3)
        self.layers = nn.ModuleList(ConcatSquash(a, b, latent + 3) for a, b in pairwise(sizes))

    def forward(self, points: Tensor, betas: Tensor, codes: Tensor) -> Tensor:
        """Points [b, n, 3] at noise of ``betas`` [b], codes [b, latent] -> their noise [b, n, 3]."""
        context = torch.cat([time_features(betas), codes], 1)
        x = points
        for i, layer in enumerate(self.layers):
            x = layer(functional.leaky_relu_(x, SLOPE) if i else x, context)
        return points + x if self.residual else x

    def for_codes(self, codes: Tensor, betas: Tensor) -> GatedNet:
        """The same network, prepared for clouds of these ``codes`` [b, latent] at all noise levels ``betas`` [t]."""
        return GatedNet(self, codes, betas)


def time_features(betas: Tensor) -> Tensor:
    """betas [b] -> [b, 3]: DPC tells the time by the noise itself."""
    return torch.stack([betas, betas.sin(), betas.cos()], 1)


class GatedNet:
    """A PointwiseNet of which the codes are known. What its gates owe to the codes and to the levels is computed once; at a
    level, each layer is then one affine map per cloud, with the gate in its weights: no pass over the points is spent on gates.
    """

    def __init__(self, net: PointwiseNet, codes: Tensor, betas: Tensor) -> None:
        self.residual, features = net.residual, time_features(betas)
        self.layers = [_prepared(layer, codes, features) for layer in net.layers]  # type: ignore[arg-type]

    def at(self, level: int) -> list[Affine]:
        """The affine maps at the level of this index in ``betas``."""
        return list(self._maps(level))

    def _maps(self, level: int) -> Iterator[Affine]:
        for weight, bias, gates, shifts in self.layers:
            gate = torch.sigmoid(gates[0][level] + gates[1])[:, None]  # [b, 1, out]
            yield weight * gate, torch.addcmul((shifts[0][level] + shifts[1])[:, None], gate, bias)

    def __call__(self, points: Tensor, maps: Sequence[Affine]) -> Tensor:
        """Points [b, n, 3], and what ``at`` gave for their level -> their noise [b, n, 3]."""
        x = points
        for i, (weight, bias) in enumerate(maps):
            x = torch.baddbmm(bias, functional.leaky_relu_(x, SLOPE) if i else x, weight)
        return x.add_(points) if self.residual else x


def _prepared(layer: ConcatSquash, codes: Tensor, times: Tensor) -> tuple[Tensor, Tensor, Affine, Affine]:
    """Weights [in, out], bias [out], and of gates and shifts the parts by level [t, out] and by cloud [b, out]."""
    gate, shift = layer._hyper_gate, layer._hyper_bias
    gates = functional.linear(times, gate.weight[:, :3], gate.bias), functional.linear(codes, gate.weight[:, 3:])
    shifts = functional.linear(times, shift.weight[:, :3]), functional.linear(codes, shift.weight[:, 3:])
    return layer._layer.weight.mT.contiguous(), layer._layer.bias, gates, shifts
