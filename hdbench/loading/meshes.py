"""A folder of meshes -> a set of shapes: surface points by area, and the figures of every mesh.

The files are read and mended by the source of shapes ``meshes`` (equal vertices merged, repeated faces dropped, turned
outwards), whose plugin the registry finds. Points are uniform on the whole surface, for generated and reference meshes alike.
Figures are those of the mended meshes; how many faces had no area is then unknown.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hdbench.errors import HdbenchError
from hdbench.interfaces import ShapeSource
from hdbench.loading.folders import Progress, as_shapes, refuse_none, said_of_lost
from hdbench.loading.listing import Listing, list_folder
from hdbench.loading.oddities import said_of_copies
from hdbench.loading.played import frames_in_files, source_of_sequences
from hdbench.loading.wording import plural
from hdbench.measures.validity import mesh_figures
from hdbench.points import sample_surface
from hdbench.registry import Registry
from hdbench.seeds import numpy_generator
from hdbench.shape_set import ShapeSet
from hdbench.shapes import Mesh, Shape, geometry_digest


@dataclass(slots=True)
class _Kept:
    """What is kept of meshes while they are read: figures by shape, what was mended, what is lost, digests that tell copies."""

    figures: dict[str, dict[str, float]] = field(default_factory=dict)
    mended: dict[str, list[str]] = field(default_factory=dict)
    lost: dict[str, str] = field(default_factory=dict)
    digests: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def notes(self, count: int) -> list[str]:
        copies = [names for names in self.digests.values() if len(names) > 1]
        kinds = Counter(kind for notes in self.mended.values() for kind in {_kind(note) for note in notes})
        mended = ", ".join(f"{times} x {kind}" for kind, times in kinds.most_common())
        said = [f"mended: {len(self.mended)} of {plural(count, 'shape')} ({mended})"] if self.mended else []
        return [*said, *said_of_copies(copies, count), *said_of_lost(self.lost)]


def read_meshes(listing: Listing, frames: int | None, points: int, seed: int, progress: Progress) -> ShapeSet:
    """Clouds [n, t, points, 3] and figures of the meshes. A mesh that cannot be read, or has no area, is an empty sample: nan.

    The points of a shape depend on ``seed`` and on its name alone. Raises HdbenchError when no mesh can be used.
    """
    played = frames_in_files(listing)
    shapes, notes = as_shapes(listing, 1 if played > 1 else frames)
    source = _source(listing, played)
    kept, clouds = _Kept(), []
    for done, (name, paths) in enumerate(shapes.items(), start=1):
        try:
            meshes = _meshes_of(source, [listing.name(path) for path in paths], name, kept)
            clouds.append(_cloud(meshes, points, numpy_generator(seed, "points", name)))
        except HdbenchError as error:
            kept.lost[name] = re.sub(r"^The (file|animation) '.*?' cannot be used: ", "", str(error)).rstrip(".")
            clouds.append(np.full((played if played > 1 else len(paths), points, 3), np.nan, np.float32))
        progress(done, len(shapes))
    refuse_none(listing, len(shapes), kept.lost)
    of = f" of {played} frames each" if played > 1 else ""
    read = f"{plural(len(listing.files), 'sequence' if of else 'mesh')}{of} in sorted order, {points} points by area on each"
    said = (read, *listing.notes, *notes, *kept.notes(len(shapes)))
    return ShapeSet(np.stack(clouds), figures=_columns(kept.figures, tuple(shapes)), names=tuple(shapes), notes=said)


def mesh_reader(path: Path, key: str | None, frames: int | None) -> Callable[[str], Mesh] | None:
    """Shape's name -> the mesh of its first frame, mended and in the box, of a folder of meshes; None where it holds others."""
    listing = list_folder(path, key) if path.is_dir() else None
    if listing is None or listing.kind != "meshes":
        return None
    played = frames_in_files(listing)
    files, _ = as_shapes(listing, 1 if played > 1 else frames)
    source = _source(listing, played)
    return lambda name: source.place(source.shape(listing.name(files[name][0]))).frames[0]


def _source(listing: Listing, played: int) -> ShapeSource:
    if played > 1:
        return source_of_sequences(listing, played)
    source_class = Registry().load().resolve("shapes", "meshes")
    found: ShapeSource = source_class(source_class.Config(path=str(listing.folder)))
    return found


def _meshes_of(source: ShapeSource, names: Sequence[str], shape: str, kept: _Kept) -> tuple[Mesh, ...]:
    """The frames of one shape; files its figures, its digest and what was mended. ShapeError when a frame cannot be used."""
    read = [source.shape_with_notes(name) for name in names]
    frames = tuple(frame for part, _ in read for frame in part.frames)
    mended = [note for _, notes in read for note in notes]
    if mended:
        kept.mended[shape] = mended
    kept.digests[geometry_digest(Shape(shape, frames))].append(shape)
    kept.figures[shape] = mesh_figures(frames)
    return frames


def _kind(note: str) -> str:
    """A note without its numbers: ``18 faces without area dropped`` is of the kind ``faces without area dropped``."""
    return re.sub(r"^\d+ | \(.*|:.*", "", note)


def _cloud(frames: Sequence[Mesh], points: int, rng: np.random.Generator) -> NDArray[np.float32]:
    return np.stack([sample_surface(mesh, points, rng) for mesh in frames]).astype(np.float32)


def _columns(figures: Mapping[str, dict[str, float]], names: Sequence[str]) -> dict[str, NDArray[np.float64]]:
    """{name of a figure: [n]}; shapes that could not be read have those of an empty mesh."""
    nothing = mesh_figures((Mesh(np.empty((0, 3)), np.empty((0, 3), np.int64)),))
    rows = [figures.get(name, nothing) | {"degenerate": np.nan} for name in names]
    return {key: np.array([row[key] for row in rows]) for key in nothing}
