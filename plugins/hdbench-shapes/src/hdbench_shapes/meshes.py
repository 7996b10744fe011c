"""A folder of meshes as a data set: OBJ, OFF, PLY, STL, GLB and glTF, read by trimesh; names are the relative paths.

List files ``train.lst``, ``val.lst``, ``test.lst`` (or ``train_split.lst`` and so on) in the folder prescribe the split; a line
is a name, with or without its extension. Layouts: HyperDiffusion at fd2c581 (lists with extensions), 3DShape2VecSet (without).
"""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import trimesh
from numpy.typing import NDArray
from trimesh.resolvers import Resolver

from hdbench.config import check
from hdbench.errors import HdbenchError, ShapeError, unknown
from hdbench.interfaces import ShapeSource, Sighting
from hdbench.shapes import Shape, Split
from hdbench_shapes.cleaning import clean
from hdbench_shapes.files import beside, folder, found, refuse_pointer, stamp
from hdbench_shapes.lists import read_split

COMPANIONS = (".bin", ".lst")  # buffers of glTF files, split lists
FORMATS = (".obj", ".off", ".ply", ".stl", ".glb", ".gltf")


class MeshFolder(ShapeSource):
    """All meshes under a folder, in the order of their names."""

    name: ClassVar[str] = "meshes"
    source: ClassVar[str] = "files of the user"
    any_folder = True
    up = "y"  # as ShapeNet, glTF and most OBJ files have it

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Config:
        """The folder, and how many of its meshes to use (the first by name; 0 means all)."""

        path: str = ""
        limit: int = 0

        def __post_init__(self) -> None:
            check(self.limit >= 0, "limit", "0 or more", self.limit)

    def names(self) -> tuple[str, ...]:
        """Paths relative to the folder, with '/' on every system, sorted. HdbenchError when there is no folder or no mesh."""
        return self._all_names()[: self.config.limit or None]

    def _all_names(self) -> tuple[str, ...]:
        root = self._root()
        names = sorted(p.relative_to(root).as_posix() for p in found(root, FORMATS))
        if not names:
            raise HdbenchError(
                f"There is no mesh in the folder '{root}'. Known formats: {', '.join(FORMATS)}, in subfolders too."
            )
        return tuple(names)

    def fingerprint(self) -> str:
        """A digest of the names, sizes and times of the meshes and of the files that they may be read with."""
        root = self._root()
        return stamp(root, found(root, (*FORMATS, *COMPANIONS)))

    def shape(self, name: str) -> Shape:
        """The mesh of this name. ShapeError with the reason when it is unreadable, empty or has points only."""
        return self.shape_with_notes(name)[0]

    def shape_with_notes(self, name: str) -> tuple[Shape, list[str]]:
        """The mesh of this name and what was mended in it, such as '580 duplicate faces dropped'."""
        try:
            mesh, notes = clean(*read_mesh(self._file(name), self._root()))
        except ShapeError as error:
            raise ShapeError(f"The file '{name}' cannot be used: {error}.") from None
        return Shape(name, (mesh,)), notes

    def split(self) -> Split | None:
        """The split of the list files, or None when there are none. HdbenchError for an incomplete or contradictory split."""
        names = self._all_names()
        lines = {n.rpartition(".")[0]: n for n in reversed(names)} | {n: n for n in names}
        return read_split(self._root(), "mesh", lines, self.names())

    @classmethod
    def recognise(cls, path: Path) -> Sequence[Sighting]:
        """The meshes at ``path``, if there are any."""
        files = {file.relative_to(path).as_posix(): file for file in found(path, FORMATS)} if path.is_dir() else {}
        if not files:
            return ()
        endings = Counter(file.suffix.lower() for file in files.values())
        layout = f"a mesh per file: {', '.join(f'{count} {ending}' for ending, count in endings.most_common())}"
        return [Sighting(layout=layout, path=str(path), title=path.name, count=len(files), files=files)]

    def _root(self) -> Path:
        return folder(self.config.path, "meshes", "meshes")

    def _file(self, name: str) -> Path:
        file = self._root() / name
        if ".." in Path(name).parts or Path(name).is_absolute() or not file.is_file():
            raise unknown("mesh", name, self.names())
        return file


# ------------------------------------------------------------------------------------------------------------- reading


def read_mesh(file: Path, root: Path) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Vertices [v, 3] and triangles [f, 3] of all objects in the file, where its scene puts them.

    Sidecar files are read from below ``root`` only; textures are not needed. Raises ShapeError with the reason.
    """
    try:
        content, kind = file.read_bytes(), file.suffix.lower().removeprefix(".")
        refuse_pointer(content)
        if kind == "gltf":
            json.loads(content)  # trimesh takes what is no JSON for the name of an archive
        scene: Any = trimesh.load(
            io.BytesIO(content), file_type=kind, resolver=_Beside(file, root), force="scene", process=False, skip_materials=True
        )
        objects = [_placed(scene, node) for node in scene.graph.nodes_geometry]
    except ShapeError:
        raise
    except Exception as error:  # whatever a reader raises for a broken file, of the many that trimesh has
        raise ShapeError(f"it cannot be read ({_first_line(error)})") from None
    if not objects:
        raise ShapeError("it is empty")
    solid = [o for o in objects if len(o[1])]
    if not solid:
        raise ShapeError("it has points but no faces")
    offsets = np.cumsum([0, *(len(vertices) for vertices, _ in solid)])
    return np.concatenate([v for v, _ in solid]), np.concatenate([f + o for (_, f), o in zip(solid, offsets)])


def _placed(scene: Any, node: str) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    transform, key = scene.graph[node]
    geometry = scene.geometry[key]
    vertices = np.asarray(getattr(geometry, "vertices", np.empty((0, 3))), dtype=np.float64)
    faces = np.asarray(getattr(geometry, "faces", np.empty((0, 3))), dtype=np.int64).reshape(-1, 3)
    if len(faces) and (faces.min() < 0 or faces.max() >= len(vertices)):
        raise ValueError("a face names a vertex that does not exist")
    if np.linalg.det(transform[:3, :3]) < 0:
        faces = faces[:, ::-1]  # a mirror turns faces over
    return vertices @ transform[:3, :3].T + transform[:3, 3], faces


def _first_line(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0][:150]}" if text else type(error).__name__


class _Beside(Resolver):
    """Sidecar files of a mesh, as long as they lie below the data set's folder."""

    def __init__(self, file: Path, root: Path) -> None:
        self.file, self.root = file, root

    def get(self, name: str) -> bytes:  # type: ignore[override]
        """The content of the file of this name, relative to the mesh; ShapeError if it is missing or outside of the folder."""
        return beside(self.file, name, self.root).read_bytes()

    def keys(self) -> Iterable[str]:  # type: ignore[override]
        return ()

    def namespaced(self, namespace: str) -> _Beside:
        return _Beside(self.file.parent / namespace / "any", self.root)

    def write(self, name: str, data: Any) -> None:
        raise NotImplementedError("meshes are only read")
