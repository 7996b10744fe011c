"""Mending what files of unknown origin have wrong, and saying what was mended.

Defects met in openly licensed collections: a group that is in the file twice, faces without area, meshes wound inwards,
every face there in both orientations. Holes are left alone: the generalised winding number copes with them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hdbench.errors import ShapeError
from hdbench.shapes import Mesh

_LEAST_AREA = 1e-14  # over the squared extent


def clean(vertices: NDArray[np.floating], faces: NDArray[np.integer]) -> tuple[Mesh, list[str]]:
    """The mesh with equal vertices merged, and notes on what else was mended.

    Dropped: faces without area; faces that are there again with the same orientation. A face that is there in both orientations
    is kept twice, as where two closed parts touch; unless most of the area is (a two-sided mesh), then one copy stays. Faces of
    a mesh with negative volume are turned over. Raises ShapeError when no face is left or a coordinate is not finite.
    """
    if not np.isfinite(vertices[np.unique(faces)]).all():
        raise ShapeError("it has coordinates that are not finite")
    points, index = np.unique(np.asarray(vertices, dtype=np.float64) + 0.0, axis=0, return_inverse=True)
    mesh, notes = Mesh(points, index.reshape(-1)[np.asarray(faces, dtype=np.int64)]), []
    for step in (_without_flat_faces, _without_repeated_faces, _one_sided, _wound_outwards):
        mesh, note = step(mesh)
        if mesh.is_empty:
            raise ShapeError("none of its faces has an area")
        notes += [note] if note else []
    return mesh, notes


def _areas(mesh: Mesh) -> NDArray[np.float64]:
    a, b, c = np.moveaxis(mesh.triangles, 1, 0)
    return np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2


def _without_flat_faces(mesh: Mesh) -> tuple[Mesh, str]:
    used = mesh.vertices[np.unique(mesh.faces)]
    good = _areas(mesh) > _LEAST_AREA * (used.max(0) - used.min(0)).max() ** 2
    lost = int((~good).sum())
    return Mesh(mesh.vertices, mesh.faces[good]), f"{lost} faces without area dropped" if lost else ""


def _without_repeated_faces(mesh: Mesh) -> tuple[Mesh, str]:
    """Faces are equal when their corners are, beginning anywhere."""
    start = np.argmin(mesh.faces, axis=1)[:, None]
    turned = np.take_along_axis(mesh.faces, (start + np.arange(3)) % 3, axis=1)
    first = np.sort(np.unique(turned, axis=0, return_index=True)[1])
    lost = len(mesh.faces) - len(first)
    return Mesh(mesh.vertices, mesh.faces[first]), f"{lost} duplicate faces dropped" if lost else ""


def _one_sided(mesh: Mesh) -> tuple[Mesh, str]:
    _, first, count = np.unique(np.sort(mesh.faces, axis=1), axis=0, return_index=True, return_counts=True)
    paired = _areas(mesh)[first[count > 1]].sum() * 2
    if paired <= 0.5 * _areas(mesh).sum():
        return mesh, f"{(count > 1).sum()} faces are there in both orientations" if paired else ""
    lost = len(mesh.faces) - len(first)
    return Mesh(mesh.vertices, mesh.faces[np.sort(first)]), f"two-sided: {lost} reversed copies of faces dropped"


def _wound_outwards(mesh: Mesh) -> tuple[Mesh, str]:
    """By the volume that the faces enclose together with the centre of the bounding box (exact for closed meshes)."""
    corners = mesh.triangles
    a, b, c = np.moveaxis(corners - (corners.min((0, 1)) + corners.max((0, 1))) / 2, 1, 0)
    volume = np.einsum("ij,ij->", a, np.cross(b, c)) / 6
    if volume >= 0:
        return mesh, ""
    return Mesh(mesh.vertices, np.ascontiguousarray(mesh.faces[:, ::-1])), f"wound inwards (volume {volume:.3g}): turned over"
