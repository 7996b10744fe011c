"""Builders of closed parts, from which the procedural categories are put together.

A part is (vertices [v, 3], faces [f, 3]), closed and wound outwards. Categories build in a frame that is easy to think in,
x to the rear, y to the left or right (shapes are symmetric), z up; ``assemble`` turns that into the frame of ShapeNet v2
and of glTF: y up, front towards -z.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hdbench.shapes import Mesh

Part = tuple[NDArray[np.float64], NDArray[np.int64]]


def loft(rings: ArrayLike) -> Part:
    """A skin over rings [r, k, 3], closed by fans around the centres of the first and the last."""
    points = np.asarray(rings, dtype=np.float64)
    count, size = points.shape[:2]
    vertices = np.concatenate([points.reshape(-1, 3), points[0].mean(0, keepdims=True), points[-1].mean(0, keepdims=True)])

    here = np.arange(count * size).reshape(count, size)
    after = np.roll(here, -1, axis=1)
    a, b, c, d = here[:-1].ravel(), after[:-1].ravel(), here[1:].ravel(), after[1:].ravel()
    first, last = np.full(size, count * size), np.full(size, count * size + 1)
    columns = [(a, b, d), (a, d, c), (after[0], here[0], first), (here[-1], after[-1], last)]
    faces = np.concatenate([np.stack(column, axis=1) for column in columns])
    return vertices, faces if _volume(vertices, faces) > 0 else faces[:, ::-1]


def _volume(vertices: NDArray[np.float64], faces: NDArray[np.int64]) -> float:
    a, b, c = np.moveaxis(vertices[faces], 1, 0)
    return float(np.einsum("ij,ij->", a, np.cross(b, c)))


def revolve(stations: ArrayLike, radii: ArrayLike, sides: int = 16, flat: float = 1.0, lift: ArrayLike = 0.0) -> Part:
    """Circles of ``radii`` [s] around the x axis at ``stations`` [s]; heights times ``flat``, then moved up by ``lift`` [s]."""
    x, r = np.asarray(stations, dtype=np.float64), np.asarray(radii, dtype=np.float64)
    angles = np.linspace(0, 2 * np.pi, sides, endpoint=False)
    y, z = r[:, None] * np.cos(angles), r[:, None] * np.sin(angles) * flat
    z = z + np.broadcast_to(np.asarray(lift, dtype=np.float64), x.shape)[:, None]
    return loft(np.stack([np.broadcast_to(x[:, None], y.shape), y, z], axis=-1))


def tube(stations: ArrayLike, widths: ArrayLike, bottoms: ArrayLike, tops: ArrayLike, round_: float = 0.3) -> Part:
    """Rounded rectangles across the x axis: half widths, bottoms and tops [s]; ``round_``: corner radius over half side."""
    x, w, low, high = (np.asarray(v, dtype=np.float64)[:, None] for v in (stations, widths, bottoms, tops))
    cut = 1 - round_
    y = np.array([1, 1, cut, -cut, -1, -1, -cut, cut])
    z = np.array([-cut, cut, 1, 1, cut, -cut, -1, -1])
    height, middle = (high - low) / 2, (high + low) / 2
    return loft(np.stack([np.broadcast_to(x, (len(x), 8)), y * w, middle + z * height], axis=-1))


def box(low: ArrayLike, high: ArrayLike, shift: Sequence[float] = (0.0, 0.0), taper: float = 1.0) -> Part:
    """From corner to corner; the upper face is moved by ``shift`` in x and y and its sides are multiplied by ``taper``."""
    a, b = np.asarray(low, dtype=np.float64), np.asarray(high, dtype=np.float64)
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * (b - a)[:2] / 2
    centre = (a + b)[:2] / 2
    lower = np.column_stack([centre + corners, np.full(4, a[2])])
    upper = np.column_stack([centre + np.asarray(shift) + corners * taper, np.full(4, b[2])])
    return loft([lower, upper])


def beam(start: ArrayLike, end: ArrayLike, thickness: float, sides: int = 6) -> Part:
    """A straight bar with a regular cross-section of radius ``thickness`` / 2."""
    a, b = np.asarray(start, dtype=np.float64), np.asarray(end, dtype=np.float64)
    along = (b - a) / np.linalg.norm(b - a)
    across = np.cross(along, np.eye(3)[np.argmin(np.abs(along))])
    across /= np.linalg.norm(across)
    angles = np.linspace(0, 2 * np.pi, sides, endpoint=False)[:, None] + np.pi / sides
    ring = (np.cos(angles) * across + np.sin(angles) * np.cross(along, across)) * thickness / 2
    return loft([a + ring, b + ring])


def airfoil(points: int = 9) -> NDArray[np.float64]:
    """A symmetric NACA section of unit chord and unit thickness [2 points - 2, 2]. Source: NACA report 460 (1933)."""
    x = (1 - np.cos(np.linspace(0, np.pi, points))) / 2
    half = 5 * (0.2969 * np.sqrt(x) - 0.1260 * x - 0.3516 * x**2 + 0.2843 * x**3 - 0.1036 * x**4)
    return np.concatenate([np.column_stack([x, half]), np.column_stack([x, -half])[-2:0:-1]])


def panel(
    root: ArrayLike, tip: ArrayLike, chords: tuple[float, float], thickness: tuple[float, float], sections: int = 4
) -> Part:
    """A wing or fin: airfoils from root to tip (leading edges), chords along x, thickness across the span."""
    a, b = np.asarray(root, dtype=np.float64), np.asarray(tip, dtype=np.float64)
    span = (b - a) * (0, 1, 1)
    across = np.array([0, -span[2], span[1]]) / np.linalg.norm(span)
    way = np.linspace(0, 1, sections)[:, None, None]
    chord, thick = (pair[0] + (pair[1] - pair[0]) * way for pair in (chords, thickness))
    section = airfoil()
    return loft(a + (b - a) * way + section[:, :1] * chord * (1.0, 0, 0) + section[:, 1:] * thick * across)


def moved(part: Part, offset: ArrayLike) -> Part:
    """The part elsewhere."""
    return part[0] + np.asarray(offset, dtype=np.float64), part[1]


def turned(part: Part, order: str) -> Part:
    """The part with its axes in another cyclic order: ``"yzx"`` lets its x axis point along y, ``"zxy"`` along z."""
    return np.roll(part[0], {"yzx": 1, "zxy": 2}[order], axis=1), part[1]


def assemble(parts: Sequence[Part]) -> Mesh:
    """All parts as one polygon soup, y up and front towards -z (x rear, y side, z up -> x side, y up, z rear)."""
    offsets = np.cumsum([0, *(len(vertices) for vertices, _ in parts)])
    vertices = np.roll(np.concatenate([part[0] for part in parts]), -1, axis=1)
    faces = np.concatenate([part[1] + offset for part, offset in zip(parts, offsets)])
    return Mesh(np.ascontiguousarray(vertices), faces.astype(np.int64))
