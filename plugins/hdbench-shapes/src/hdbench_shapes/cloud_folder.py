"""A folder of clouds, one ``.npy`` file [q, c] each, with split lists: such as HyperDiffusion's ``SYNSET_2048_pc/ID.obj.npy``.

A line of a list is a file's name with its endings, or without one or both. Further columns than x, y, z are left out.
Source: Rgtemze/HyperDiffusion at fd2c581, which reads ``NAME + ".npy"`` for each line of its lists.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from hdbench.clouds import Cloud
from hdbench.config import check
from hdbench.data.taxonomy import title_of
from hdbench.errors import HdbenchError, ShapeError, unknown
from hdbench.interfaces import Sighting
from hdbench.shapes import Split
from hdbench_shapes.clouds import Clouds, read_points
from hdbench_shapes.files import folder, stamp
from hdbench_shapes.lists import checked_split, list_files, read_lists

ENDING = ".npy"


class CloudFolder(Clouds):
    """The clouds of one folder, called as their files without ``.npy`` and ``.obj``; clouds of a list that are not there have a
    name too, and are left out of runs with the reason."""

    name: ClassVar[str] = "clouds"
    source: ClassVar[str] = "files of the user"
    any_folder = True

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Config:
        """The folder, and how many of its clouds to use (the first by name; 0 means all)."""

        path: str = ""
        limit: int = 0

        def __post_init__(self) -> None:
            check(self.limit >= 0, "limit", "0 or more", self.limit)

    def names(self) -> tuple[str, ...]:
        """Names of the files, sorted. HdbenchError when there is no folder or no cloud."""
        root = self._root()
        there = _files(root)
        if not there:
            raise HdbenchError(f"There is no cloud NAME.npy in the folder '{root}'. Sub-folders are not looked into.")
        listed = {name for names in _listed(root).values() for name in names}
        return tuple(sorted(there.keys() | listed))[: self.config.limit or None]

    def fingerprint(self) -> str:
        """A digest of names, sizes and times of the files, and of the split lists."""
        root = self._root()
        return stamp(root, [*_files(root).values(), *list_files(root)])

    def cloud(self, name: str) -> tuple[Cloud, list[str]]:
        """The points of a shape. ShapeError with the reason when it cannot be used."""
        file = _file(self._root(), name)
        try:
            if file is None and name in self.names():
                raise ShapeError("it is listed, and there is no such file")
            if file is None:
                raise unknown("cloud", name, self.names())
            points, notes = read_points(file)
        except ShapeError as error:
            raise ShapeError(f"The cloud '{name}' cannot be used: {error}.") from None
        return Cloud(name, points[None]), notes

    def split(self) -> Split | None:
        """The split of the lists, None when there are none."""
        known = frozenset(self.names())
        return checked_split(
            self._root(), {p: tuple(n for n in names if n in known) for p, names in _listed(self._root()).items()}
        )

    @classmethod
    def recognise(cls, path: Path) -> Sequence[Sighting]:
        """The folder at ``path``, if it holds clouds."""
        files = _files(path) if path.is_dir() else {}
        if not files:
            return ()
        synset = path.name.partition("_")[0]
        layout = "a cloud per file: NAME.npy" + (", as HyperDiffusion's SYNSET_2048_pc" if path.name.endswith("_pc") else "")
        return [Sighting(layout=layout, path=str(path), title=title_of(synset) if synset != path.name else path.name,
                         count=len(files), files=files, remarks=tuple(_remarks(path, files)))]  # fmt: skip

    def _root(self) -> Path:
        return folder(self.config.path, "clouds", "a cloud [q, 3] per file NAME.npy")


def _bare(name: str) -> str:
    return name.removesuffix(ENDING).removesuffix(".obj")


def _files(root: Path) -> dict[str, Path]:
    """{name: file} of a folder, sorted."""
    return {_bare(file.name): file for file in sorted(root.glob(f"*{ENDING}")) if not file.name.startswith(".")}


def _file(root: Path, name: str) -> Path | None:
    if Path(name).name != name or name in ("", ".", "..") or "\0" in name:
        return None
    return next((file for ending in (f".obj{ENDING}", ENDING) if (file := root / f"{name}{ending}").is_file()), None)


def _listed(root: Path) -> dict[str, tuple[str, ...]]:
    return {part: tuple(map(_bare, lines)) for part, lines in read_lists(root).items()}


def _remarks(root: Path, files: dict[str, Path]) -> list[str]:
    """What is odd about lists."""
    try:
        lists = _listed(root)
    except HdbenchError as error:
        return [str(error)]
    absent = {part: [name for name in names if name not in files] for part, names in lists.items()}
    return [f"The {part} list names {len(gone)} of {len(lists[part])} clouds that are not there, as '{gone[0]}'."
            for part, gone in absent.items() if gone]  # fmt: skip
