"""DeformingThings4D: sequences as ``DIR/NAME/NAME.anime``, with HyperDiffusion's frames, split lists and placement.

A file is little-endian, without a magic number or padding: int32 frames, vertices, triangles; float32 [v, 3] vertices of frame 0;
int32 [f, 3] triangles; float32 [frames - 1, v, 3] offsets of the other frames *from frame 0*. So it has
12 + 12 v + 12 f + 12 v (frames - 1) bytes. Sources: rabbityl/DeformingThings4D at 7cb9461; HyperDiffusion at fd2c581.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hdbench.config import check
from hdbench.errors import HdbenchError, ShapeError, unknown
from hdbench.interfaces import ShapeSource, Sighting
from hdbench.shapes import NORMAL_EXTENT, Mesh, Shape, Split, normalise
from hdbench_shapes.cleaning import clean_frames
from hdbench_shapes.files import folder, stamp
from hdbench_shapes.lists import read_split

HEADER_BYTES = ROW_BYTES = 12  # three numbers of four bytes


class Anime(ShapeSource):
    """All sequences of a folder such as ``DeformingThings4D/animals``, in the order of their names."""

    name: ClassVar[str] = "anime"
    source: ClassVar[str] = "Li et al. 2021 (DeformingThings4D); files of the user"

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Config:
        """The folder, how many of its sequences to use (the first by name; 0 means all), how many frames of each, and what is
        centred: every ``frame`` on the mean of its vertices, as the original has it, so that a drift of the body is lost, or the
        whole ``sequence`` on its box. ``up`` is for pictures: z as Blender has it, from which the data set comes."""

        path: str = ""
        limit: int = 0
        frames: int = 16
        centred: Literal["frame", "sequence"] = "frame"
        up: Literal["y", "z"] = "z"

        def __post_init__(self) -> None:
            check(self.limit >= 0, "limit", "0 or more", self.limit)
            check(1 <= self.frames <= 1000, "frames", "in 1..1000", self.frames)

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.up = config.up

    def names(self) -> tuple[str, ...]:
        """NAME of every DIR/NAME/NAME.anime, sorted. HdbenchError when there is no folder or no sequence."""
        return self._all_names()[: self.config.limit or None]

    def _all_names(self) -> tuple[str, ...]:
        root = self._root()
        names = sorted(p.name for p in root.iterdir() if (p / f"{p.name}.anime").is_file())
        if not names:
            below = sorted(p.name for p in root.iterdir() if p.is_dir() and any(p.glob("*/*.anime")))
            hint = f" Did you mean '{root / below[0]}'?" if below else ""
            raise HdbenchError(f"There is no sequence NAME/NAME.anime in the folder '{root}'.{hint}")
        return tuple(names)

    def fingerprint(self) -> str:
        """A digest of names, sizes and times of the files, and of the split lists."""
        root = self._root()
        return stamp(root, [root / name / f"{name}.anime" for name in self._all_names()] + sorted(root.glob("*.lst")))

    def shape(self, name: str) -> Shape:
        """The sequence of this name. ShapeError, with the file and the byte, when it cannot be used."""
        return self.shape_with_notes(name)[0]

    def shape_with_notes(self, name: str) -> tuple[Shape, list[str]]:
        """The sequence of this name and what was mended or is odd, such as frames that are there twice."""
        if name not in self.names():
            raise unknown("sequence", name, self.names())
        file = self._root() / name / f"{name}.anime"
        try:
            vertices, faces, count = read_anime(file, self.config.frames)
            frames, solid, notes = clean_frames(vertices, faces)
        except ShapeError as error:
            raise ShapeError(f"The file '{name}/{name}.anime' cannot be used: {error}.") from None
        repeated = [f"{count} frames for {self.config.frames}: some are there twice"] if count < self.config.frames else []
        return Shape(name, frames, solid), repeated + notes

    def place(self, shape: Shape) -> Shape:
        """The sequence in the box, as the configuration says what is centred."""
        return normalise(shape) if self.config.centred == "sequence" else centre_frames(shape)

    def split(self) -> Split | None:
        """The split of the list files, names without ``.anime``; None when there are none."""
        return read_split(self._root(), "sequence", {name: name for name in self._all_names()}, self.names())

    @classmethod
    def recognise(cls, path: Path) -> Sequence[Sighting]:
        """The sequences at ``path``, if there are any."""
        inside = sorted(p for p in path.iterdir() if p.is_dir()) if path.is_dir() else []
        files = {p.name: file for p in inside if (file := p / f"{p.name}.anime").is_file()}
        if not files:
            return ()
        odd = [p for p in inside if p.name not in files and any(p.glob("*.anime"))]
        remarks = [f"{len(odd)} folders hold an .anime file of another name, as '{next(odd[0].glob('*.anime'))}'."] if odd else []
        layout = "DeformingThings4D: NAME/NAME.anime"
        return [Sighting(layout=layout, path=str(path), title=path.name, count=len(files), files=files, remarks=tuple(remarks))]

    def _root(self) -> Path:
        return folder(self.config.path, "anime", "NAME/NAME.anime")


def centre_frames(shape: Shape) -> Shape:
    """Every frame minus the mean of its vertices; then one scale takes the largest coordinate of all to 0.475.

    Source: HyperDiffusion at fd2c581, its 4D sampling. Raises ShapeError for a shape without extent.
    """
    centred = [mesh.vertices - mesh.vertices.mean(0) for mesh in shape.frames]
    reach = max(float(np.abs(vertices).max()) for vertices in centred)
    if not reach > 0:
        raise ShapeError(f"The shape '{shape.name}' has no extent: all its vertices coincide.")
    scale = NORMAL_EXTENT / 2 / reach
    return Shape(shape.name, tuple(Mesh(v * scale, m.faces) for v, m in zip(centred, shape.frames)), shape.solid)


# -------------------------------------------------------------------------------------------------------------- reading


class Header(NamedTuple):
    """Counts of a file; all of its offsets follow from them."""

    frames: int
    vertices: int
    faces: int

    @property
    def faces_at(self) -> int:
        return HEADER_BYTES + ROW_BYTES * self.vertices

    def offsets_at(self, frame: int) -> int:
        """The byte at which the offsets of ``frame`` >= 1 begin."""
        return self.faces_at + ROW_BYTES * (self.faces + self.vertices * (frame - 1))


def read_anime(file: Path, count: int) -> tuple[NDArray[np.float32], NDArray[np.int64], int]:
    """``count`` evenly spaced frames: vertices [count, v, 3], triangles [f, 3], and how many frames the file has.

    Frames are int(k frames / count), as ``linspace(0, frames, count, endpoint=False)`` has them; only these are read. Raises
    ShapeError, with the byte, for a file that is not what its header says, before anything of its size is allocated.
    """
    header = read_header(file)
    first = _rows(file, HEADER_BYTES, header.vertices, np.dtype("<f4"))
    faces = _rows(file, header.faces_at, header.faces, np.dtype("<i4"))
    strange = np.flatnonzero(((faces < 0) | (faces >= header.vertices)).any(1))
    if len(strange):
        at = header.faces_at + ROW_BYTES * int(strange[0])
        raise ShapeError(f"triangle {strange[0]} at byte {at} has the corners {faces[strange[0]].tolist()}")
    vertices = np.repeat(first[None], count, axis=0)
    for k in range(count):
        if frame := k * header.frames // count:
            vertices[k] += _rows(file, header.offsets_at(frame), header.vertices, np.dtype("<f4"))
        if not np.isfinite(vertices[k]).all():
            at = header.offsets_at(frame) if frame else HEADER_BYTES
            raise ShapeError(f"frame {frame} at byte {at} has coordinates that are not finite")
    return vertices, faces.astype(np.int64), header.frames


def read_header(file: Path) -> Header:
    """The counts at the beginning of a file, held against its size. Raises ShapeError."""
    size = file.stat().st_size
    if size < HEADER_BYTES:
        raise ShapeError(f"it ends at byte {size}, within the header of {HEADER_BYTES} bytes")
    with file.open("rb") as stream:
        header = Header(*np.frombuffer(stream.read(HEADER_BYTES), "<i4").tolist())
    for at, (what, found, least) in enumerate(zip(Header._fields, header, (1, 3, 1))):
        if found < least:
            raise ShapeError(f"its header names {found} {what} at byte {4 * at}, and {least} is the least")
    if size != header.offsets_at(header.frames):
        raise ShapeError(
            f"it has {size} bytes, but the {header.frames} frames, {header.vertices} vertices and {header.faces} faces of its "
            f"header take {header.offsets_at(header.frames)}"
        )
    return header


def _rows(file: Path, at: int, count: int, kind: np.dtype) -> NDArray:
    """``count`` rows of three numbers from byte ``at``."""
    return np.fromfile(file, kind, 3 * count, offset=at).reshape(count, 3)
