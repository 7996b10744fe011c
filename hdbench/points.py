"""Points on surfaces, and the normalisations of point clouds that papers use.

Surface points are uniform by area. The *outer* surface is the part that bounds the solid: there, occupancy differs between the
two sides. In a polygon soup it leaves out what lies buried in other parts, which a generated mesh (an iso-surface of occupancy)
cannot have either.

For open meshes of unknown origin the outer surface is what their winding number makes of it: walls of an almost closed body
count, a sheet that bounds nothing (a plane, a leaf, a flag) does not: there ``|w|`` is close to 1/2 on both sides, and on which
side of 1/2 it falls is a matter of rounding. So ``|w|`` must also differ clearly between the two sides.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hdbench.errors import ShapeError
from hdbench.occupancy import Winding
from hdbench.shapes import Mesh

_STEP_OVER_EXTENT = 1e-4  # how far to both sides of the surface occupancy is looked up
_CLEARLY = 0.1  # by how much |w| must differ between the two sides
_LEAST_SHARE = 0.005  # of the area that must bound the solid


def sample_surface(mesh: Mesh, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Points uniform by area [count, 3]. Raises ShapeError for a mesh without area."""
    return _on_faces(mesh.triangles, _draw_faces(mesh, count, rng), rng)


def outer_surface(
    mesh: Mesh, count: int, rng: np.random.Generator, solid: bool, winding: Winding | None = None
) -> NDArray[np.float64]:
    """Points uniform by area on the part of the surface that bounds the solid, [count, 3]; see the module.

    ``winding`` saves preparing the mesh again. Raises ShapeError, with the reason, when no part (less than half a per cent
    of the area) bounds a solid: the mesh is a flat sheet, or two-sided, or far from closed.
    """
    winding = winding or Winding(mesh, solid)
    triangles, kept = mesh.triangles, [np.empty((0, 3))]
    normals = _unit_normals(triangles)
    step = _STEP_OVER_EXTENT * (triangles.max((0, 1)) - triangles.min((0, 1))).max()
    found = drawn = 0
    while found < count:
        share = found / drawn if drawn else 0.75
        if share < _LEAST_SHARE:
            raise ShapeError(
                f"Only {share:.1%} of the surface bounds a solid, so there is nothing to be inside of: the mesh is a sheet, "
                "or two-sided, or far from closed. Close it (with ManifoldPlus, for example) or leave it out."
            )
        draws = int((count - found) / share * 1.05) + 256
        faces = _draw_faces(mesh, draws, rng)
        points = _on_faces(triangles, faces, rng)
        outer = points[_sides_differ(winding, points, normals[faces] * step)]
        kept.append(outer)
        found, drawn = found + len(outer), drawn + draws
    return np.concatenate(kept)[:count]


def _sides_differ(winding: Winding, points: NDArray[np.float64], offset: NDArray[np.float64]) -> NDArray[np.bool_]:
    numbers = np.abs(winding.number(np.concatenate([points + offset, points - offset])))
    above, below = np.split(numbers, 2)
    return ((above >= 0.5) != (below >= 0.5)) & (np.abs(above - below) > _CLEARLY)


def _draw_faces(mesh: Mesh, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Indices of faces [count], by area."""
    if mesh.is_empty:
        raise ShapeError("A mesh without faces has no surface to take points from.")
    corners = mesh.triangles
    areas = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    cumulated = np.cumsum(areas)
    if not cumulated[-1] > 0:
        raise ShapeError("All faces of the mesh have zero area, so there is no surface to take points from.")
    return np.searchsorted(cumulated, rng.random(count) * cumulated[-1], side="right").clip(0, len(areas) - 1)


def _on_faces(triangles: NDArray[np.float64], faces: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.float64]:
    """One uniform point in each of these faces [q, 3]: points of the unit square, folded into the triangle."""
    uv = rng.random((len(faces), 2))
    uv = np.where(uv.sum(1, keepdims=True) > 1, 1 - uv, uv)
    a, b, c = triangles[:, 0], triangles[:, 1], triangles[:, 2]
    return a[faces] + uv[:, :1] * (b - a)[faces] + uv[:, 1:] * (c - a)[faces]


def _unit_normals(triangles: NDArray[np.float64]) -> NDArray[np.float64]:
    normals = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    return normals / np.where(lengths > 0, lengths, 1)  # faces without area are never drawn


# ------------------------------------------------------------------------------------------------------ normalisations
# Clouds are [n, q, 3], or [n, t, q, 3] for sequences: then one centre and one scale serve all frames, so motion is kept.
# A cloud whose points all coincide has no scale: it becomes nan, as clouds of empty meshes are.

Clouds = NDArray[np.floating]


def shape_unit(clouds: Clouds) -> Clouds:
    """Centred, then divided by the unbiased standard deviation of all coordinates; invariant to translation.

    DPC's and HyperDiffusion's normalisation with the order of its two steps mended; see ``shape_unit_legacy``.
    """
    centred = _double(clouds) - _mean(clouds)
    return _scaled(centred, _deviation(centred), clouds)


def shape_unit_legacy(clouds: Clouds) -> Clouds:
    """Centred and divided by the unbiased standard deviation of the coordinates *before* centring: not translation invariant.

    Source: diffusion-point-cloud utils/dataset.py 'shape_unit'; HyperDiffusion test split at fd2c581.
    """
    return _scaled(_double(clouds) - _mean(clouds), _deviation(_double(clouds)), clouds)


def shape_bbox(clouds: Clouds) -> Clouds:
    """Centred on the bounding box and divided by half its longest side, so that it spans [-1, 1]. Source: DPC 'shape_bbox'."""
    axes, points = _but_first(clouds), _double(clouds)
    low = points.min(axes[:-1], keepdims=True)
    high = points.max(axes[:-1], keepdims=True)
    return _scaled(points - (low + high) / 2, (high - low).max(axes, keepdims=True) / 2, clouds)


def shape_bbox_half(clouds: Clouds) -> Clouds:
    """As ``shape_bbox``, to a box of side one, [-0.5, 0.5]. Source: LION 'norm_box' (github.com/nv-tlabs/LION@7711b3d)."""
    return (shape_bbox(clouds) / 2).astype(clouds.dtype)


def frame_box(clouds: Clouds) -> Clouds:
    """Each frame centred on its own mean; then one scale per sequence takes the largest coordinate to 0.95.

    A drift of the whole body is lost. Source: HyperDiffusion's evaluation of 4D shapes at fd2c581.
    """
    centred = _double(clouds) - _double(clouds).mean(-2, keepdims=True)
    return _scaled(centred, np.abs(centred).max(_but_first(clouds), keepdims=True) / 0.95, clouds)


def unit_sphere(clouds: Clouds) -> Clouds:
    """Centred on the mean and divided by the largest distance from it, so that it touches the unit sphere.

    Source: 'pc_normalize' of github.com/yanx27/Pointnet_Pointnet2_pytorch@eb64fe0.
    """
    centred = _double(clouds) - _mean(clouds)
    return _scaled(centred, np.linalg.norm(centred, axis=-1, keepdims=True).max(_but_first(clouds), keepdims=True), clouds)


NORMALISATIONS = {f.__name__: f for f in (shape_unit, shape_unit_legacy, shape_bbox, shape_bbox_half, frame_box, unit_sphere)}


def _but_first(clouds: Clouds) -> tuple[int, ...]:
    return tuple(range(1, clouds.ndim))


def _double(clouds: Clouds) -> NDArray[np.float64]:
    return clouds.astype(np.float64)


def _mean(clouds: Clouds) -> NDArray[np.float64]:
    return _double(clouds).mean(_but_first(clouds)[:-1], keepdims=True)


def _deviation(points: NDArray[np.float64]) -> NDArray[np.float64]:
    return points.std(_but_first(points), ddof=1, keepdims=True)


def _scaled(points: NDArray[np.float64], scale: NDArray[np.float64], like: Clouds) -> Clouds:
    return (points / np.where(scale > 0, scale, np.nan)).astype(like.dtype)
