"""A folder of meshes as samples, meshes and all; the files are read and mended as ``hdbench.loading`` does."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hdbench.errors import HdbenchError, ShapeError
from hdbench.interfaces import ShapeSource
from hdbench.loading.folders import as_shapes
from hdbench.loading.listing import list_folder
from hdbench.loading.wording import plural, some
from hdbench.registry import Registry
from hdbench.shapes import Mesh


def holds_meshes(folder: Path, key: str | None) -> bool:
    """Whether the shapes in a folder are meshes."""
    return list_folder(folder, key).kind == "meshes"


def read_meshes(folder: Path, key: str | None, frames: int) -> tuple[list[tuple[Mesh, ...]], list[str]]:
    """Every sample as a tuple of meshes, in sorted order, and notes. One that cannot be read is an empty mesh, and is named."""
    listing = list_folder(folder, key)
    shapes, notes = as_shapes(listing, frames if frames > 1 else None)
    source_class = Registry().load().resolve("shapes", "meshes")
    source: ShapeSource = source_class(source_class.Config(path=str(folder)))
    lost: list[str] = []
    samples = [_frames(source, name, [listing.name(path) for path in paths], lost) for name, paths in shapes.items()]
    if len(lost) == len(samples):
        raise HdbenchError(f"None of the {plural(len(samples), 'mesh')} in '{folder}' can be used. The first: {lost[0]}.")
    said = [f"{len(lost)} of {plural(len(samples), 'sample')} cannot be used and count as empty ({some(lost)})"] if lost else []
    return samples, [*listing.notes, *notes, *said]


def _frames(source: ShapeSource, name: str, files: list[str], lost: list[str]) -> tuple[Mesh, ...]:
    try:
        return tuple(source.shape(file).frames[0] for file in files)
    except ShapeError:
        lost.append(name)
        return tuple(Mesh(np.zeros((0, 3)), np.zeros((0, 3), np.int64)) for _ in files)
