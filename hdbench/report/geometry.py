"""Shapes as a page carries them: 16-bit coordinates, deflated, as text; decoded by ``viewer.js``.

The error of a coordinate is at most half a step of 2^-16 of the shape's extent, a hundredth of a pixel in the page's views. Only
of meshes with more triangles than a view has room for, vertices are moved farther, by about a pixel (``coarse``).
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hdbench.shapes import Mesh

STEPS = 2**16 - 1
MOST_FACES = 20_000  # of a shape; a sequence shares them out over its frames, but no frame gets fewer than a tenth
CELLS_PER_SIDE = 128  # to begin with


@dataclass(frozen=True, slots=True)
class Packed:
    """One shape of the page: ``data`` is text; ``kind`` is ``mesh`` or ``cloud``; ``frames`` how many it holds."""

    kind: str
    frames: int
    data: str


def pack_meshes(frames: Sequence[Mesh]) -> Packed:
    """One mesh per frame -> a shape in one scale, so that a sequence does not jump."""
    frames = [coarse(mesh, max(MOST_FACES // len(frames), MOST_FACES // 10)) for mesh in frames]
    low, side = _box(np.concatenate([mesh.vertices for mesh in frames]))
    parts = [part for mesh in frames for part in (_steps(mesh.vertices, low, side), _indices(mesh.faces))]
    counts = [[len(mesh.vertices), len(mesh.faces)] for mesh in frames]
    return Packed("mesh", len(frames), _text({"low": low.tolist(), "side": side, "counts": counts}, parts))


def coarse(mesh: Mesh, most: int) -> Mesh:
    """The mesh with at most ``most`` triangles: vertices in one cell of a grid become their mean (Rossignac and Borrel 1993), in
    coarser grids until few enough are left. Smaller meshes come back as they are."""
    cells, left = CELLS_PER_SIDE, mesh
    while len(left.faces) > most:
        left, cells = _clustered(mesh, cells), cells * 3 // 4
    return left


def _clustered(mesh: Mesh, cells: int) -> Mesh:
    low, side = _box(mesh.vertices)
    places = np.minimum((mesh.vertices - low) / side * cells, cells - 1).astype(np.int64)
    _, cluster, sizes = np.unique(places @ [cells * cells, cells, 1], return_inverse=True, return_counts=True)
    sums = np.stack([np.bincount(cluster, axis, len(sizes)) for axis in mesh.vertices.T], axis=1)
    faces = cluster[mesh.faces]
    flat = (faces == np.roll(faces, 1, axis=1)).any(axis=1)
    return Mesh(sums / sizes[:, None], faces[~flat])


def pack_clouds(frames: NDArray[np.float32], points: int = 2048) -> Packed:
    """Clouds [t, q, 3] -> a shape of the first ``points`` points of every frame."""
    shown = frames[:, :points].astype(np.float64)
    low, side = _box(shown.reshape(-1, 3))
    parts = [_steps(cloud, low, side) for cloud in shown]
    counts = [[len(cloud), 0] for cloud in shown]
    return Packed("cloud", len(shown), _text({"low": low.tolist(), "side": side, "counts": counts}, parts))


def read_glb(path: Path) -> tuple[Mesh, ...]:
    """The frames of a GLB of a run folder, in order."""
    import trimesh

    scene = trimesh.load_scene(path, process=False)
    meshes = [geometry for _, geometry in sorted(scene.geometry.items())]
    return tuple(Mesh(np.asarray(m.vertices, np.float64), np.asarray(m.faces, np.int64)) for m in meshes)


def _box(points: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """The lower corner of the box around the points, and its longest side."""
    low = points.min(axis=0)
    return low, float(max((points.max(axis=0) - low).max(), 1e-12))


def _steps(points: NDArray[np.float64], low: NDArray[np.float64], side: float) -> bytes:
    return np.rint((points - low) / side * STEPS).astype("<u2").tobytes()


def _indices(faces: NDArray[np.int64]) -> bytes:
    return faces.astype("<u4").tobytes()


def _text(header: dict[str, object], parts: Sequence[bytes]) -> str:
    """Length of the header, header, parts; deflated, in base 64."""
    head = json.dumps(header).encode()
    head += b" " * (-len(head) % 4)  # what follows is read as numbers of up to four bytes
    raw = len(head).to_bytes(4, "little") + head + b"".join(part + b"\0" * (-len(part) % 4) for part in parts)
    return base64.b64encode(gzip.compress(raw, compresslevel=9, mtime=0)).decode()
