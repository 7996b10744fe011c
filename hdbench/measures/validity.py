"""Is a mesh a body? Whether it is closed, in how many pieces, of which genus, and what it encloses.

Vertices at the same place are one vertex, faces with two corners at one place are no faces (they are counted as degenerate), and
pieces hang together by shared edges: two bodies that touch in a point are two. So for closed surfaces the Euler characteristic
v - e + f counts a vertex once per fan of faces around it, and 2 (pieces) - 2 (genus) is exact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from hdbench.shapes import Mesh

Faces = NDArray[np.int64]


def mesh_figures(frames: tuple[Mesh, ...]) -> dict[str, float]:
    """Figures of a shape, means over its frames (0 or 1 for yes and no):

    ``empty``: whether any frame has no face. ``watertight``: whether in every frame every edge has exactly two faces.
    ``components``: pieces. ``main_piece``: share of the area in the largest piece, 0..1. ``degenerate``: share of the faces
    that have no area. ``genus`` (handles, summed over pieces): of the watertight frames, nan if there is none. ``volume``
    (cubed units of the mesh, never negative): of the watertight frames whose faces are wound alike, nan if there is none.
    """
    rows = [_frame_figures(mesh) for mesh in frames]
    return {
        "empty": max(row["empty"] for row in rows),
        "watertight": min(row["watertight"] for row in rows),
        **{name: _mean_of_known(rows, name) for name in ("components", "main_piece", "degenerate", "genus", "volume")},
    }


def _mean_of_known(rows: list[dict[str, float]], name: str) -> float:
    known = [row[name] for row in rows if name in row]
    return float(np.mean(known)) if known else float("nan")


def _frame_figures(mesh: Mesh) -> dict[str, float]:
    """Figures of one mesh; without ``genus`` and ``volume`` where it has none."""
    faces = _without_collapsed(_merged(mesh)) if len(mesh.faces) else mesh.faces
    if len(faces) == 0:
        share = 1.0 if len(mesh.faces) else 0.0
        return {"empty": 1.0, "watertight": 0.0, "components": 0.0, "main_piece": 0.0, "degenerate": share}
    areas, edges = _areas(mesh.vertices, faces), _edges(faces)
    piece = _pieces(edges, len(faces))
    area_of_piece = np.bincount(piece, areas)
    watertight = bool((edges.uses == 2).all())
    found = {
        "empty": 0.0,
        "watertight": float(watertight),
        "components": float(len(area_of_piece)),
        "main_piece": float(area_of_piece.max() / max(area_of_piece.sum(), np.finfo(float).tiny)),
        "degenerate": 1 - float((areas > 0).sum()) / len(mesh.faces),
    }
    if watertight:
        euler = _fans(faces, edges) - len(edges.ends) + len(faces)
        found["genus"] = len(area_of_piece) - euler / 2
        if edges.opposite:
            found["volume"] = _volume(mesh.vertices, faces)
    return found


# -------------------------------------------------------------------------------------------------------------- topology


def _merged(mesh: Mesh) -> Faces:
    """Faces [f, 3] whose corners at the same place have the same index: that of the first vertex there."""
    order = np.lexsort((mesh.vertices + 0.0).T)  # + 0.0 makes -0.0 a 0.0
    sorted_vertices = mesh.vertices[order]
    new = np.concatenate([[True], (sorted_vertices[1:] != sorted_vertices[:-1]).any(1)])
    first = np.empty(len(order), np.int64)
    first[order] = order[np.flatnonzero(new)][np.cumsum(new) - 1]
    return first[mesh.faces]


def _without_collapsed(faces: Faces) -> Faces:
    a, b, c = faces.T
    return faces[(a != b) & (b != c) & (c != a)]


@dataclass(frozen=True, slots=True, eq=False)
class Edges:
    """``ends`` [e, 2], lower vertex first; ``uses`` [e]: sides of faces along each edge; ``sides`` [3 f]: all sides, edge by edge
    (side k runs from corner k to the next one); ``opposite``: whether the two sides of every edge run in opposite directions."""

    ends: Faces
    uses: Faces
    sides: Faces
    opposite: bool


def _edges(faces: Faces) -> Edges:
    start, end = faces.reshape(-1), np.roll(faces, -1, axis=1).reshape(-1)
    width = int(faces.max()) + 1
    keys = np.minimum(start, end) * width + np.maximum(start, end)
    sides = np.argsort(keys, kind="stable")
    first = np.flatnonzero(np.diff(keys[sides], prepend=-1))
    uses = np.diff(first, append=len(keys))
    ends = np.stack([keys[sides[first]] // width, keys[sides[first]] % width], axis=1)
    up = np.add.reduceat((start < end)[sides].astype(np.int64), first)
    return Edges(ends, uses, sides, bool((2 * up == uses).all()))


def _pieces(edges: Edges, count: int) -> Faces:
    """The piece of every face, [f]: faces that share an edge are in the same one."""
    inner = np.ones(len(edges.sides), bool)
    inner[np.cumsum(edges.uses) - edges.uses] = False  # the first side of an edge has none before it
    face = edges.sides // 3
    return _components(face[inner], face[np.flatnonzero(inner) - 1], count)


def _components(a: Faces, b: Faces, count: int) -> Faces:
    graph = coo_matrix((np.ones(len(a), np.int8), (a, b)), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1], np.int64)


def _fans(faces: Faces, edges: Edges) -> int:
    """Fans of faces around vertices, of a watertight mesh: across an edge, corners at the same end of it are of one fan."""
    corner = faces.reshape(-1)
    pairs = []
    for end in edges.ends.T:
        pairs.append([np.where(corner[sides] == end, sides, _next(sides)) for sides in edges.sides.reshape(-1, 2).T])
    one, two = np.concatenate(pairs, axis=1)
    return int(_components(one, two, faces.size).max()) + 1


def _next(sides: Faces) -> Faces:
    """The corner at which a side ends."""
    return sides - sides % 3 + (sides + 1) % 3


# -------------------------------------------------------------------------------------------------------------- geometry


def _areas(vertices: NDArray[np.float64], faces: Faces) -> NDArray[np.float64]:
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    return np.asarray(np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2)


def _volume(vertices: NDArray[np.float64], faces: Faces) -> float:
    """The volume between the faces, from a corner of theirs so that distance from the origin costs no digits."""
    a, b, c = (vertices[faces[:, k]] - vertices[faces[0, 0]] for k in range(3))
    return abs(float((a * np.cross(b, c)).sum() / 6))
