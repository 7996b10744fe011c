"""PointFlow's clouds: ``SYNSET/{train,val,test}/ID.npy`` with 15,000 points each (ShapeNetCore.v2.PC15k, ModelNet40.PC15k).

The first 10,000 points of a shape are for training and the other 5,000 for evaluation: of a training shape the first are drawn
from here, of the others the last. Files of another size are drawn from as a whole. Also PVD and LION read this.
Sources: Yang et al. 2019 (arXiv 1906.12320); stevenygd/PointFlow at 26e8c26, alexzhou907/PVD at 9747265.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from hdbench.clouds import Cloud
from hdbench.data.taxonomy import category_folder, title_of
from hdbench.errors import HdbenchError, ShapeError, unknown
from hdbench.interfaces import Sighting
from hdbench.shapes import Split
from hdbench_shapes.clouds import Clouds, PartsConfig, read_points, used
from hdbench_shapes.files import folder, stamp
from hdbench_shapes.lists import PARTS, checked_split

POINTS, FOR_TRAINING = 15_000, 10_000
OTHER_NAMES = {
    "train": ("Train", "training", "TRAIN"),
    "val": ("Val", "valid", "validation"),
    "test": ("Test", "testing", "TEST"),
}


class PC15K(Clouds):
    """The clouds of one category, called ``PART/ID``."""

    name: ClassVar[str] = "pc15k"
    source: ClassVar[str] = "Yang et al. 2019 (PointFlow); files of the user"
    Config = PartsConfig

    def names(self) -> tuple[str, ...]:
        """``train/ID``, then ``val/ID`` and ``test/ID``, each sorted. HdbenchError when there are none."""
        return tuple(name for names in self._parts().values() for name in names)

    def _parts(self) -> dict[str, tuple[str, ...]]:
        root = self._root()
        parts = _parts_of(root)
        if not any(parts.values()):
            raise _nothing(root)
        return used(parts, self.config.limit)

    def fingerprint(self) -> str:
        """A digest of names, sizes and times of the files."""
        root = self._root()
        return stamp(root, [root / f"{name}.npy" for name in self.names()])

    def cloud(self, name: str) -> tuple[Cloud, list[str]]:
        """All points of a shape, and which of them its part may draw. ShapeError with the reason when it cannot be used."""
        part, _, id_ = name.partition("/")
        file = self._root() / part / f"{id_}.npy"
        if part not in PARTS or Path(id_).name != id_ or not file.is_file():
            raise unknown("cloud", name, self.names())
        try:
            points, notes = read_points(file)
        except ShapeError as error:
            raise ShapeError(f"The file '{name}.npy' cannot be used: {error}.") from None
        if len(points) != POINTS:
            return Cloud(name, points[None]), [*notes, f"{len(points)} points, not {POINTS}: drawn from all of them"]
        first, last = (0, FOR_TRAINING) if part == "train" else (FOR_TRAINING, None)
        return Cloud(name, points[None], first, last), notes

    def split(self) -> Split | None:
        """The folders; with ``test = "val"`` the validation shapes are the test shapes, and the others are not used."""
        parts = self._parts()
        return checked_split(self._root(), {"train": parts["train"], "test": parts[self.config.test],
                                            "val": parts["val"] if self.config.test == "test" else ()})  # fmt: skip

    @classmethod
    def recognise(cls, path: Path) -> Sequence[Sighting]:
        """The category at ``path``, if it has folders of clouds."""
        root = category_folder(path)
        parts = _parts_of(root) if root.is_dir() else {}
        if not any(parts.values()):
            return ()
        files = {name: root / f"{name}.npy" for names in parts.values() for name in names}
        layout = "PointFlow's clouds: SYNSET/{train,val,test}/ID.npy, of 15,000 points as released"
        return [Sighting(layout=layout, path=str(root), title=title_of(root.name), count=len(files), files=files,
                         remarks=tuple(_remarks(root, parts)))]  # fmt: skip

    def _root(self) -> Path:
        given = category_folder(Path(self.config.path).expanduser())
        return folder(str(given) if self.config.path else "", "pc15k", "train/ID.npy, val/ID.npy and test/ID.npy")


def _parts_of(root: Path) -> dict[str, Sequence[str]]:
    """{part: names} of the files below a category's folder, sorted."""
    return {part: sorted(f"{part}/{f.stem}" for f in (root / part).glob("*.npy") if not f.name.startswith(".")) for part in PARTS}


def _nothing(root: Path) -> HdbenchError:
    below = sorted(entry.name for entry in root.iterdir() if entry.is_dir() and any(_parts_of(entry).values()))
    hint = f" It holds categories: name one, such as 'pc15k:{root / below[0]}'." if below else ""
    if root.name in PARTS and any(root.glob("*.npy")):
        hint = f" It is one part of a data set: give 'pc15k:{root.parent}'."
    return HdbenchError(f"There is no cloud train/ID.npy, val/ID.npy or test/ID.npy in the folder '{root}'.{hint}")


def _remarks(root: Path, parts: dict[str, Sequence[str]]) -> list[str]:
    """What is odd about the folders and the names in them."""
    said = []
    for part, names in parts.items():
        other = next((root / word for word in OTHER_NAMES[part] if not names and any((root / word).glob("*.npy"))), None)
        if other:
            said.append(f"The folder '{other.name}' is not looked into: it must be called '{part}'.")
    doubled = [name for names in parts.values() for name in names if name.endswith(".npy")]
    if doubled:
        said.append(f"{len(doubled)} files end in '.npy.npy', as '{doubled[0]}.npy'.")
    return said
