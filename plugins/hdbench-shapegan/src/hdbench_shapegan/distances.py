"""Signed distances to the surface of a shape, negative inside, in the cube [-1, 1]^3 that the generators know: twice the box.

Lengths are exact (the nearest point of the triangles); the sign is that of the winding number (``hdbench.occupancy``). The
released code estimates both from 50 scans of the mesh, and puts shapes into the cube or the unit ball by their own scale.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hdbench.meshing import grid_axis
from hdbench.occupancy import Winding
from hdbench.shapes import BOX_HALF_SIDE, Mesh, Shape

PER_BOX = 1 / BOX_HALF_SIDE  # lengths in the cube per length in the box


def grid_points(resolution: int) -> NDArray[np.float64]:
    """The points [r^3, 3] of the grid on the cube, both ends included, z fastest."""
    axis = grid_axis(resolution, -1.0, 1.0)
    return np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), -1).reshape(-1, 3)


def signed_distances(shape: Shape, points: NDArray[np.floating]) -> NDArray[np.float32]:
    """Distances [q] of the shape's first frame at points [q, 3] of the cube. Raises ShapeError for a mesh without faces."""
    mesh, places = shape.frames[0], np.ascontiguousarray(points, np.float64) / PER_BOX
    inside = Winding(mesh, shape.solid).inside(places)
    return (PER_BOX * np.where(inside, -1, 1) * _lengths(mesh, places)).astype(np.float32)


def _lengths(mesh: Mesh, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """To the nearest point of the triangles, [q], in the mesh's units."""
    import igl  # 0.2 s, and only training needs it

    vertices, faces = np.ascontiguousarray(mesh.vertices, np.float64), np.ascontiguousarray(mesh.faces, np.int64)
    return np.sqrt(igl.point_mesh_squared_distance(points, vertices, faces)[0])
