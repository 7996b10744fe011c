"""What the audit starts from: embedded shapes, as a reference, as training shapes, and as generated sets as good as real.

Every shape comes with the figures of a mesh such as generators make, the iso-surface of its occupancy on a grid, and with
weights: Fourier coefficients of its points, which are a field that needs no fitting. Sequences are the same shapes, swaying.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hdbench.meshing import empty_mesh, grid_axis, marching_cubes
from hdbench.occupancy import Winding
from hdbench.perturb import Around
from hdbench.protocol import Protocol, preset
from hdbench.registry import Registry
from hdbench.sampling import evaluation_cloud
from hdbench.seeds import numpy_generator, seed_of
from hdbench.shape_set import ShapeSet
from hdbench.shapes import Mesh, Shape
from hdbench.validity import mesh_figures

SOURCE = "airplane"
FREQUENCIES, HIGHEST = 32, 6.0  # of the Fourier coefficients: how many, and their standard deviation in radians per box side
SWAY = (0.05, 0.4)  # by how much the top moves over the bottom, in heights: least and most
GRID = 24  # points per axis of the occupancy that is meshed
HOLES = 10  # one face in so many is missing in a torn mesh

Figures = dict[str, NDArray[np.float64]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How many ``shapes`` a generated set and the reference have, how many are for ``training``, how many good sets (``draws``)
    say how much a metric varies, how many of them are made ``worse``, and how many ``points`` and ``frames`` a shape has."""

    shapes: int = 60
    training: int = 120
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
    torn: tuple[Figures, ...]
    nothing: Figures
    seed: int

    def around(self, draw: int) -> Around:
        """Where perturbations of a draw take other samples from."""
        stock, seed = joined(self.draws[self.worse :]), seed_of(self.seed, "draw", draw)
        return Around(self.reference, self.training, stock, self.torn[draw], self.nothing, seed)


def make_base(registry: Registry, size: Size, seed: int = 0, progress: Callable[[float], None] = lambda done: None) -> Base:
    """The first shapes of the embedded source, in its order; their points are seeded by (seed, name)."""
    source_type = registry.resolve("shapes", SOURCE)
    source = source_type(source_type.Config(count=size.total))
    clouds, figures, torn = [], [], []
    for done, name in enumerate(source.names()):
        shape = source.place(source.shape(name))
        clouds.append(swaying(evaluation_cloud(shape, size.points, seed)[0], size.frames, seed_of(seed, name)))
        mesh = iso_surface(shape)
        figures.append(mesh_figures((mesh,)))
        torn.append(mesh_figures((damaged(mesh),)) if _is_worse(done, size) else {})
        progress(done + 1)
    everything = ShapeSet(np.stack(clouds), columns(figures), weights_of(np.stack(clouds)), source.names())
    ends = [size.shapes, *(size.shapes * k + size.training for k in range(1, size.draws + 1))]
    reference, training, *draws = (everything.select(part) for part in np.split(np.arange(size.total), ends))
    first = size.shapes + size.training
    holed = [columns(torn[first + k * size.shapes :][: size.shapes]) for k in range(size.worse)]
    nothing = columns([mesh_figures((empty_mesh(),))] * size.shapes)
    return Base(reference, training, tuple(draws), size.worse, tuple(holed), nothing, seed)


def _is_worse(index: int, size: Size) -> bool:
    """Whether the shape of this index is in a draw that is made worse."""
    first = size.shapes + size.training
    return first <= index < first + size.worse * size.shapes


def iso_surface(shape: Shape) -> Mesh:
    """The first frame, meshed from its occupancy on a grid: closed, whatever the shape was."""
    winding, axis = Winding(shape.frames[0], shape.solid), grid_axis(GRID)
    points = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
    return marching_cubes(winding.inside(points).reshape((GRID,) * 3).astype(np.float32), level=0.5)


def damaged(mesh: Mesh) -> Mesh:
    """The mesh without every tenth face, and with a loose triangle beside it."""
    faces = np.delete(mesh.faces, np.arange(0, len(mesh.faces), HOLES), axis=0)
    crumb = np.arange(3) + len(mesh.vertices)
    return Mesh(np.concatenate([mesh.vertices, np.eye(3) + 1]), np.concatenate([faces, crumb[None]]))


def swaying(cloud: NDArray[np.float32], frames: int, seed: int) -> NDArray[np.float32]:
    """A cloud [q, 3] as a loop of ``frames`` frames [t, q, 3] in which it leans to and fro along x, the first upright."""
    rng = numpy_generator(seed, "sway")
    lean = rng.uniform(*SWAY) * np.sin(2 * np.pi * np.arange(frames) / frames)
    out = np.repeat(cloud[None], frames, axis=0)
    out[..., 0] += lean[:, None] * cloud[:, 1]
    return out


def weights_of(clouds: NDArray[np.float32]) -> NDArray[np.float32]:
    """Fourier coefficients [n, 64] of the points of the first frame: real and imaginary parts at random frequencies, which are
    always the same; 0 for empty samples."""
    waves = HIGHEST * numpy_generator("frequencies").normal(size=(3, FREQUENCIES))
    angles = clouds[:, 0].astype(np.float64) @ waves
    parts = np.concatenate([np.cos(angles).mean(1), np.sin(angles).mean(1)], axis=1)
    return np.nan_to_num(parts).astype(np.float32)


def columns(rows: list[dict[str, float]]) -> Figures:
    """Figures shape by shape -> figures by name."""
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def joined(parts: tuple[ShapeSet, ...]) -> ShapeSet:
    """Sets that have figures and weights, one after the other."""
    figures = {name: np.concatenate([(part.figures or {})[name] for part in parts]) for name in parts[0].figures or {}}
    weights = np.concatenate([part.weights for part in parts if part.weights is not None])
    return ShapeSet(np.concatenate([part.clouds for part in parts]), figures, weights)
