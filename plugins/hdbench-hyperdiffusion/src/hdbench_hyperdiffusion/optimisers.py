"""Adam and Muon over many networks at once, in place, without a graph.

Adam: Kingma and Ba 2015, algorithm 1. Muon: Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural
networks" (kellerjordan.github.io/posts/muon): momentum whose matrix is replaced by the nearest orthogonal one, found by
a few Newton-Schulz steps; for the two-dimensional weights of hidden layers, with Adam for the rest.
"""

from __future__ import annotations

from math import sqrt

import torch
from torch import Tensor

from hdbench_hyperdiffusion.networks import Networks

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)  # quintic that drives singular values to about 1; Jordan et al. 2024
MUON_RATE = 4.0  # Muon's step, in units of the learning rate that Adam has for the other weights
MUON_MOMENTUM = 0.95


class Adam:
    """Adam over ``networks.flat``; ``share`` [g] multiplies each network's learning rate."""

    def __init__(self, networks: Networks, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8) -> None:
        self.networks, self.beta1, self.beta2, self.epsilon = networks, beta1, beta2, epsilon
        self.mean, self.square, self.scratch = (torch.zeros_like(networks.flat) for _ in range(3))
        self.share = torch.ones_like(networks.flat)
        self.count = 0

    def set_share(self, share: Tensor) -> None:
        """Give each network its own share of the learning rate, [g]."""
        self.share.copy_(self.networks.spread(share))

    def step(self, gradients: Networks, rate: float) -> None:
        """One step with learning rate ``rate``; changes the networks in place."""
        self.count += 1
        root = sqrt(1 - self.beta2**self.count)
        g = gradients.flat
        self.mean.lerp_(g, 1 - self.beta1)
        self.square.mul_(self.beta2).addcmul_(g, g, value=1 - self.beta2)
        torch.sqrt(self.square, out=self.scratch).add_(self.epsilon * root)
        torch.div(self.mean, self.scratch, out=self.scratch)
        self.networks.flat.addcmul_(self.scratch, self.share, value=-rate * root / (1 - self.beta1**self.count))


class Muon(Adam):
    """Muon for the weights of all layers but the last, Adam for biases and the last layer."""

    def __init__(self, networks: Networks, beta1: float = 0.9, beta2: float = 0.999) -> None:
        super().__init__(networks, beta1, beta2)
        self.momenta = [torch.zeros_like(weight) for weight in networks.weights[:-1]]
        self.shares = networks.flat.new_ones(networks.count, 1, 1)

    def set_share(self, share: Tensor) -> None:
        super().set_share(share)
        self.shares.copy_(share.view(-1, 1, 1))

    def step(self, gradients: Networks, rate: float) -> None:
        for weight, gradient, momentum in zip(self.networks.weights, gradients.weights, self.momenta):
            momentum.lerp_(gradient, 1 - MUON_MOMENTUM)
            direction = orthogonalised(torch.lerp(gradient, momentum, MUON_MOMENTUM))  # Nesterov
            wide = max(1.0, weight.shape[1] / weight.shape[2]) ** 0.5
            weight.addcmul_(direction, self.shares, value=-MUON_RATE * rate * wide)
            gradient.zero_()
        # Adam's moments of those weights stay zero, so it leaves them where Muon put them
        super().step(gradients, rate)


def orthogonalised(matrices: Tensor, steps: int = 5) -> Tensor:
    """Roughly U V^T of each matrix [g, r, c] = U S V^T: singular values end in about 0.7..1.2."""
    a, b, c = NEWTON_SCHULZ
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.transpose(1, 2) if tall else matrices
    x = x / (x.flatten(1).norm(dim=1).view(-1, 1, 1) + 1e-7)
    for _ in range(steps):
        gram = torch.bmm(x, x.transpose(1, 2))
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.transpose(1, 2) if tall else x
