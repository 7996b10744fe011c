"""What lies at a path: every source of shapes is asked whether it is laid out for it, by names of files alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from hdbench.data.taxonomy import category_folder
from hdbench.errors import HdbenchError
from hdbench.interfaces import ShapeSource, Sighting
from hdbench.registry import Registry

MOST_CHILDREN = 1000  # sub-folders that are looked into


@dataclass(frozen=True, slots=True)
class Seen:
    """A sighting and the source that made it."""

    source: str
    cls: type[ShapeSource]
    sighting: Sighting

    @property
    def data(self) -> str:
        """As ``--data`` takes it."""
        return f"{self.source}:{self.sighting.path}"

    def build(self) -> ShapeSource:
        """The source of what was seen."""
        return self.cls(self.cls.Config(path=self.sighting.path))


def look(registry: Registry, path: Path) -> list[Seen]:
    """What lies at ``path``: by the layouts of data sets first, there and in its sub-folders (the root of ShapeNet holds
    categories); then as a folder of any files. HdbenchError of a source that knows the layout and cannot read it."""
    sources = dict(_sources(registry))
    particular = {name: cls for name, cls in sources.items() if not cls.any_folder}
    if found := _ask(particular, path):
        return found
    children = _folders(path)
    below = {child: seen for child in children if (seen := _ask(particular, child))}
    any_files = {name: cls for name, cls in sources.items() if cls.any_folder}
    if below:
        return [seen for child in children for seen in below.get(child) or _most(_ask(any_files, child))]
    return _most(_ask(any_files, path))


def _sources(registry: Registry) -> Iterator[tuple[str, type[ShapeSource]]]:
    """The sources that take a path; one that cannot be imported is left out, as everywhere."""
    for name in registry.names("shapes"):
        try:
            cls = registry.resolve("shapes", name)
        except HdbenchError:
            continue
        if hasattr(cls.Config(), "path"):
            yield name, cls


def _ask(sources: dict[str, type[ShapeSource]], path: Path) -> list[Seen]:
    return [Seen(name, cls, sighting) for name, cls in sources.items() for sighting in cls.recognise(path)]


def _most(seen: Iterable[Seen]) -> list[Seen]:
    """Of several readings of one folder, the one of most files."""
    return sorted(seen, key=lambda s: -s.sighting.count)[:1]


def _folders(path: Path) -> list[Path]:
    root = category_folder(path) if path.parent.is_dir() else path
    if not root.is_dir():
        return []
    return sorted(entry for entry in root.iterdir() if entry.is_dir() and not entry.name.startswith("."))[:MOST_CHILDREN]
