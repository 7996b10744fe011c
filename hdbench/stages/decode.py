"""Weights to meshes, meshes to clouds. An empty mesh stays empty: its cloud is nan, and it is counted."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from hdbench.interfaces import FieldEncoder, Session
from hdbench.measures.validity import mesh_figures
from hdbench.points import sample_surface
from hdbench.refs import Ref
from hdbench.seeds import numpy_generator
from hdbench.shapes import Mesh
from hdbench.store import Rows

Meshes = list[tuple[Mesh, ...]]


def decode(
    session: Session, encoder: Ref, weights: Rows, first: int, frames: int, resolution: int, level: float, points: int
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The meshes and clouds [k, t, points, 3] of some weights; the first of them is sample ``first``."""
    built: FieldEncoder = encoder.build()
    meshes = []
    for done, vector in enumerate(weights.load("weights")):
        meshes.append(built.decode(vector, frames, resolution, level))
        session.progress(done + 1, len(weights))
    clouds = np.stack([cloud(mesh, points, session.seed, first + k) for k, mesh in enumerate(meshes)])
    tensors = {"clouds": torch.from_numpy(clouds), **pack(meshes), **figures(meshes)}
    return tensors, {"empty": sum(is_empty(mesh) for mesh in meshes)}


def figures(meshes: Meshes) -> dict[str, Tensor]:
    """What is said of every mesh, ``figures.NAME`` [k]: whether it is watertight, in how many pieces, ..."""
    found = [mesh_figures(frames) for frames in meshes]
    return {f"figures.{name}": torch.tensor([f[name] for f in found], dtype=torch.float64) for name in (found or [{}])[0]}


def is_empty(frames: tuple[Mesh, ...]) -> bool:
    """Whether a sample has a frame without surface: it then counts as empty."""
    return any(mesh.is_empty for mesh in frames)


def cloud(frames: tuple[Mesh, ...], points: int, seed: int, index: int) -> np.ndarray:
    """Area-weighted surface points [t, points, 3] float32 of sample ``index``; nan if it is empty."""
    if is_empty(frames):
        return np.full((len(frames), points, 3), np.nan, np.float32)
    rng = numpy_generator(seed, "points", index)
    return np.stack([sample_surface(mesh, points, rng) for mesh in frames]).astype(np.float32)


def pack(meshes: Meshes) -> dict[str, Tensor]:
    """Meshes as four tensors: all vertices, all faces, and how many of each belong to a mesh [k, t]."""
    flat = [mesh for frames in meshes for mesh in frames]
    vertices = np.concatenate([mesh.vertices for mesh in flat]) if flat else np.zeros((0, 3))
    faces = np.concatenate([mesh.faces for mesh in flat]) if flat else np.zeros((0, 3), np.int64)
    counts = np.array([[[len(m.vertices), len(m.faces)] for m in frames] for frames in meshes], np.int64)
    return {
        "mesh.vertices": torch.from_numpy(vertices.astype(np.float32)),
        "mesh.faces": torch.from_numpy(faces.astype(np.int32)),
        "mesh.counts": torch.from_numpy(counts),
    }


def unpack(tensors: dict[str, Tensor]) -> Meshes:
    """The inverse of ``pack``."""
    counts = tensors["mesh.counts"].numpy()
    vertices, faces = tensors["mesh.vertices"].double().numpy(), tensors["mesh.faces"].long().numpy()
    ends = counts.reshape(-1, 2).cumsum(0)
    starts = ends - counts.reshape(-1, 2)
    flat = [Mesh(vertices[a[0] : b[0]], faces[a[1] : b[1]]) for a, b in zip(starts, ends)]
    frames = counts.shape[1]
    return [tuple(flat[i : i + frames]) for i in range(0, len(flat), frames)]
