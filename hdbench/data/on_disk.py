"""What can be told of files without reading them whole: empty ones, pointers of Git LFS, copies under other names, odd names."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hdbench.store import file_digest

GLANCE = 2048  # bytes at the beginning and at the end of a file that tell most copies apart
POINTER = b"version https://git-lfs"


@dataclass(slots=True)
class Glance:
    """Names of shapes by what is wrong with their files, and groups of names whose files are the same."""

    empty: list[str] = field(default_factory=list)
    pointers: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    copies: list[list[str]] = field(default_factory=list)


def glance(files: Mapping[str, Path]) -> Glance:
    """A look at the two ends of every file; those that are alike are compared as wholes."""
    seen, alike = Glance(), defaultdict(list)
    for name, file in files.items():
        try:
            size, ends = _ends(file)
        except OSError:
            seen.unreadable.append(name)
            continue
        if not size:
            seen.empty.append(name)
        elif ends.startswith(POINTER):
            seen.pointers.append(name)
        else:
            alike[size, hashlib.sha256(ends).digest()].append(name)
    for names in alike.values():
        if len(names) > 1:
            seen.copies += _same(names, files)
    return seen


def _ends(file: Path) -> tuple[int, bytes]:
    size = file.stat().st_size
    with file.open("rb") as stream:
        head = stream.read(GLANCE)
        stream.seek(max(0, size - GLANCE))
        return size, head + stream.read(GLANCE)


def _same(names: list[str], files: Mapping[str, Path]) -> list[list[str]]:
    """Those of some files that are the same byte for byte, in groups."""
    groups = defaultdict(list)
    for name in names:
        groups[file_digest([files[name]])].append(name)
    return [group for group in groups.values() if len(group) > 1]


def odd_names(files: Mapping[str, Path]) -> list[str]:
    """What is odd about the names of files, in sentences."""
    by_case: dict[str, set[str]] = defaultdict(set)
    for name in files:
        by_case[name.lower()].add(name)
    blank = [file.name for file in files.values() if file.name != file.name.strip() or file.stem != file.stem.strip()]
    case = [sorted(group) for group in by_case.values() if len(group) > 1]
    said = [f"Names that begin or end with a blank: {len(blank)}, as '{blank[0]}'."] if blank else []
    return said + ([f"Names that differ in case alone: {len(case)}, as {' and '.join(case[0])}."] if case else [])
