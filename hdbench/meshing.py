"""From a field on a grid to triangles: marching cubes, and meshes as GLB files.

The grid convention is HyperDiffusion's: r points per axis from one side of the box to the other, both included, so that the
spacing is 1 / (r - 1) in the box [-0.5, 0.5]^3. A larger value means inside.
Source: Lorensen and Cline 1987; Lewiner et al. 2003 (the variant without holes, as scikit-image has it);
HyperDiffusion sdf_meshing.py at fd2c581 for the grid.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hdbench.errors import HdbenchError
from hdbench.glb import encode_glb
from hdbench.shapes import BOX_HALF_SIDE, Mesh
from hdbench.store import write_atomically


def empty_mesh() -> Mesh:
    """A mesh without vertices and faces: what a field that is nowhere inside becomes."""
    return Mesh(np.zeros((0, 3)), np.zeros((0, 3), np.int64))


def grid_axis(resolution: int, low: float = -BOX_HALF_SIDE, high: float = BOX_HALF_SIDE) -> NDArray[np.float64]:
    """The coordinates [r] of the grid points on each axis, both ends included."""
    return low + (high - low) * (np.arange(resolution) / (resolution - 1))


def marching_cubes(
    values: NDArray[np.float32], level: float = 0.0, low: float = -BOX_HALF_SIDE, high: float = BOX_HALF_SIDE
) -> Mesh:
    """The surface where ``values`` [r, r, r] (indexed x, y, z) cross ``level``, closed, faces wound outwards.

    Point [0, 0, 0] lies at (low, low, low), the last at (high, high, high). Beyond the grid lies one layer just below the
    level, so a field that is inside at the border still gives a closed surface, at most one cell outside the box. Values
    at the level are outside. A field that is nowhere inside gives a mesh without faces.
    The result depends only on which values are above the level and on the values in cells that the surface crosses.
    Raises HdbenchError for values that are not finite or not a cube.
    """
    if values.ndim != 3 or len(set(values.shape)) != 1 or len(values) < 2:
        raise HdbenchError(f"A grid must be a cube of at least 2 points per axis, but it has the shape {values.shape}.")
    return surface_of_part(values, np.zeros(3, np.int64), level, low, (high - low) / (len(values) - 1))


def surface_of_part(values: NDArray[np.float32], first: NDArray[np.int64], level: float, low: float, spacing: float) -> Mesh:
    """The same surface from a part [a, b, c] of the grid that begins at the grid point ``first``, when all else is outside.

    The part must hold the cells that the surface crosses. The mesh is then that of the whole grid, bit for bit.
    Raises HdbenchError for values that are not finite.
    """
    # A sum is not finite if any of its terms is not; it needs no array of flags.
    if not np.isfinite(values.sum(dtype=np.float64)):
        raise HdbenchError("The field has values that are not finite, so it has no surface. Its weights have diverged.")
    inside = values > level
    if not inside.any():
        return empty_mesh()
    # The vertices' rounding depends on where the array begins; this crop is a function of the inside points alone.
    part, corner = _surroundings(values, inside, level)
    vertices, faces = _lewiner(part, level)
    return Mesh(low + (vertices.astype(np.float64) + (corner + first)) * spacing, faces.astype(np.int64))


def _surroundings(values: NDArray[np.float32], inside: NDArray[np.bool_], level: float) -> tuple[NDArray[np.float32], NDArray]:
    """The inside points with one layer of neighbours on each side, and the index of its first point (-1: in the padding)."""
    ranges = [_extent(inside, axis) for axis in range(3)]
    part = np.full([last - first + 3 for first, last in ranges], level - 1, np.float32)
    source, target = [], []
    for (first, last), count in zip(ranges, values.shape):
        begin, end = max(first - 1, 0), min(last + 2, count)
        source.append(slice(begin, end))
        target.append(slice(begin - first + 1, end - first + 1))
    part[tuple(target)] = values[tuple(source)]
    return part, np.array([first - 1 for first, _ in ranges], np.float64)


def _extent(inside: NDArray[np.bool_], axis: int) -> tuple[int, int]:
    """The first and the last index along ``axis`` that holds an inside point."""
    occupied = np.flatnonzero(inside.any(axis=tuple({0, 1, 2} - {axis})))
    return int(occupied[0]), int(occupied[-1])


def _lewiner(part: NDArray[np.float32], level: float) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    from skimage.measure import marching_cubes as skimage_marching_cubes

    vertices, faces, _, _ = skimage_marching_cubes(part, level=level, gradient_direction="ascent")
    return vertices, faces


def export_glb(frames: Mesh | Sequence[Mesh], path: Path) -> None:
    """Write a mesh, or a sequence that plays its frames one after the other, as binary glTF; see ``hdbench.glb``.

    The bytes depend on the meshes alone. Coordinates are kept as they are (glTF viewers take +y as up), as float32. Frames
    without faces are left out. Raises HdbenchError if no frame has a face.
    """
    meshes = [frames] if isinstance(frames, Mesh) else list(frames)
    if all(mesh.is_empty for mesh in meshes):
        raise HdbenchError(f"Nothing was written to '{path}': the shape has no faces in any of its {len(meshes)} frames.")
    write_atomically(path, encode_glb(meshes))
