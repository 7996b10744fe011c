"""Where the fit of each field starts: this decides how alike the weights of different shapes are, and so how well
they can be diffused.

Source: HyperDiffusion, section 3.1 and Table 4 (``first`` against ``random``); ``mean`` is ours.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from math import sqrt

import torch
from torch import Tensor

from hdbench.errors import HdbenchError
from hdbench.interfaces import FieldSamples
from hdbench.seeds import torch_generator
from hdbench.weights import WeightLayout
from hdbench_hyperdiffusion.encoding import Encoding
from hdbench_hyperdiffusion.fitting import Points

POOLED_PER_SHAPE = 8192  # points of each part that a shape gives to the pool: 0.2 MB per shape


def random_weights(layout: WeightLayout, *path: int | str) -> Tensor:
    """Fresh weights [p], uniform in +-1/sqrt(inputs) for weights and biases alike (nn.Linear's default), seeded by ``path``."""
    generator = torch_generator(*path)
    inputs = [shape[1] for shape in layout.shapes[::2] for _ in range(2)]  # a weight, and the bias that follows it
    parts = [(torch.rand(size, generator=generator) * 2 - 1) / sqrt(width) for size, width in zip(layout.sizes, inputs)]
    return torch.cat(parts)


def labelled_points(samples: FieldSamples, encoding: Encoding) -> Points:
    """The near and uniform points of n shapes as coordinates, frames taking turns."""
    return Points(
        encoding.coordinates(samples.near),
        samples.near_inside.transpose(1, 2).flatten(1),
        encoding.coordinates(samples.uniform),
        samples.uniform_inside.transpose(1, 2).flatten(1),
    )


def first_shape(chunks: Iterable[FieldSamples]) -> FieldSamples:
    """The samples of the first shape alone; HdbenchError when there is none."""
    first = next((chunk for chunk in chunks if len(chunk)), None)
    if first is None:
        raise HdbenchError("There is no training shape to start from. Check 'data.train' and the shapes that were left out.")
    return first.select([0])


def pooled_points(chunks: Iterable[FieldSamples], encoding: Encoding, seed: int) -> tuple[Points, int]:
    """The points of all shapes as those of one field, shuffled so that every slice holds all shapes; and the frames."""
    chunks = iter(chunks)
    head = next((chunk for chunk in chunks if len(chunk)), None)
    if head is None:
        raise HdbenchError("There is no training shape to start from. Check 'data.train' and the shapes that were left out.")
    pools: tuple[list[Tensor], ...] = ([], [], [], [])
    for chunk in chain([head], chunks):
        points = labelled_points(chunk, encoding)
        for pool, part in zip(pools, (points.near, points.near_inside, points.uniform, points.uniform_inside)):
            pool.append(part[:, :POOLED_PER_SHAPE].flatten(0, 1).clone())
    near, near_inside, uniform, uniform_inside = (torch.cat(pool) for pool in pools)
    generator = torch_generator(seed, "pool")
    a, b = (torch.randperm(len(part), generator=generator) for part in (near, uniform))
    return Points(near[None, a], near_inside[None, a], uniform[None, b], uniform_inside[None, b]), head.near.shape[1]
