"""The words of a command line (``TITLE=PATH:KEY``) -> where the sets of shapes lie that are to be scored."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hdbench.errors import HdbenchError
from hdbench.loading.choosing import Role
from hdbench.loading.listing import list_folder
from hdbench.loading.load import check_path, exists
from hdbench.loading.of_source import Part, part_of
from hdbench.loading.run_folder import is_run, methods_of_run, set_of_run
from hdbench.protocol import Protocol
from hdbench.store import file_digest


@dataclass(frozen=True, slots=True)
class Source:
    """Where a set of shapes lies: ``title`` of its row (``named`` by the user?), ``path``, ``key`` of the array or kind in it;
    ``part`` of a source of shapes, where the path was given as ``pc15k:PATH``."""

    title: str
    path: Path
    key: str | None = None
    named: bool = False
    part: Part | None = None

    def __str__(self) -> str:
        if self.part:
            return f"{self.part.source}:{self.part.path}" + (f"/{self.part.split}" if self.part.split else "")
        return f"{self.path}:{self.key}" if self.key else str(self.path)

    def check(self) -> None:
        """HdbenchError, with the nearest name, when it does not exist."""
        if self.part:
            self.part.build().names()
        else:
            check_path(self.path)

    def digest(self) -> str:
        """sha256 over what is read: the content of the file, or names and contents of the files of a folder."""
        if self.part:
            return self.part.digest()
        if self.path.is_file():
            return file_digest([self.path])
        listing, total = list_folder(self.path, self.key), hashlib.sha256()
        for path in listing.files:
            total.update(f"{listing.name(path)}\0{file_digest([path])}\n".encode())
        return total.hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is to be scored: the draws of each row, the reference, the training shapes, and how they are read."""

    rows: Mapping[str, Sequence[Source]]
    reference: Source
    training: Source | None
    protocol: Protocol
    seed: int = 0
    frames: int | None = None


def find_job(
    generated: Sequence[str], reference: str | None, train: str | None, *, protocol: Protocol, seed: int, frames: int | None
) -> Job:
    """The words of the command line, checked: all paths exist. HdbenchError otherwise, with the next step."""
    if not generated:
        raise HdbenchError("Name the shapes to score: --generated PATH (a file of clouds, a folder, or a run folder).")
    rows = find_rows(generated)
    against = find_set(reference, generated, "reference")
    if against is None:
        raise HdbenchError("Name the shapes to compare with: --reference PATH (a file of clouds or a folder).")
    training = find_set(train, generated, "train")
    return Job(rows=rows, reference=against, training=training, protocol=protocol, seed=seed, frames=frames)


def parse_source(text: str) -> Source:
    """``PATH``, ``PATH:KEY``, ``SOURCE:PATH``, each also after ``TITLE=``; a path that exists as it is written is taken so."""
    whole = _path(text)
    if exists(whole):
        return _source(None, whole, None)
    title, equals, rest = text.partition("=")
    if not equals or not title.strip():
        title, rest = "", text
    path = _path(rest)
    if exists(path):
        return _source(title.strip(), path, None)
    if part := part_of(rest):
        return Source(title.strip() or part.source, part.path, named=bool(title), part=part)
    before, colon, key = rest.rpartition(":")
    if colon and before and exists(_path(before)):
        return _source(title.strip(), _path(before), key)
    return _source(title.strip(), path, None)


def _path(text: str) -> Path:
    """With the user's home in place of ``~``, where the system knows it."""
    try:
        return Path(text).expanduser()
    except RuntimeError:
        return Path(text)


def _source(title: str | None, path: Path, key: str | None) -> Source:
    default = path.resolve().name if exists(path) and path.is_dir() else path.stem
    return Source(title or default, path, key, named=bool(title))


def find_rows(texts: Sequence[str]) -> dict[str, list[Source]]:
    """{title of a row: the sources of its draws}. A run folder gives a row for each of its methods.

    Raises HdbenchError for a path that does not exist, and for two sources whose titles are alike by accident.
    """
    rows: dict[str, list[Source]] = {}
    for source in (found for text in texts for found in _with_runs(parse_source(text))):
        source.check()
        others = rows.setdefault(source.title, [])
        if others and not (source.named and others[0].named):
            raise HdbenchError(
                f"Both '{others[0]}' and '{source}' would be the row '{source.title}'. Give each a title of its own: "
                f"--generated first={others[0]} --generated second={source}; or the same title, if they are draws of one method."
            )
        others.append(source)
    return rows


def _with_runs(source: Source) -> Iterable[Source]:
    if source.key is not None or not is_run(source.path):
        return [source]
    methods = methods_of_run(source.path)
    if source.named and len(methods) == 1:
        return [Source(source.title, path, None, True) for path in methods.values()]
    prefix = f"{source.title}: " if source.named else ""
    return [Source(f"{prefix}{title}", path, None, source.named) for title, path in methods.items()]


def find_set(text: str | None, generated: Sequence[str], role: Role) -> Source | None:
    """The source of the reference or of the training shapes; those of the runs that are scored, when nothing else is said.

    Raises HdbenchError when the runs differ in them.
    """
    if text is not None:
        source = parse_source(text)
        source.check()
        own = set_of_run(source.path, role) if source.key is None and is_run(source.path) else None
        return replace(source, path=own or source.path)
    folders = [source.path for source in map(parse_source, generated) if is_run(source.path)]
    files = [file for folder in folders if (file := set_of_run(folder, role))]
    if len({file_digest([file]) for file in files}) > 1:
        raise HdbenchError(
            f"The runs '{files[0].parents[1]}' and '{files[-1].parents[1]}' have different {role} shapes. Choose with --{role}."
        )
    return Source(role, files[0]) if files else None
