"""DPC's clouds: one HDF5 file with a group per synset id and in it ``train``, ``val`` and ``test``, float32 [n, 2048, 3] each.

Needs h5py, which the extra ``hdf5`` of this distribution installs. Links to other files and virtual data sets are not followed.
Source: Luo and Hu 2021 (arXiv 2103.01458); luost26/diffusion-point-cloud at b037c5f (``shapenet.hdf5``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from hdbench.clouds import Cloud
from hdbench.config import digest
from hdbench.data.taxonomy import known_category, several_categories, title_of
from hdbench.errors import HdbenchError, ShapeError, unknown
from hdbench.interfaces import Sighting
from hdbench.shapes import Split
from hdbench_shapes.clouds import Clouds, PartsConfig, checked_points, used
from hdbench_shapes.lists import PARTS, checked_split

MAGIC = b"\x89HDF\r\n\x1a\n"


class HDF5(Clouds):
    """The clouds of one category, ``FILE/SYNSET`` or ``FILE/airplane``, called ``PART/ROW``."""

    name: ClassVar[str] = "hdf5"
    source: ClassVar[str] = "Luo and Hu 2021 (DPC); files of the user"
    Config = PartsConfig

    def names(self) -> tuple[str, ...]:
        """``train/00000`` and so on, then ``val/`` and ``test/``. HdbenchError when there are none."""
        return tuple(name for names in self._parts().values() for name in names)

    def _parts(self) -> dict[str, tuple[str, ...]]:
        with self._category() as group:
            counts = {part: _clouds_of(group, part).shape[0] if part in group else 0 for part in PARTS}
        if not any(counts.values()):
            raise HdbenchError(f"'{self.config.path}' holds no clouds: looked for train, val and test, [n, q, 3] each.")
        return used({part: [f"{part}/{row:05d}" for row in range(count)] for part, count in counts.items()}, self.config.limit)

    def fingerprint(self) -> str:
        """A digest of the file's size and time."""
        stat = _place(self.config.path)[0].stat()
        return digest(stat.st_size, stat.st_mtime_ns)

    def cloud(self, name: str) -> tuple[Cloud, list[str]]:
        """The points of a row. ShapeError with the reason when it cannot be used."""
        part, _, row = name.partition("/")
        with self._category() as group:
            count = _clouds_of(group, part).shape[0] if part in PARTS and part in group else 0
            if not (row.isascii() and row.isdecimal()) or int(row) >= count or f"{int(row):05d}" != row:
                raise unknown("cloud", name, [f"{part}/{0:05d}", f"{part}/{count - 1:05d}"] if count else list(group))
            try:
                points, notes = checked_points(_clouds_of(group, part)[int(row)])
            except ShapeError as error:
                raise ShapeError(f"The cloud '{name}' cannot be used: {error}.") from None
        return Cloud(name, points[None]), notes

    def split(self) -> Split | None:
        """The parts of the file; with ``test = "val"`` the validation shapes are the test shapes, and the others are not used."""
        parts = self._parts()
        return checked_split(Path(self.config.path), {"train": parts["train"], "test": parts[self.config.test],
                                                      "val": parts["val"] if self.config.test == "test" else ()})  # fmt: skip

    @classmethod
    def recognise(cls, path: Path) -> Sequence[Sighting]:
        """The categories of a file, or the one that ``path`` names."""
        file, inside = _place_if_any(path)
        if file is None:
            return ()
        with _opened(file) as content:
            there = sorted(content)
            chosen = [known_category(inside, there, str(file))] if inside else there
            groups = {name: _linked(content, name, str(file)) for name in chosen}
            counts = {n: sum(len(group[p]) for p in PARTS if p in group) for n, group in groups.items() if hasattr(group, "keys")}
        layout = "DPC's clouds: an HDF5 file with SYNSET/{train,val,test}, [n, 2048, 3] as released"
        return [Sighting(layout=layout, path=f"{file}/{name}", title=title_of(name), count=count)
                for name, count in counts.items() if count]  # fmt: skip

    @contextmanager
    def _category(self) -> Iterator[Any]:
        """The group of the category."""
        file, inside = _place(self.config.path)
        with _opened(file) as content:
            there = sorted(content)
            if not inside and len(there) != 1:
                raise several_categories(str(file), there, f"'hdf5:{file}/{(there or ['02691156'])[0]}'")
            group = _linked(content, known_category(inside, there, str(file)) if inside else there[0], str(file))
            if not hasattr(group, "keys"):
                raise HdbenchError(
                    f"'{file}' has no group of a category, as DPC's file has. 'hdbench score' reads arrays of numpy."
                )
            yield group


def _place(path: str) -> tuple[Path, str]:
    """``FILE/CATEGORY`` or ``FILE`` -> the file, and the category or the empty string. HdbenchError when there is no such
    file."""
    file, inside = _place_if_any(Path(path).expanduser()) if path else (None, "")
    if file is None:
        raise HdbenchError(
            f"There is no HDF5 file '{path}'. Give one of DPC's layout and a category: 'hdf5:shapenet.hdf5/airplane'."
        )
    return file, inside


def _place_if_any(path: Path) -> tuple[Path | None, str]:
    for file, inside in ((path, ""), (path.parent, path.name)):
        if file.is_file() and _begins(file, MAGIC):
            return file, inside
    return None, ""


def _begins(file: Path, magic: bytes) -> bool:
    try:
        with file.open("rb") as stream:
            return stream.read(len(magic)) == magic
    except OSError:
        return False


@contextmanager
def _opened(file: Path) -> Iterator[Any]:
    try:
        import h5py
    except ImportError:
        raise HdbenchError(
            f"'{file}' is an HDF5 file, and h5py, which reads them, is not installed: pip install 'hdbench-shapes[hdf5]'."
        ) from None
    try:
        content = h5py.File(file, "r")
    except OSError as error:
        raise HdbenchError(f"'{file}' cannot be read: it is damaged or cut short ({error}). Copy it again.") from None
    with content:
        yield content


def _linked(group: Any, name: str, where: str) -> Any:
    """An entry that lies in the file itself. HdbenchError for a link to elsewhere."""
    import h5py

    if not isinstance(group.get(name, getlink=True), h5py.HardLink):
        raise HdbenchError(
            f"'{name}' in '{where}' is a link to elsewhere, which is not followed. Copy its content into the file."
        )
    return group[name]


def _clouds_of(group: Any, part: str) -> Any:
    """The data set of a part, [n, q, 3]. HdbenchError when it is of another form or lies elsewhere."""
    found = _linked(group, part, group.file.filename)
    if getattr(found, "is_virtual", False) or getattr(found, "external", None):
        raise HdbenchError(f"'{part}' in '{group.file.filename}' lies in other files, which are not read. Copy it into the file.")
    if len(getattr(found, "shape", ())) != 3:
        raise HdbenchError(f"'{part}' in '{group.file.filename}' is no array [n, q, 3] of clouds, as DPC's file has.")
    return found
