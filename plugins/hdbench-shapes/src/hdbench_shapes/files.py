"""What all sources that read a folder have in common."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote

from hdbench.config import digest
from hdbench.errors import HdbenchError, ShapeError


def folder(path: str, source: str, holds: str) -> Path:
    """The folder of a source. HdbenchError, with what it should hold, when it does not exist."""
    root = Path(path).expanduser()
    if not path or not root.is_dir():
        raise HdbenchError(f"There is no folder '{path}'. Give one that holds {holds}: '--data {source}:FOLDER'.")
    return root


def found(root: Path, endings: tuple[str, ...]) -> list[Path]:
    """All files below ``root`` with these endings, sorted; hidden ones are not looked at."""
    files = (p for p in root.rglob("*") if p.suffix.lower() in endings and p.is_file())
    return sorted(p for p in files if not p.name.startswith("."))


def stamp(root: Path, files: Iterable[Path]) -> str:
    """A digest of the names, sizes and times of files below ``root``."""
    stats = ((p.relative_to(root).as_posix(), p.stat()) for p in files)
    return digest(*((name, stat.st_size, stat.st_mtime_ns) for name, stat in stats))


def refuse_pointer(head: bytes) -> None:
    """ShapeError for the beginning of a file that stands for another one, which was not downloaded."""
    if head.startswith(b"version https://git-lfs"):
        raise ShapeError("it is a pointer of Git LFS, not the file itself; 'git lfs pull' downloads it")


def beside(file: Path, name: str, root: Path) -> Path:
    """The file that ``file`` refers to as ``name``, as it is or percent-encoded.

    Raises ShapeError if it is missing or lies outside of ``root``.
    """
    for candidate in (name.strip(), unquote(name.strip())):
        path = (file.absolute().parent / candidate).resolve()
        if not path.is_relative_to(root.resolve()):
            raise ShapeError(f"it refers to '{name}', outside of the folder")
        if path.is_file():
            return path
    raise ShapeError(f"it refers to '{name}', which does not exist")
