"""Meshes as binary glTF 2.0; a sequence as an animation that shows one frame after the other.

Frames of samples differ in topology, so no vertex can move from one to the next. Each frame is a node, and its scale is animated
in steps: 1 while it is shown, 0 otherwise ("a mechanism to animate visibility", as the specification calls it). What does not
play animations shows the first frame.
Source: Khronos, glTF 2.0, sections 3.5.3 (zero scale), 3.11 (animations) and 4.4 (GLB layout).
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hdbench.shapes import Mesh

FRAME_SECONDS = 0.1
CLAY = [0.46, 0.49, 0.55, 1.0]  # linear base colour

_FLOAT, _UINT = 5126, 5125
_VERTEX_BUFFER, _INDEX_BUFFER = 34962, 34963


def encode_glb(frames: Sequence[Mesh], frame_seconds: float = FRAME_SECONDS) -> bytes:
    """The bytes of a GLB file with nodes ``frame_000``, ``frame_001``, ... for the frames that have faces, y up.

    Two frames or more are animated, ``frame_seconds`` each; in the time of a frame without faces nothing is shown. The bytes
    depend on the arguments alone.
    """
    document = _Document()
    shown = [k for k, mesh in enumerate(frames) if not mesh.is_empty]
    for k in shown:
        document.add_mesh(f"frame_{k:03d}", frames[k], hidden=len(frames) > 1 and k > 0)
    if len(frames) > 1:
        document.add_visibility(shown, len(frames), frame_seconds)
    return document.encode()


class _Document:
    """A glTF document in the making: its JSON tree and its one buffer."""

    def __init__(self) -> None:
        self.buffer = bytearray()
        self.views: list[dict[str, Any]] = []
        self.accessors: list[dict[str, Any]] = []
        self.meshes: list[dict[str, Any]] = []
        self.nodes: list[dict[str, Any]] = []
        self.animations: list[dict[str, Any]] = []

    def add_mesh(self, name: str, mesh: Mesh, hidden: bool) -> None:
        """A node with a mesh."""
        positions = self._accessor(mesh.vertices.astype("<f4"), _FLOAT, "VEC3", _VERTEX_BUFFER)
        indices = self._accessor(mesh.faces.reshape(-1).astype("<u4"), _UINT, "SCALAR", _INDEX_BUFFER)
        self.meshes.append(
            {"name": name, "primitives": [{"attributes": {"POSITION": positions}, "indices": indices, "material": 0}]}
        )
        self.nodes.append({"name": name, "mesh": len(self.meshes) - 1} | ({"scale": [0.0] * 3} if hidden else {}))

    def add_visibility(self, shown: Sequence[int], count: int, seconds: float) -> None:
        """An animation in which node i is visible during frame shown[i] of ``count``."""
        channels, samplers = [], []
        for node, frame in enumerate(shown):
            keys = sorted({0, frame, frame + 1, count})  # all channels end when the last frame has been shown
            sizes = [float(frame <= key <= frame + (frame == count - 1)) for key in keys]
            times = self._accessor(np.array(keys, "<f4") * np.float32(seconds), _FLOAT, "SCALAR")
            scales = self._accessor(np.repeat(np.array(sizes, "<f4")[:, None], 3, axis=1), _FLOAT, "VEC3")
            samplers.append({"input": times, "output": scales, "interpolation": "STEP"})
            channels.append({"sampler": node, "target": {"node": node, "path": "scale"}})
        self.animations.append({"name": "frames", "channels": channels, "samplers": samplers})

    def _accessor(self, values: NDArray, component: int, kind: str, target: int | None = None) -> int:
        """The index of a new accessor of these values [n] or [n, 3]; all are of four bytes, so all are aligned."""
        view = {"buffer": 0, "byteOffset": len(self.buffer), "byteLength": values.nbytes}
        self.views.append(view | ({"target": target} if target else {}))
        self.buffer += np.ascontiguousarray(values).tobytes()
        accessor = {"bufferView": len(self.views) - 1, "componentType": component, "count": len(values), "type": kind}
        if component == _FLOAT:  # required of positions and of times
            low, high = values.reshape(len(values), -1).min(0), values.reshape(len(values), -1).max(0)
            accessor |= {"min": [float(v) for v in low], "max": [float(v) for v in high]}
        self.accessors.append(accessor)
        return len(self.accessors) - 1

    def encode(self) -> bytes:
        """A GLB container: a header, the JSON chunk, the binary chunk."""
        material = {"pbrMetallicRoughness": {"baseColorFactor": CLAY, "metallicFactor": 0.0, "roughnessFactor": 0.9}}
        tree: dict[str, Any] = {
            "asset": {"version": "2.0", "generator": "hdbench"}, "scene": 0,
            "scenes": [{"nodes": list(range(len(self.nodes)))}], "nodes": self.nodes, "meshes": self.meshes,
            "materials": [material], "accessors": self.accessors, "bufferViews": self.views,
            "buffers": [{"byteLength": len(self.buffer)}],
        }  # fmt: skip
        if self.animations:
            tree["animations"] = self.animations
        text = json.dumps(tree, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 4)
        chunks = struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", len(self.buffer), b"BIN\0") + self.buffer
        return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks
