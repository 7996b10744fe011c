"""Animated glTF files as sequences: a shape per animation of each .glb and .gltf file in a folder.

A file that ``hdbench run`` wrote of a sample is read back as the frames that it was made of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

import numpy as np

from hdbench.config import check
from hdbench.errors import HdbenchError, ShapeError, unknown
from hdbench.interfaces import ShapeSource, Sighting
from hdbench.shapes import Mesh, Shape, Split
from hdbench_shapes.cleaning import clean_frames
from hdbench_shapes.files import folder, found, stamp
from hdbench_shapes.gltf.curves import clip_labels
from hdbench_shapes.gltf.document import Document
from hdbench_shapes.gltf.sequence import Piece, read_sequence
from hdbench_shapes.lists import read_split

FORMATS, COMPANIONS = (".glb", ".gltf"), (".bin", ".lst")
LOOKED_AT = 16  # files that tell whether those of a folder are animated


class Animations(ShapeSource):
    """All animations of all glTF files under a folder, in the order of their names: ``horse.glb`` if the file has one animation,
    ``horse.glb:walk`` and so on if it has several. A file that has none, or cannot be read, has a name too: it is left out of
    runs, with the reason."""

    name: ClassVar[str] = "animations"
    source: ClassVar[str] = "Khronos, glTF 2.0; files of the user"
    up = "y"

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Config:
        """The folder, how many of its animations to use (the first by name; 0 means all), and how many frames of each."""

        path: str = ""
        limit: int = 0
        frames: int = 16

        def __post_init__(self) -> None:
            check(self.limit >= 0, "limit", "0 or more", self.limit)
            check(1 <= self.frames <= 1000, "frames", "in 1..1000", self.frames)

    def names(self) -> tuple[str, ...]:
        """The names of all animations. HdbenchError when there is no folder or no file."""
        return tuple(self._clips())[: self.config.limit or None]

    def _clips(self) -> dict[str, tuple[Path, int]]:
        """{name: (file, number of the animation)}, in order."""
        root = self._root()
        clips: dict[str, tuple[Path, int]] = {}
        for file in found(root, FORMATS):
            name, stat = file.relative_to(root).as_posix(), file.stat()
            labels = _labels(file, root, stat.st_size, stat.st_mtime_ns)
            named = [f"{name}:{label}" for label in labels] if len(labels) > 1 else [name]
            clips |= {n: (file, k) for k, n in enumerate(named)}
        if not clips:
            known = ", ".join(FORMATS)
            raise HdbenchError(f"There is no animation in the folder '{root}'. Known formats: {known}, in subfolders too.")
        return clips

    def fingerprint(self) -> str:
        """A digest of names, sizes and times of the files, their sidecars and the split lists."""
        root = self._root()
        return stamp(root, found(root, (*FORMATS, *COMPANIONS)))

    def shape(self, name: str) -> Shape:
        """The sequence of this name. ShapeError, with the file and the reason, when it cannot be used."""
        return self.shape_with_notes(name)[0]

    def shape_with_notes(self, name: str) -> tuple[Shape, list[str]]:
        """The sequence of this name and what was mended in it."""
        clips = self._clips()
        if name not in clips:
            raise unknown("animation", name, clips)
        file, index = clips[name]
        try:
            document = Document(file, self._root())
            if not document.entries("animations"):
                raise ShapeError("it has no animation; 'meshes:FOLDER' reads single meshes")
            frames, solid, notes = _frames(_pieces(document, index, self.config.frames))
        except ShapeError as error:
            raise ShapeError(f"The animation '{name}' cannot be used: {error}.") from None
        return Shape(name, frames, solid), notes

    def split(self) -> Split | None:
        """The split of the list files, by names or by names without the extension; None when there are none."""
        names = tuple(self._clips())
        lines = {n.rpartition(".")[0]: n for n in reversed(names)} | {n: n for n in names}
        return read_split(self._root(), "animation", lines, self.names())

    @classmethod
    def recognise(cls, path: Path) -> Sequence[Sighting]:
        """The glTF files at ``path``, if most of those looked at are animated."""
        files = found(path, FORMATS) if path.is_dir() else []
        seen = [_labels(f, path, f.stat().st_size, f.stat().st_mtime_ns) for f in files[:: max(1, len(files) // LOOKED_AT)]]
        if 2 * sum(map(bool, seen)) <= len(seen):
            return ()
        by_name = {file.relative_to(path).as_posix(): file for file in files}
        layout = f"animated glTF files ({', '.join(FORMATS)}), one shape per animation"
        return [Sighting(layout=layout, path=str(path), title=path.name, count=len(files), files=by_name)]

    def _root(self) -> Path:
        return folder(self.config.path, "animations", "animated GLB or glTF files")


@lru_cache(maxsize=4096)
def _labels(file: Path, root: Path, size: int, changed_ns: int) -> tuple[str, ...]:
    """Names of the animations of a file, none if it cannot be read; size and time make it another key when the file changes."""
    try:
        return clip_labels(Document(file, root))
    except ShapeError:
        return ()


def _pieces(document: Document, index: int, count: int) -> list[Piece]:
    """As ``read_sequence``; a tree with entries of wrong types is a broken file, not a bug."""
    try:
        return read_sequence(document, index, count)
    except (AttributeError, TypeError, ValueError, KeyError, IndexError) as error:
        raise ShapeError(f"it is no valid glTF ({type(error).__name__}: {error})") from None


def _frames(pieces: Sequence[Piece]) -> tuple[tuple[Mesh, ...], bool, list[str]]:
    """The frames, whether they are solid, and notes. Faces are the same in all frames unless pieces come and go."""
    if all(piece.shown.all() for piece in pieces):
        return clean_frames(*_joined([piece.vertices for piece in pieces], pieces))
    frames: list[Mesh] = []
    solid, notes = True, []
    for k in range(len(pieces[0].shown)):
        shown = [piece for piece in pieces if piece.shown[k]]
        if not shown:
            raise ShapeError(f"nothing is shown in frame {k}")
        mended = clean_frames(*_joined([piece.vertices[k : k + 1] for piece in shown], shown))
        frames += mended[0]
        solid = solid and mended[1]
        notes += [f"frame {k}: {note}" for note in mended[2]]
    return tuple(frames), solid, notes


def _joined(vertices: Sequence[np.ndarray], pieces: Sequence[Piece]) -> tuple[np.ndarray, np.ndarray]:
    offsets = np.cumsum([0, *(part.shape[1] for part in vertices)])
    return np.concatenate(vertices, axis=1), np.concatenate([piece.faces + o for piece, o in zip(pieces, offsets)])
