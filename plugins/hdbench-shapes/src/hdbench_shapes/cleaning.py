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


def clean_frames(vertices: NDArray[np.floating], faces: NDArray[np.integer]) -> tuple[tuple[Mesh, ...], bool, list[str]]:
    """The frames of one topology, vertices [t, v, 3], with the same faces mended in all of them; whether they are solid; notes.

    Vertices stay as they are, so that their mean does. Two of them are one place if they are so in every frame. Dropped: faces
    that have no area in any frame; faces that are there again with the same orientation. Faces are turned over if the volume,
    summed over the frames, is negative. Solid means that every edge has as many faces on one side as on the other: then
    signed ray crossings are the exact winding number. Raises ShapeError when no face is left or a coordinate is not finite.
    """
    frames = [np.asarray(frame, dtype=np.float64) for frame in vertices]
    if not np.isfinite(vertices).all():
        raise ShapeError("it has coordinates that are not finite")
    _, place = np.unique(np.concatenate(frames, axis=1) + 0.0, axis=0, return_inverse=True)
    merged, kept, notes = place.reshape(-1)[faces], np.asarray(faces, dtype=np.int64), []
    flat = np.all([_flat(Mesh(frame, kept)) for frame in frames], axis=0)
    good = np.flatnonzero(~flat)
    if flat.any():
        notes.append(f"{flat.sum()} faces without area dropped")
    if not len(good):
        raise ShapeError("none of its faces has an area")
    once = good[_first_copies(merged[good])]
    if len(once) < len(good):
        notes.append(f"{len(good) - len(once)} duplicate faces dropped")
    kept, solid = kept[once], _is_balanced(merged[once])
    volume = float(np.mean([_volume(Mesh(frame, kept)) for frame in frames]))
    if volume < 0:
        kept = np.ascontiguousarray(kept[:, ::-1])
        notes.append(f"wound inwards (volume {volume:.3g}): turned over")
    return tuple(Mesh(frame, kept) for frame in frames), solid, notes


def _is_balanced(faces: NDArray[np.int64]) -> bool:
    """Whether every edge is run along as often in one direction as in the other."""
    start, end, count = faces.reshape(-1), np.roll(faces, -1, axis=1).reshape(-1), int(faces.max()) + 1
    return bool(np.array_equal(np.sort(start * count + end), np.sort(end * count + start)))


def _areas(mesh: Mesh) -> NDArray[np.float64]:
    a, b, c = np.moveaxis(mesh.triangles, 1, 0)
    return np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2


def _flat(mesh: Mesh) -> NDArray[np.bool_]:
    """Which faces have no area, [f]."""
    used = mesh.vertices[np.unique(mesh.faces)]
    return _areas(mesh) <= _LEAST_AREA * (used.max(0) - used.min(0)).max() ** 2


def _without_flat_faces(mesh: Mesh) -> tuple[Mesh, str]:
    flat = _flat(mesh)
    return Mesh(mesh.vertices, mesh.faces[~flat]), f"{flat.sum()} faces without area dropped" if flat.any() else ""


def _first_copies(faces: NDArray[np.int64]) -> NDArray[np.int64]:
    """Indices of faces that are not there before; they are equal when their corners are, beginning anywhere."""
    start = np.argmin(faces, axis=1)[:, None]
    turned = np.take_along_axis(faces, (start + np.arange(3)) % 3, axis=1)
    return np.sort(np.unique(turned, axis=0, return_index=True)[1])


def _without_repeated_faces(mesh: Mesh) -> tuple[Mesh, str]:
    first = _first_copies(mesh.faces)
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
    volume = _volume(mesh)
    if volume >= 0:
        return mesh, ""
    return Mesh(mesh.vertices, np.ascontiguousarray(mesh.faces[:, ::-1])), f"wound inwards (volume {volume:.3g}): turned over"


def _volume(mesh: Mesh) -> float:
    """The volume that the faces enclose together with the centre of the bounding box (exact for closed meshes)."""
    corners = mesh.triangles
    a, b, c = np.moveaxis(corners - (corners.min((0, 1)) + corners.max((0, 1))) / 2, 1, 0)
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6)
