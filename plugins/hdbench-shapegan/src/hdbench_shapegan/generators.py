"""The two generators: (point, latent code) -> signed distance, a multilayer perceptron of eight linear layers.

Both read the point at the first and again at the fifth layer, and the latent code there too. Of a linear layer on [x, z] the
part on z is the same for all points of a shape, W [x, z] + b = Wx x + (Wz z + b), so it is computed once per shape. Names and
shapes of the parameters are those of the released files.
Source: marian42/shapegan at 090a6a8 (SDFNet; DeepSDF, Park et al. 2019) and its branch point_sdf at c57a460 (SDFGenerator).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, relu

HIDDEN, LATENT = 256, 128  # of the released files
DEPTH, SECOND = 8, 4  # linear layers; the one that reads point and code again


class Generator(nn.Module, ABC):
    """Signed distances of shapes in the cube [-1, 1]^3, negative inside, in units of the training data."""

    latent: int

    @abstractmethod
    def linears(self) -> list[tuple[Tensor, Tensor]]:
        """Weight [h, i] and bias [h] of the eight layers without what multiplies the code; the fifth reads (features, x)."""

    @abstractmethod
    def readers(self) -> list[tuple[Tensor, Tensor]]:
        """Weight [h, l] of the code in the first and in the fifth layer, and the bias [h] that is added with it."""

    @abstractmethod
    def codes(self, latents: Tensor) -> tuple[Tensor, Tensor]:
        """What the codes [b, l] add to the first and to the fifth of ``linears``, each [b, h]."""

    @torch.no_grad()
    def absorb(self, mean: Tensor, factor: Tensor) -> None:
        """Become the generator of z = mean [l] + factor [l, l] e with the code e: W z + b = (W factor) e + (W mean + b)."""
        for weight, bias in self.readers():
            bias += weight @ mean
            weight.copy_(weight @ factor)

    def norm(self, layer: int, features: Tensor) -> Tensor:
        """What happens between a linear layer and its ReLU."""
        return features

    def end(self, values: Tensor) -> Tensor:
        """What happens after the last layer."""
        return values

    def forward(self, points: Tensor, latents: Tensor) -> Tensor:
        """Distances [b, p] at points [p, 3] (the same for all shapes) or [b, p, 3], for codes [b, l]."""
        linears = self.linears()
        first, second = (part[:, None] for part in self.codes(latents))
        features = linear(points, *linears[0]) + first
        for layer in range(1, DEPTH):
            features = relu(self.norm(layer - 1, features))
            weight, bias = linears[layer]
            if layer == SECOND:
                features = linear(features, weight[:, :-3]) + (linear(points, weight[:, -3:], bias) + second)
            else:
                features = linear(features, weight, bias)
        return self.end(features[..., 0])

    def field(self, latent: Tensor) -> Field:
        """The field of the shape with the code [l]; for inference."""
        return Field(self, latent)


class Field:
    """Signed distances [p] at points [p, 3] of one shape, as ``Generator.forward`` gives them; its code is in the biases."""

    @torch.no_grad()
    def __init__(self, generator: Generator, latent: Tensor) -> None:
        self.generator = generator
        added = dict(zip((0, SECOND), (part[0] for part in generator.codes(latent[None]))))
        self.layers = [(w.T.contiguous(), b + added.get(k, 0)) for k, (w, b) in enumerate(generator.linears())]

    @torch.no_grad()
    def __call__(self, points: Tensor) -> Tensor:
        (weight, bias), *rest = self.layers
        features = torch.addmm(bias, points, weight)
        for layer, (weight, bias) in enumerate(rest, start=1):
            features = self.generator.norm(layer - 1, features).relu_()
            given = weight if layer != SECOND else weight[:-3]
            features = torch.addmm(bias, features, given)
            if layer == SECOND:
                features = features.addmm_(points, weight[-3:])
        return self.generator.end(features[:, 0])


class SDFNet(Generator):
    """The generator that is trained against voxels: 462,337 parameters as released. Its outputs lie in (-1, 1)."""

    def __init__(self, latent: int = LATENT, hidden: int = HIDDEN) -> None:
        super().__init__()
        self.latent, given = latent, 3 + latent
        self.layers1 = _perceptron(given, hidden, hidden, hidden, hidden)
        self.layers2 = _perceptron(hidden + given, hidden, hidden, hidden, 1)
        self.layers2[-1] = nn.Tanh()

    def linears(self) -> list[tuple[Tensor, Tensor]]:
        layers = [layer for part in (self.layers1, self.layers2) for layer in part if isinstance(layer, nn.Linear)]
        ends = {0: 3, SECOND: layers[SECOND].in_features - self.latent}  # the columns of the code come last
        return [(layer.weight[:, : ends.get(k)], layer.bias) for k, layer in enumerate(layers)]

    def readers(self) -> list[tuple[Tensor, Tensor]]:
        layers = [part[0] for part in (self.layers1, self.layers2)]
        return [(layer.weight[:, -self.latent :], layer.bias) for layer in layers if isinstance(layer, nn.Linear)]

    def codes(self, latents: Tensor) -> tuple[Tensor, Tensor]:
        first, second = (linear(latents, weight) for weight, _ in self.readers())
        return first, second

    def end(self, values: Tensor) -> Tensor:
        return torch.tanh(values)


class SDFGenerator(Generator):
    """The generator that is trained against points: 466,435 parameters as released. Its outputs have no bounds."""

    def __init__(self, latent: int = LATENT, hidden: int = HIDDEN) -> None:
        super().__init__()
        self.latent = latent
        inputs = {0: 3, SECOND: hidden + 3}
        outputs = [*[hidden] * (DEPTH - 1), 1]
        self.lins = nn.ModuleList(nn.Linear(inputs.get(k, hidden), outputs[k]) for k in range(DEPTH))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for width in outputs)  # the released files have the last one, unused
        self.z_lin1, self.z_lin2 = nn.Linear(latent, hidden), nn.Linear(latent, hidden)

    def linears(self) -> list[tuple[Tensor, Tensor]]:
        return [(layer.weight, layer.bias) for layer in self.lins]  # type: ignore[misc]

    def readers(self) -> list[tuple[Tensor, Tensor]]:
        return [(layer.weight, layer.bias) for layer in (self.z_lin1, self.z_lin2)]

    def codes(self, latents: Tensor) -> tuple[Tensor, Tensor]:
        return self.z_lin1(latents), self.z_lin2(latents)

    def norm(self, layer: int, features: Tensor) -> Tensor:
        return self.norms[layer](features)


def _perceptron(*widths: int) -> nn.Sequential:
    """Linear layers at the even places, ReLUs at the odd ones."""
    pairs = [(nn.Linear(a, b), nn.ReLU()) for a, b in pairwise(widths)]
    return nn.Sequential(*(layer for pair in pairs for layer in pair))


def generator_of(state: Mapping[str, Tensor]) -> Generator:
    """The generator that these tensors belong to, with them loaded; which one, and its widths, are read from the tensors.

    Raises KeyError or RuntimeError when they belong to neither.
    """
    voxel = "layers1.0.weight" in state
    hidden = len(state["layers1.0.weight" if voxel else "z_lin1.weight"])
    latent = state["layers1.0.weight"].shape[1] - 3 if voxel else state["z_lin1.weight"].shape[1]
    net: Generator = SDFNet(latent, hidden) if voxel else SDFGenerator(latent, hidden)
    net.load_state_dict(dict(state))
    return net.eval().requires_grad_(False)
