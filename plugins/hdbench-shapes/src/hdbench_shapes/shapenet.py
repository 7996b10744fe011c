"""One category of ShapeNet, in the three layouts that it is met in:

``SYNSET/ID/model.obj`` (v1), ``SYNSET/ID/models/model_normalized.obj`` (v2), and ``SYNSET/ID.obj`` (HyperDiffusion's,
watertight, with its lists ``{train,val,test}_split.lst`` of ``ID.obj``). Which one it is, is looked up for each model. Both
versions look towards -z with y up, and their boxes have a diagonal of 1; v1 is centred on its box, v2 on the mean of its
vertices. Model ids are any words: most have 32 hexadecimal digits, some fewer. Sources: Chang et al. 2015 (arXiv 1512.03012);
pytorch3d's ShapeNetCore (the two layouts); Rgtemze/HyperDiffusion at fd2c581.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from hdbench.config import check, digest
from hdbench.data.taxonomy import category_folder, title_of
from hdbench.errors import HdbenchError, ShapeError, unknown
from hdbench.interfaces import ShapeSource, Sighting
from hdbench.shapes import Shape, Split, normalise
from hdbench_shapes.anime import centre_frames
from hdbench_shapes.cleaning import clean
from hdbench_shapes.files import folder
from hdbench_shapes.lists import checked_split, read_lines, read_lists
from hdbench_shapes.meshes import read_mesh
from hdbench_shapes.shapenet_files import (
    LAYOUTS,
    blacklist_file,
    file_of,
    id_of,
    is_plain,
    layouts_of,
    looks_processed,
    models_of,
    no_models,
    place_of,
)
from hdbench_shapes.shapenet_remarks import remarks_on, remarks_on_lists


class ShapeNet(ShapeSource):
    """The models of one category, in the order of their ids; models of a list that are not there have a name too, and are left
    out of runs with the reason."""

    name: ClassVar[str] = "shapenet"
    source: ClassVar[str] = "Chang et al. 2015 (ShapeNet); files of the user"
    up = "y"

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Config:
        """The category's folder (its last part may be an English name, ``ROOT/airplane``), how many of its models to use (the
        first by id; 0 means all), ``lists``: the folder of the split lists, if not the category's own, and ``blacklist``: files
        of ids that are left out. ``centred``: on the ``vertices``' mean, as HyperDiffusion places shapes, or on the ``box``;
        ``layout`` takes the first for HyperDiffusion's meshes and the second for ShapeNet's own."""

        path: str = ""
        limit: int = 0
        lists: str = ""
        blacklist: tuple[str, ...] = ()
        centred: Literal["layout", "box", "vertices"] = "layout"

        def __post_init__(self) -> None:
            check(self.limit >= 0, "limit", "0 or more", self.limit)

    def names(self) -> tuple[str, ...]:
        """Model ids, sorted. HdbenchError when there is no folder, none of the layouts, or an unusable list."""
        return self._all_names()[: self.config.limit or None]

    def _all_names(self) -> tuple[str, ...]:
        there = models_of(self._root())
        if not there:
            raise no_models(self._root())
        listed = {name for names in self._lists().values() for name in names}
        if listed and not listed & there.keys():
            raise HdbenchError(
                f"None of the {len(listed)} models of the lists in '{self._lists_folder()}' is in '{self._root()}', such as "
                f"'{min(listed)}'. Are they the lists of another category?"
            )
        return tuple(sorted((there.keys() | listed) - self._blacklisted()))

    def _lists(self) -> dict[str, tuple[str, ...]]:
        """{part: ids} as listed."""
        place = self._lists_folder()
        return {part: tuple(id_of(line, place, part) for line in lines) for part, lines in read_lists(place).items()}

    def _lists_folder(self) -> Path:
        root = Path(self.config.lists).expanduser() if self.config.lists else self._root()
        if not root.is_dir():
            raise HdbenchError(f"There is no folder '{root}' of split lists. Give one that holds train.lst and test.lst.")
        if self.config.lists and not read_lists(root):
            raise HdbenchError(f"The folder '{root}' holds no split list. Lists are 'train.lst' or 'train_split.lst', and so on.")
        return root

    def _blacklisted(self) -> set[str]:
        return {
            id_of(line, Path(file), "blacklist") for file in self.config.blacklist for line in read_lines(blacklist_file(file))
        }

    def fingerprint(self) -> str:
        """A digest of the names, sizes and times of the models, and of what the lists say."""
        stats = ((name, file and file.stat()) for name, file in sorted(models_of(self._root()).items()))
        files = [(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats if stat]
        return digest(files, self._lists(), sorted(self._blacklisted()))

    def shape(self, name: str) -> Shape:
        """The model of this id. ShapeError with the reason when it is missing, unreadable or empty."""
        return self.shape_with_notes(name)[0]

    def shape_with_notes(self, name: str) -> tuple[Shape, list[str]]:
        """The model of this id and what was mended in it."""
        root = self._root()
        if not is_plain(name) or not (place_of(root, name) or name in self._all_names()):
            raise unknown("model", name, self.names())
        try:
            mesh, notes = clean(*read_mesh(file_of(root, name), root))
        except ShapeError as error:
            raise ShapeError(f"The model '{name}' cannot be used: {error}.") from None
        return Shape(name, (mesh,)), notes

    def place(self, shape: Shape) -> Shape:
        """The model in the box, as the configuration says what is centred."""
        file = place_of(self._root(), shape.name)
        flat = file is not None and file.parent == self._root()
        on_vertices = self.config.centred == "vertices" or (self.config.centred == "layout" and flat)
        return centre_frames(shape) if on_vertices else normalise(shape)

    def split(self) -> Split | None:
        """The split of the lists, without what is blacklisted; None when there are none."""
        used = frozenset(self.names())
        return checked_split(self._lists_folder(), {p: tuple(n for n in ids if n in used) for p, ids in self._lists().items()})

    @classmethod
    def recognise(cls, path: Path) -> Sequence[Sighting]:
        """The category at ``path``, if it is one."""
        root = category_folder(path)
        there = models_of(root) if root.is_dir() else {}
        counts = layouts_of(root, there)
        if not counts or (not counts.keys() & {"v1", "v2"} and not looks_processed(root)):
            return ()
        layout = max(counts, key=lambda kind: counts[kind])
        files = {name: file for name, file in there.items() if file}
        remarks = [*remarks_on(root, there, counts, layout), *remarks_on_lists(root, there)]
        return [Sighting(layout=LAYOUTS[layout], path=str(root), title=title_of(root.name), count=len(there), files=files,
                         remarks=tuple(remarks))]  # fmt: skip

    def _root(self) -> Path:
        given = Path(self.config.path).expanduser()
        return folder(str(category_folder(given)) if self.config.path else "", "shapenet", "models: ID/model.obj and so on")
