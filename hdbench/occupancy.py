"""Occupancy: which points lie inside a mesh, by its winding number.

Inside means a winding number w with ``|w| >= 1/2`` (Jacobson et al. 2013, "Robust inside-outside segmentation using
generalized winding numbers"): parts may intersect, walls inside the solid do not matter, holes are bridged, and a mesh that
is wound inwards (w = -1 inside) has the same inside as its mirror image wound outwards. HyperDiffusion thresholds ``w >= 0.5``,
which leaves inverted meshes empty; for meshes wound outwards both rules agree.

Two ways to the same number:

- ``solid=True``: every part is closed, so w is an integer and equals the signed count of triangles crossed by any ray. Triangles
  are binned over a plane once; a query looks at one bin. Ties (a ray through an edge or a vertex) are resolved as if
  the query were moved by an infinitesimal step (e, e^2) in that plane, so shared edges are counted exactly once.
- ``solid=False``: libigl's fast winding number (Barill et al. 2018), right for holes and open parts.

Points outside the mesh's bounding box are outside in both.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from hdbench.errors import ShapeError
from hdbench.shapes import Mesh

# Rays run along the third column: a direction without relation to the axes, along which procedural parts and CAD models have
# their faces, so that few triangles are seen edge-on. Householder reflection of the unit vector (2, 3, 6)/7, then swapped.
_DIRECTION = np.array([2.0, 3.0, 6.0]) / 7.0
_FRAME = np.linalg.qr(np.column_stack([_DIRECTION, [0.8, -0.1, 0.3], [0.1, 0.9, -0.2]]))[0][:, [1, 2, 0]]
_FRAME[:, 0] *= np.sign(np.linalg.det(_FRAME))
_MOST_BINS_PER_AXIS = 512


class Winding:
    """A mesh prepared for many queries; see the module for the two ways and for what inside means.

    Raises ShapeError for a mesh without faces.
    """

    def __init__(self, mesh: Mesh, solid: bool) -> None:
        if mesh.is_empty:
            raise ShapeError("A mesh without faces has no inside.")
        self.mesh, self.solid = mesh, solid
        corners = mesh.vertices[mesh.faces.ravel()]
        self._low, self._high = corners.min(0), corners.max(0)
        if solid:
            self._triangles = np.ascontiguousarray((mesh.vertices @ _FRAME)[mesh.faces])
            bins = int(np.clip(2.5 * np.sqrt(len(mesh.faces)), 8, _MOST_BINS_PER_AXIS))
            self._origin = self._triangles[:, :, :2].min((0, 1))
            extent = (self._triangles[:, :, :2].max((0, 1)) - self._origin).max()
            self._bins, self._per_unit = bins, bins / max(extent, np.finfo(float).tiny)
            self._starts, self._members = _bin_triangles(self._triangles, self._origin, self._per_unit, bins)

    def inside(self, queries: NDArray[np.floating]) -> NDArray[np.bool_]:
        """Whether each query lies inside: queries [q, 3] in the mesh's units -> bool [q]."""
        return np.abs(self.number(queries)) >= 0.5

    def number(self, queries: NDArray[np.floating]) -> NDArray[np.float64] | NDArray[np.int32]:
        """The winding number at each query [q], 0 outside of the bounding box; integers if ``solid``."""
        points = np.asarray(queries, dtype=np.float64)
        if self.solid:
            box = np.stack([self._low, self._high])
            grid = (self._origin, self._per_unit, self._bins, self._starts, self._members)
            return _crossings(self._triangles, points, np.ascontiguousarray(_FRAME), box, *grid)
        numbers = np.zeros(len(points))
        near = np.flatnonzero(((points >= self._low) & (points <= self._high)).all(1))
        if len(near):
            numbers[near] = _generalised(self.mesh, points[near])
        return numbers


def inside(mesh: Mesh, queries: NDArray[np.floating], solid: bool) -> NDArray[np.bool_]:
    """Whether each query lies inside the mesh: queries [q, 3] in the mesh's units -> bool [q].

    ``solid`` says that all parts of the mesh are closed; leave it False for meshes of unknown origin. Raises ShapeError for a
    mesh without faces. Source: Jacobson et al. 2013; Barill et al. 2018, section 3.
    """
    return Winding(mesh, solid).inside(queries)


def _generalised(mesh: Mesh, points: NDArray[np.float64]) -> NDArray[np.float64]:
    import igl  # 0.2 s, and only meshes of unknown origin need it

    vertices, faces = np.ascontiguousarray(mesh.vertices, np.float64), np.ascontiguousarray(mesh.faces, np.int64)
    return igl.fast_winding_number(vertices, faces, np.ascontiguousarray(points))


@njit(cache=True, nogil=True)
def _bin_triangles(triangles, origin, per_unit, bins):
    """Triangles [f, 3, 3] by the bins that their bounding rectangle touches: (starts [bins^2 + 1], members)."""
    spans = np.empty((len(triangles), 4), np.int64)
    starts = np.zeros(bins * bins + 1, np.int64)
    for f in range(len(triangles)):
        for axis in range(2):
            a, b, c = triangles[f, 0, axis], triangles[f, 1, axis], triangles[f, 2, axis]
            spans[f, axis] = min(bins - 1, int((min(a, b, c) - origin[axis]) * per_unit))
            spans[f, axis + 2] = min(bins - 1, int((max(a, b, c) - origin[axis]) * per_unit))
        for i in range(spans[f, 0], spans[f, 2] + 1):
            for j in range(spans[f, 1], spans[f, 3] + 1):
                starts[i * bins + j + 1] += 1
    starts = np.cumsum(starts)
    free, members = starts.copy(), np.empty(starts[-1], np.int64)
    for f in range(len(triangles)):
        for i in range(spans[f, 0], spans[f, 2] + 1):
            for j in range(spans[f, 1], spans[f, 3] + 1):
                members[free[i * bins + j]] = f
                free[i * bins + j] += 1
    return starts, members


@njit(inline="always")
def _left_of(ax, ay, bx, by):
    """Whether the origin, moved by (e, e^2), lies left of the line a -> b; and twice the area of (origin, a, b)."""
    area = ax * by - ay * bx
    return (area > 0.0) | ((area == 0.0) & ((ay > by) | ((ay == by) & (bx > ax)))), area


@njit(cache=True, nogil=True)
def _crossings(triangles, points, frame, box, origin, per_unit, bins, starts, members):
    """The winding number of closed parts at each point: triangles crossed upwards, those facing the ray's way counted +1."""
    numbers = np.zeros(len(points), np.int32)
    for q in range(len(points)):
        p, r, s = points[q, 0], points[q, 1], points[q, 2]
        if not (box[0, 0] <= p <= box[1, 0] and box[0, 1] <= r <= box[1, 1] and box[0, 2] <= s <= box[1, 2]):
            continue
        x = p * frame[0, 0] + r * frame[1, 0] + s * frame[2, 0]
        y = p * frame[0, 1] + r * frame[1, 1] + s * frame[2, 1]
        z = p * frame[0, 2] + r * frame[1, 2] + s * frame[2, 2]
        i, j = int(np.floor((x - origin[0]) * per_unit)), int(np.floor((y - origin[1]) * per_unit))
        if i < 0 or j < 0 or i > bins or j > bins:
            continue
        cell = min(i, bins - 1) * bins + min(j, bins - 1)
        for k in range(starts[cell], starts[cell + 1]):
            f = members[k]
            ax, ay = triangles[f, 0, 0] - x, triangles[f, 0, 1] - y
            bx, by = triangles[f, 1, 0] - x, triangles[f, 1, 1] - y
            cx, cy = triangles[f, 2, 0] - x, triangles[f, 2, 1] - y
            ab, wc = _left_of(ax, ay, bx, by)
            bc, wa = _left_of(bx, by, cx, cy)
            ca, wb = _left_of(cx, cy, ax, ay)
            if (ab & bc & ca) | ~(ab | bc | ca):
                height = wa * (triangles[f, 0, 2] - z) + wb * (triangles[f, 1, 2] - z) + wc * (triangles[f, 2, 2] - z)
                if (height > 0.0) == ab:
                    numbers[q] += 1 if ab else -1
    return numbers
