"""What the audit gives its shapes besides points: meshes such as generators make, weights of a field, and motion."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hdbench.measures.validity import mesh_figures
from hdbench.meshing import grid_axis, marching_cubes
from hdbench.occupancy import Winding
from hdbench.seeds import numpy_generator
from hdbench.shapes import Mesh, Shape

GRID = 24  # points per axis of the occupancy that is meshed
HOLES = 10  # one face in so many is missing in a damaged mesh
FREQUENCIES, HIGHEST = 32, 6.0  # of the Fourier coefficients: how many, and their standard deviation in radians per box side
SWAY = (0.05, 0.4)  # by how much the top moves over the bottom, in heights: least and most

Figures = dict[str, NDArray[np.float64]]


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


def figures_of(meshes: Sequence[Mesh]) -> Figures:
    """{name: [n]} of ``mesh_figures`` of single meshes."""
    rows = [mesh_figures((mesh,)) for mesh in meshes]
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def weights_of(clouds: NDArray[np.float32]) -> NDArray[np.float32]:
    """Fourier coefficients [n, 64] of the points of the first frame: real and imaginary parts at random frequencies, which are
    always the same; 0 for empty samples. They are the weights of a field that needs no fitting."""
    waves = (HIGHEST * numpy_generator("frequencies").normal(size=(3, FREQUENCIES))).astype(np.float32)
    angles = clouds[:, 0] @ waves
    parts = np.concatenate([np.cos(angles).mean(1), np.sin(angles).mean(1)], axis=1)
    return np.nan_to_num(parts).astype(np.float32)


def swaying(cloud: NDArray[np.float32], frames: int, seed: int) -> NDArray[np.float32]:
    """A cloud [q, 3] as a loop of ``frames`` frames [t, q, 3] in which it leans to and fro along x, the first upright."""
    rng = numpy_generator(seed, "sway")
    lean = rng.uniform(*SWAY) * np.sin(2 * np.pi * np.arange(frames) / frames)
    out = np.repeat(cloud[None], frames, axis=0)
    out[..., 0] += lean[:, None] * cloud[:, 1]
    return out
