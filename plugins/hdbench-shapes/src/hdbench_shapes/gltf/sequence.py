"""The meshes of a glTF document over time: moving nodes, morph targets and skins, put together in the world.

Source: Khronos, glTF 2.0, sections 3.5 (nodes), 3.7.2 (morph targets) and 3.7.3 (skins).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hdbench.errors import ShapeError
from hdbench_shapes.gltf.curves import Clip, Floats, read_clip
from hdbench_shapes.gltf.document import Document

TRIANGLES, STRIP, FAN = 4, 5, 6
MOST_NUMBERS = 200_000_000  # coordinates of all frames


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """Triangles of one node: vertices [t, v, 3], faces [f, 3], and in which frames it is shown [t]."""

    vertices: Floats
    faces: NDArray[np.int64]
    shown: NDArray[np.bool_]


def read_sequence(document: Document, index: int, count: int) -> list[Piece]:
    """The pieces of animation ``index`` in ``count`` frames, evenly spaced from its start.

    A node that is scaled to nothing is not shown. Raises ShapeError, with the reason, if there are no triangles or the document
    is broken.
    """
    clip = read_clip(document, index)
    moments = clip.moments(count)
    world = _World(document, clip, moments)
    pieces = [piece for node in world.order for piece in _pieces(document, world, node)]
    if not any(len(piece.faces) for piece in pieces):
        raise ShapeError("its scene has no triangles")
    return pieces


class _World:
    """Where the nodes of the scene are: ``matrices`` {node: [t, 4, 4]}, parents before children in ``order``."""

    def __init__(self, document: Document, clip: Clip, moments: Floats) -> None:
        self.document, self.clip, self.moments = document, clip, moments
        self.matrices: dict[int, Floats] = {}
        self.order: list[int] = []
        waiting = [(root, np.eye(4)[None]) for root in reversed(_roots(document))]
        while waiting:
            node, parent = waiting.pop()
            if node in self.matrices:
                raise ShapeError(f"nodes[{node}] is in its scene twice")
            self.matrices[node] = parent @ self._local(node)
            self.order.append(node)
            children = document.item("nodes", node).get("children", [])
            waiting += [(child, self.matrices[node]) for child in reversed(children)]

    def value(self, node: int, path: str, default: Any) -> Floats:
        """A property of a node over time [t, d], or [1, d] if it does not change."""
        if (node, path) in self.clip.curves:
            return self.clip.curves[node, path].at(self.moments)
        return np.atleast_2d(np.asarray(self.document.item("nodes", node).get(path, default), dtype=np.float64))

    def _local(self, node: int) -> Floats:
        own = self.document.item("nodes", node)
        if "matrix" in own:
            return np.asarray(own["matrix"], dtype=np.float64).reshape(1, 4, 4).swapaxes(1, 2)  # column by column
        place, turn, size = (self.value(node, *pair) for pair in _DEFAULTS)
        frames = max(len(place), len(turn), len(size))
        matrix = np.zeros((frames, 4, 4))
        matrix[:, :3, :3] = _rotation(turn) * size[:, None]
        matrix[:, :3, 3], matrix[:, 3, 3] = place, 1
        return matrix


_DEFAULTS = (("translation", [0.0] * 3), ("rotation", [0.0, 0.0, 0.0, 1.0]), ("scale", [1.0] * 3))


def _roots(document: Document) -> list[int]:
    """The roots of the scene that is shown, or of all nodes when no scene is."""
    if document.entries("scenes"):
        return list(document.item("scenes", document.tree.get("scene", 0)).get("nodes", []))
    nodes = document.entries("nodes")
    below = {child for node in nodes for child in node.get("children", [])}
    return [k for k in range(len(nodes)) if k not in below]


def _rotation(quaternions: Floats) -> Floats:
    """Matrices [t, 3, 3] of quaternions [t, 4], (x, y, z, w)."""
    x, y, z, w = (quaternions / np.linalg.norm(quaternions, axis=1, keepdims=True)).T
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    return np.moveaxis(np.array(rows), 2, 0)


# ---------------------------------------------------------------------------------------------------------------- meshes


def _pieces(document: Document, world: _World, node: int) -> list[Piece]:
    own = document.item("nodes", node)
    if "mesh" not in own:
        return []
    mesh, found = document.item("meshes", own["mesh"]), []
    weights = world.value(node, "weights", mesh.get("weights", []))
    for primitive in mesh.get("primitives", []):
        faces = _faces(document, primitive)
        if len(faces):
            matrices = _skin(document, world, own["skin"], primitive) if "skin" in own else world.matrices[node]
            found.append(_piece(_morphed(document, primitive, weights), faces, matrices, len(world.moments)))
    return found


def _faces(document: Document, primitive: dict[str, Any]) -> NDArray[np.int64]:
    """Triangles [f, 3]; none for points and lines."""
    mode, attributes = primitive.get("mode", TRIANGLES), primitive.get("attributes", {})
    if mode not in (TRIANGLES, STRIP, FAN) or "POSITION" not in attributes:
        return np.empty((0, 3), np.int64)
    vertices = len(document.accessor(attributes["POSITION"], ("VEC3",)))
    corners = document.accessor(primitive["indices"], ("SCALAR",)) if "indices" in primitive else np.arange(vertices)
    corners = corners.astype(np.int64)
    if len(corners) and not 0 <= corners.min() <= corners.max() < vertices:
        raise ShapeError(f"a face names vertex {corners.max()} of {vertices}")
    if mode == TRIANGLES:
        return corners[: len(corners) // 3 * 3].reshape(-1, 3)
    first = np.arange(max(0, len(corners) - 2))
    if mode == FAN:
        return np.stack([corners[first + 1], corners[first + 2], corners[0 * first]], axis=1)
    odd = first % 2
    return np.stack([corners[first], corners[first + 1 + odd], corners[first + 2 - odd]], axis=1)


def _morphed(document: Document, primitive: dict[str, Any], weights: Floats) -> Floats:
    """Vertices [t, v, 3] before they are placed, or [1, v, 3] when no morph target moves."""
    points = np.asarray(document.accessor(primitive["attributes"]["POSITION"], ("VEC3",)), dtype=np.float64)[None]
    for k, target in enumerate(primitive.get("targets", [])[: weights.shape[1]]):
        if "POSITION" in target:
            offsets = document.accessor(target["POSITION"], ("VEC3",))
            if offsets.shape != points.shape[1:]:
                raise ShapeError(f"a morph target has {len(offsets)} vertices, its mesh {points.shape[1]}")
            points = points + weights[:, k, None, None] * offsets
    return points


def _skin(document: Document, world: _World, index: Any, primitive: dict[str, Any]) -> Floats:
    """A matrix per vertex [t, v, 4, 4]: the mean of those of its joints. Where the node itself is does not matter."""
    skin, attributes = document.item("skins", index), primitive.get("attributes", {})
    joints = skin.get("joints", [])
    missing = [joint for joint in joints if joint not in world.matrices]
    if missing or not joints:
        raise ShapeError(f"skins[{index}] has a joint, nodes[{(missing or [None])[0]}], that is not in the scene")
    inverse = np.tile(np.eye(4), (len(joints), 1, 1))
    if "inverseBindMatrices" in skin:
        inverse = document.accessor(skin["inverseBindMatrices"], ("MAT4",)).reshape(-1, 4, 4).swapaxes(1, 2)
    if len(inverse) < len(joints):
        raise ShapeError(f"skins[{index}] has {len(joints)} joints, but {len(inverse)} inverse bind matrices")
    frames = max(len(world.matrices[joint]) for joint in joints)
    bones = np.stack([np.broadcast_to(world.matrices[j], (frames, 4, 4)) @ inverse[k] for k, j in enumerate(joints)], axis=1)
    sets = [k for k in range(8) if f"JOINTS_{k}" in attributes]
    if not sets:
        raise ShapeError(f"a mesh of skins[{index}] has no JOINTS_0")
    chosen = np.concatenate([document.accessor(attributes[f"JOINTS_{k}"], ("VEC4",)) for k in sets], axis=1).astype(np.int64)
    shares = np.concatenate([document.accessor(attributes.get(f"WEIGHTS_{k}"), ("VEC4",)) for k in sets], axis=1)
    return _blended(bones, chosen, np.asarray(shares, dtype=np.float64))


def _blended(bones: Floats, chosen: NDArray[np.int64], shares: Floats) -> Floats:
    """Bones [t, j, 4, 4] mixed for vertices that name some of them, [v, k] each -> [t, v, 4, 4]."""
    if chosen.shape != shares.shape or (len(chosen) and not 0 <= chosen.min() <= chosen.max() < bones.shape[1]):
        raise ShapeError(f"the vertices of its skin name joints that are not among the {bones.shape[1]}, or have no weights")
    if len(bones) * len(chosen) * 16 > MOST_NUMBERS:
        raise ShapeError(f"its skin has {len(chosen)} vertices, too many for {len(bones)} frames")
    total = shares.sum(1, keepdims=True)
    if not (total > 0).all():
        raise ShapeError("a vertex of its skin has no weight")
    shares, mixed = shares / total, np.zeros((len(bones), len(chosen), 4, 4))
    for k in range(chosen.shape[1]):
        mixed += shares[None, :, k, None, None] * bones[:, chosen[:, k]]
    return mixed


def _piece(points: Floats, faces: NDArray[np.int64], matrices: Floats, count: int) -> Piece:
    """Points [t or 1, v, 3] under matrices [t or 1, 4, 4] or, of a skin, [t or 1, v, 4, 4]."""
    if count * points.shape[1] * 3 > MOST_NUMBERS:
        raise ShapeError(f"it has {points.shape[1]} vertices, too many for {count} frames")
    each = matrices if matrices.ndim == 4 else matrices[:, None]
    moved = (each[..., :3, :3] @ points[..., None])[..., 0] + each[..., :3, 3]
    moved = np.ascontiguousarray(np.broadcast_to(moved, (count, *moved.shape[1:])))
    volumes = np.linalg.det(each[:, 0, :3, :3])
    if matrices.ndim == 3 and volumes[np.abs(volumes).argmax()] < 0:
        faces = faces[:, ::-1]  # a mirror turns faces over
    shown = np.broadcast_to(np.abs(each[..., :3, :3]).max((1, 2, 3)) > 0, (count,))
    return Piece(moved, np.ascontiguousarray(faces), shown.copy())
