"""Closed parts that move: the same faces in every frame, vertices [t, v, 3].

The frame of thought is that of ``parts``: x to the rear, y to the side, z up. Along a part, sections are ellipses and both ends
are domes, so a part is as thick at its ends as in between.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hdbench.shapes import Mesh
from hdbench_shapes.parts import assemble, loft

Floats = NDArray[np.float64]
Moving = tuple[Floats, NDArray[np.int64]]  # vertices [t, v, 3], faces [f, 3]

DOME = np.radians([68.0, 34.0])  # latitudes of the rings that round an end off


def skin(rings: Floats) -> Moving:
    """A skin over rings [t, r, k, 3], closed at both ends; ``loft`` over time."""
    frames, points = len(rings), rings.reshape(len(rings), -1, 3)
    ends = rings[:, [0, -1]].mean(2)
    return np.concatenate([points, ends.reshape(frames, 2, 3)], axis=1), loft(rings[0])[1]


def sweep(centres: Floats, wide: Floats, high: Floats, widths: ArrayLike, heights: ArrayLike, sides: int = 10) -> Moving:
    """Ellipses along a moving curve, with domes at its ends.

    ``centres`` [t, r, 3]; ``wide`` and ``high`` [t, r, 3]: unit vectors across; ``widths`` and ``heights`` [r] or [t, r]: halves.
    """
    shape = centres.shape[:2]
    sizes = [np.broadcast_to(np.asarray(size, dtype=np.float64), shape) for size in (widths, heights)]
    first, last = (_dome(centres, wide, high, sizes[0], sizes[1], end) for end in (0, -1))
    middle = (centres, wide, high, *sizes)
    parts = [np.concatenate(group, axis=1) for group in zip(first, middle, [np.flip(part, 1) for part in last])]
    angles = np.linspace(0, 2 * np.pi, sides, endpoint=False)[:, None]
    across = [parts[1 + k][:, :, None] * parts[3 + k][:, :, None, None] for k in range(2)]
    return skin(parts[0][:, :, None] + np.cos(angles) * across[0] + np.sin(angles) * across[1])


def _dome(centres: Floats, wide: Floats, high: Floats, widths: Floats, heights: Floats, end: int) -> tuple[Floats, ...]:
    """Rings beyond one end of a sweep, the outermost first: centres, directions and sizes."""
    axis = np.cross(wide[:, end], high[:, end])
    outwards = centres[:, 0] - centres[:, 1] if end == 0 else centres[:, -1] - centres[:, -2]
    axis *= np.sign(np.einsum("td,td->t", axis, outwards))[:, None]
    depth = np.minimum(widths, heights)[:, end, None, None]
    places = centres[:, end, None] + axis[:, None] * depth * np.sin(DOME)[:, None]
    size = [part[:, end, None] * np.cos(DOME) for part in (widths, heights)]
    return places, *(np.repeat(part[:, end, None], len(DOME), axis=1) for part in (wide, high)), *size


def bone(start: Floats, end: Floats, radii: tuple[float, float], sides: int = 8) -> Moving:
    """A bar from ``start`` [t, 3] to ``end`` [t, 3] with round ends, which reach beyond both by the radius there."""
    along = unit(end - start)
    wide = _carried(along)
    high = np.cross(along, wide)
    return sweep(np.stack([start, end], axis=1), _often(wide, 2), _often(high, 2), radii, radii, sides)


def _carried(along: Floats) -> Floats:
    """Unit vectors across a bone [t, 3], carried from frame to frame by the least rotation of the bone: its skin does not spin.

    For a, v, b of unit length, v across a, the rotation of a onto b takes v to v - (v b) (a + b) / (1 + a b).
    """
    across = [unit(np.cross(along[0], np.eye(3)[np.abs(along[0]).argmin()]))]
    for a, b in pairwise(along):
        v, both = across[-1], 1 + a @ b
        across.append(v - (v @ b) / both * (a + b) if both > 1e-9 else v)
    return np.array(across)


def plate(root: Floats, way: Floats, facing: Floats, length: float, chords: ArrayLike, thick: float) -> Moving:
    """A fin or a wing from ``root`` along ``way``, both [t, 3], in the plane of ``way`` and ``facing``; ``chords`` [r] along it
    and ``thick`` are halves."""
    half = np.asarray(chords, dtype=np.float64)
    chord = unit(facing - way * np.einsum("td,td->t", facing, way)[:, None])
    places = np.linspace(0, 1, len(half))[:, None] * length
    across = _often(chord, len(half)), _often(np.cross(way, chord), len(half))
    return sweep(root[:, None] + way[:, None] * places, *across, half, np.full(len(half), thick))


def _often(directions: Floats, count: int) -> Floats:
    """The same directions [t, 3] at ``count`` sections."""
    return np.repeat(directions[:, None], count, axis=1)


def unit(vectors: Floats) -> Floats:
    """The vectors, of length one."""
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def assemble_frames(parts: Sequence[Moving]) -> tuple[Mesh, ...]:
    """One polygon soup per frame, y up and front towards -z; all share their faces."""
    frames = [assemble([(vertices[k], faces) for vertices, faces in parts]) for k in range(len(parts[0][0]))]
    return tuple(Mesh(mesh.vertices, frames[0].faces) for mesh in frames)
