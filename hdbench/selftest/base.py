"""What the audit starts from: embedded shapes, as a reference, as training shapes, and as generated sets as good as real.

Every shape comes with the figures of a mesh such as generators make, the iso-surface of its occupancy on a grid, and with
weights: Fourier coefficients of its points, which are a field that needs no fitting. Sequences are the same shapes, swaying.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from hdbench.meshing import empty_mesh
from hdbench.protocol import Protocol, preset
from hdbench.registry import Registry
from hdbench.sampling import evaluation_cloud
from hdbench.seeds import seed_of
from hdbench.selftest.dressing import Figures, damaged, figures_of, iso_surface, swaying, weights_of
from hdbench.selftest.perturb import Around
from hdbench.shape_set import ShapeSet

SOURCE = "airplane"


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How many ``shapes`` a generated set and the reference have, how many are for ``training``, how many good sets (``draws``)
    say how much a metric varies, how many of them are made ``worse``, and how many ``points`` and ``frames`` a shape has."""

    shapes: int = 60
    training: int = 240
    draws: int = 12
    worse: int = 2
    points: int = 2048
    frames: int = 1
    emd_points: int = 128

    @property
    def total(self) -> int:
        """Different shapes that are needed."""
        return self.shapes * (self.draws + 1) + self.training

    def protocol(self) -> Protocol:
        """``strict``, with fewer points where the audit saves time."""
        return replace(preset("strict"), name="audit", points=self.points, emd_points=min(self.emd_points, self.points))


@dataclass(frozen=True, slots=True, eq=False)
class Base:
    """``draws`` are good generated sets, of the same source as the reference and the training shapes, and disjoint from them; the
    first ``worse`` of them are made worse, the others are a stock of good samples. ``torn`` has the figures of all of a draw's
    meshes when damaged, by draw; ``nothing`` those of empty meshes."""

    reference: ShapeSet
    training: ShapeSet
    draws: tuple[ShapeSet, ...]
    worse: int
    torn: tuple[Figures | None, ...]
    nothing: Figures | None
    seed: int

    def around(self, draw: int) -> Around:
        """Where perturbations of a draw take other samples from."""
        stock, seed = joined(self.draws[self.worse :]), seed_of(self.seed, "draw", draw)
        return Around(self.reference, self.training, stock, self.torn[draw], self.nothing, seed)


def make_base(registry: Registry, size: Size, seed: int = 0, progress: Callable[[float], None] = lambda done: None) -> Base:
    """The first shapes of the embedded source, in its order, seeded by (seed, name). Sequences have no meshes."""
    source_type = registry.resolve("shapes", SOURCE)
    source = source_type(source_type.Config(count=size.total))
    clouds, meshes = [], []
    for done, name in enumerate(source.names()):
        shape = source.place(source.shape(name))
        clouds.append(swaying(evaluation_cloud(shape, size.points, seed)[0], size.frames, seed_of(seed, name)))
        meshes += [iso_surface(shape)] if size.frames == 1 else []
        progress(done + 1)
    figures = figures_of(meshes) if meshes else None
    everything = ShapeSet(np.stack(clouds), figures, weights_of(np.stack(clouds)), source.names())
    ends = [size.shapes, *(size.shapes * k + size.training for k in range(1, size.draws + 1))]
    parts = [np.asarray(part) for part in np.split(np.arange(size.total), ends)]
    reference, training, *draws = (everything.select(part) for part in parts)
    torn = [figures_of([damaged(meshes[i]) for i in part]) if meshes else None for part in parts[2 : 2 + size.worse]]
    nothing = figures_of([empty_mesh()] * size.shapes) if meshes else None
    return Base(reference, training, tuple(draws), size.worse, tuple(torn), nothing, seed)


def joined(parts: tuple[ShapeSet, ...]) -> ShapeSet:
    """Sets that all have the same figures, one after the other; their weights too."""
    known = [part.figures for part in parts if part.figures is not None]
    figures = {name: np.concatenate([part[name] for part in known]) for name in known[0]} if known else None
    weights = np.concatenate([part.weights for part in parts if part.weights is not None])
    return ShapeSet(np.concatenate([part.clouds for part in parts]), figures, weights)
