"""Layouts of surfaces and of signed distances, which need the shapes themselves. Drawing samples needs none of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hdbench.errors import HdbenchError
from hdbench.external.layouts.material import Material
from hdbench.external.specification import Data
from hdbench.meshing import grid_axis
from hdbench.occupancy import Winding
from hdbench.points import outer_surface
from hdbench.seeds import numpy_generator
from hdbench.shapes import BOX_HALF_SIDE, Mesh, Shape

SDF_POINTS = 64**3  # rows of a file of ShapeGAN's point data
NEAR_SIGMA = 0.0025  # in the cube [-1, 1]^3
_PER_BOX = 1 / BOX_HALF_SIDE  # the cube [-1, 1]^3 is twice our box


def write_meshes(folder: Path, material: Material, data: Data) -> tuple[str, ...]:
    """``shape_00000.obj`` and on, in the box [-0.5, 0.5]^3, and ``train.lst`` with their names."""
    return _each(folder, material, "train.lst", ".obj", _write_mesh)


def write_voxels(folder: Path, material: Material, data: Data) -> tuple[str, ...]:
    """``voxels_R/ID.npy`` [R, R, R] float32 signed distances on [-1, 1]^3 for each of ``resolutions``, and ``train.txt``.

    Source: datasets.py and prepare_shapenet_dataset.py of github.com/marian42/shapegan@090a6a8.
    """
    if not data.resolutions:
        raise HdbenchError("The layout shapegan-voxels needs resolutions in [data], such as [8, 16, 32, 64].")

    def write(place: Path, name: str, shape: Shape) -> None:
        for resolution in data.resolutions:
            target = place / f"voxels_{resolution}"
            target.mkdir(exist_ok=True)
            grid = _grid(resolution)
            np.save(target / f"{name}.npy", signed_distances(shape, grid).reshape((resolution,) * 3))

    return _each(folder, material, "train.txt", "", write)


def write_sdf_points(folder: Path, material: Material, data: Data) -> tuple[str, ...]:
    """``uniform/ID.npy`` and ``surface/ID.npy`` [262144, 4] float32 (x, y, z, signed distance), and ``train.txt``.

    Uniform points fill the unit ball, surface points lie near the surface. Source: branch point_sdf of
    github.com/marian42/shapegan@c57a460.
    """

    def write(place: Path, name: str, shape: Shape) -> None:
        rng = numpy_generator(material.seed, "sdf", name)
        near = _PER_BOX * outer_surface(shape.frames[0], SDF_POINTS, rng, shape.solid)
        for part, points in (("uniform", _in_ball(rng)), ("surface", near + rng.normal(0, NEAR_SIGMA, near.shape))):
            (place / part).mkdir(exist_ok=True)
            rows = np.column_stack([points, signed_distances(shape, points)])
            np.save(place / part / f"{name}.npy", rows.astype(np.float32))

    return _each(folder, material, "train.txt", "", write)


def signed_distances(shape: Shape, points: NDArray[np.float64]) -> NDArray[np.float32]:
    """Distances [q] to the first frame's surface, negative inside, at points [q, 3] of the cube [-1, 1]^3, in its units."""
    import igl

    mesh, places = shape.frames[0], np.ascontiguousarray(points / _PER_BOX)
    squared = igl.point_mesh_squared_distance(places, mesh.vertices, mesh.faces)[0]
    sign = np.where(Winding(mesh, shape.solid).inside(places), -1.0, 1.0)
    return (_PER_BOX * sign * np.sqrt(squared)).astype(np.float32)


def _each(
    folder: Path, material: Material, listing: str, ending: str, write: Callable[[Path, str, Shape], None]
) -> tuple[str, ...]:
    """Write every shape, and the list of their names. While samples are drawn there are no shapes, and an empty folder serves."""
    folder.mkdir(parents=True, exist_ok=True)
    if material.shapes is None:
        return ()
    names = [f"shape_{k:05d}" for k in range(len(material.shapes))]
    for name, shape in zip(names, material.shapes):
        write(folder, name, _single(shape()))
    (folder / listing).write_text("".join(f"{name}{ending}\n" for name in names), encoding="utf-8")
    return ()


def _single(shape: Shape) -> Shape:
    if len(shape.frames) != 1:
        raise HdbenchError("This layout holds shapes, not sequences. Choose the layout npz or npy, or shapes of one frame.")
    return shape


def _write_mesh(folder: Path, name: str, shape: Shape) -> None:
    mesh: Mesh = shape.frames[0]
    lines = [f"v {x:.9g} {y:.9g} {z:.9g}" for x, y, z in mesh.vertices] + [f"f {a} {b} {c}" for a, b, c in mesh.faces + 1]
    (folder / f"{name}.obj").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _grid(resolution: int) -> NDArray[np.float64]:
    """Points [r^3, 3] of the cube [-1, 1]^3, both ends included, the last axis fastest."""
    axis = grid_axis(resolution, -1.0, 1.0)
    return np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), -1).reshape(-1, 3)


def _in_ball(rng: np.random.Generator) -> NDArray[np.float64]:
    """Points uniform in the unit ball [q, 3]."""
    direction = rng.normal(size=(SDF_POINTS, 3))
    radius = rng.random((SDF_POINTS, 1)) ** (1 / 3)
    return direction / np.linalg.norm(direction, axis=1, keepdims=True) * radius
