"""A source of shapes (``pc15k:DIR/airplane/test``, ``hdf5:FILE/airplane``, ``shapenet:DIR/02691156``, ...) -> a set of shapes.

The source is found in the registry by its name and reads its own layout. Which part of its split is meant, is the last part of
the path, or else follows from what the shapes are wanted for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hdbench.config import digest
from hdbench.errors import HdbenchError, ShapeError
from hdbench.interfaces import ShapeSource
from hdbench.loading.choosing import Role
from hdbench.loading.listing import SPLITS
from hdbench.loading.oddities import Frames
from hdbench.loading.taking import Found, Take, take_points
from hdbench.loading.wording import plural, some
from hdbench.measures.validity import mesh_figures
from hdbench.registry import Registry
from hdbench.sampling import evaluation_cloud
from hdbench.seeds import seed_of
from hdbench.shape_set import ShapeSet

Progress = Callable[[int, int], None]  # (done, total)
OF_ROLE: dict[Role, str] = {"reference": "test", "train": "train"}


@dataclass(frozen=True, slots=True)
class Part:
    """A part of what a source offers: its name, the path to give to it, and ``train``, ``val``, ``test`` or the empty string."""

    source: str
    path: Path
    split: str = ""

    def build(self) -> ShapeSource:
        """The source. HdbenchError when it takes no path."""
        cls = Registry().load().resolve("shapes", self.source)
        config = cls.Config()
        if not hasattr(config, "path"):
            raise HdbenchError(f"The shapes '{self.source}' take no path. Run them: 'hdbench run --data {self.source}'.")
        return cls(type(config)(path=str(self.path)))

    def digest(self) -> str:
        """Of the source, the part, and what the source says that its shapes depend on (sizes and times of files)."""
        return digest(self.source, self.split, self.build().fingerprint())


def part_of(text: str) -> Part | None:
    """``NAME:PATH`` or ``NAME:PATH/SPLIT`` with the name of a source of shapes; None for any other text."""
    name, colon, rest = text.partition(":")
    if not colon or not rest or name not in Registry().load().names("shapes"):
        return None
    path = Path(rest).expanduser()
    return Part(name, path.parent, path.name) if path.name in SPLITS else Part(name, path)


def load_part(part: Part, role: Role, *, points: int, seed: int, take: Take, again: bool, progress: Progress) -> ShapeSet:
    """The shapes of a part. Of clouds, ``points`` are taken as of any file of clouds; of meshes, they are the points of a run: on
    the outer surface, the mesh placed in the box. Shapes that cannot be used are left out, counted and named.

    Raises HdbenchError when a part is wanted that is not there, or no shape can be used.
    """
    source = part.build()
    names, chosen = _names(source, part, role)
    kept = _Kept(source, points, seed_of(seed, "resample") if again else seed)
    for done, name in enumerate(names, start=1):
        kept.look_at(name)
        progress(done, len(names))
    if not kept.names:
        raise HdbenchError(f"None of the {len(names)} shapes of '{part.source}:{part.path}' can be used. {kept.first_reason}")
    notes = (f"{plural(len(kept.names), 'shape')} of the source '{part.source}'{chosen}", *kept.notes())
    return kept.clouds(notes, take, again, f"'{part.source}:{part.path}'")


def _names(source: ShapeSource, part: Part, role: Role) -> tuple[Sequence[str], str]:
    """The shapes that are meant, and in words which part they are."""
    split = source.split()
    wanted = part.split or OF_ROLE.get(role, "")
    if split is None:
        if part.split:
            raise HdbenchError(f"'{part.source}:{part.path}' has no split, and '{part.split}' is wanted. Give it without.")
        return source.names(), ", all of them"
    if not wanted:
        raise HdbenchError(
            f"'{part.source}:{part.path}' has a split. Name a part as '{part.source}:{part.path / 'train'}', or val or test."
        )
    names: tuple[str, ...] = getattr(split, wanted)
    if not names:
        raise HdbenchError(f"The split of '{part.source}:{part.path}' has no shapes for '{wanted}'.")
    return names, f", its {wanted} part"


class _Kept:
    """What is kept of shapes while they are read."""

    def __init__(self, source: ShapeSource, points: int, seed: int) -> None:
        self.source, self.points, self.seed = source, points, seed
        self.names: list[str] = []
        self.items: list[Frames] = []
        self.figures: list[dict[str, float]] = []
        self.lost: dict[str, str] = {}
        self.odd: list[str] = []

    @property
    def first_reason(self) -> str:
        return next(iter(self.lost.values()), "")

    def look_at(self, name: str) -> None:
        """Keep a shape, or the reason why it cannot be used."""
        try:
            item, notes = self._meshes(name) if self.source.holds == "meshes" else self._cloud(name)
        except ShapeError as error:
            self.lost[name] = str(error)
            return
        self.names.append(name)
        self.items.append(item)
        self.odd += [name] if notes else []

    def _meshes(self, name: str) -> tuple[Frames, list[str]]:
        shape, notes = self.source.shape_with_notes(name)
        placed = self.source.place(shape)
        cloud = evaluation_cloud(placed, self.points, self.seed)
        self.figures.append(mesh_figures(placed.frames))
        return cloud, notes

    def _cloud(self, name: str) -> tuple[Frames, list[str]]:
        cloud, notes = self.source.cloud(name)
        return cloud.points, notes

    def notes(self) -> list[str]:
        """What was mended or is odd, and what was left out."""
        reasons = some([reason.rstrip(".") for reason in self.lost.values()], 3)
        lost = [f"left out: {plural(len(self.lost), 'shape')} ({reasons})"] if self.lost else []
        return ([f"mended or odd: {plural(len(self.odd), 'shape')}, as {self.odd[0]}"] if self.odd else []) + lost

    def clouds(self, notes: tuple[str, ...], take: Take, again: bool, where: str) -> ShapeSet:
        """The set. HdbenchError when shapes have different numbers of frames, or clouds have too few points."""
        frames = {len(item) for item in self.items}
        if len(frames) > 1:
            raise HdbenchError(
                f"The shapes of {where} have different numbers of frames: {sorted(frames)}. All must have the same."
            )
        if self.source.holds == "clouds":
            found = Found(self.items, frames.pop(), tuple(self.names), notes)
            return take_points(found, self.points, self.seed, take, where, again)
        columns = {key: np.array([row[key] for row in self.figures]) for key in self.figures[0]}
        return ShapeSet(np.stack(self.items), figures=columns, names=tuple(self.names), notes=notes)  # type: ignore[arg-type]
