"""Clouds and meshes on disk, for the tests of what is read from there."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from hdbench.loading import load_shapes

Q = 64

SHARED = Path(os.environ.get("HDBENCH_SHARED_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))


def clouds(count: int = 5, points: int = Q, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, points, 3)).astype(np.float32)


def read(path: Path, points: int = Q, **more):
    return load_shapes(path, points=points, **more)


def note_of(found, words: str) -> str:
    [note] = [note for note in found.notes if note.startswith(words)]
    return note


TETRAHEDRON = "v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nf 1 3 2\nf 1 2 4\nf 2 3 4\nf 3 1 4\n"


def meshes(folder: Path, names="abc", content=TETRAHEDRON) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for scale, name in enumerate(names, start=1):
        lines = [f"v {scale} 0 0" if line == "v 1 0 0" else line for line in content.splitlines()]
        (folder / f"{name}.obj").write_text("\n".join(lines))
    return folder
