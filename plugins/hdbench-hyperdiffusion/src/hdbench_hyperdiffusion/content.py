"""Which file a setting names: its hash is a part of the configuration, so a run with another file is another run."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from hdbench.errors import HdbenchError
from hdbench.store import file_digest
from hdbench_hyperdiffusion.library import refuse_other

SHOWN = 12  # hex digits of a hash in a sentence


def content_of(path: str, known: str, key: str, kind: str) -> str:
    """The sha256 of the file that the setting ``key`` names, '' for none.

    HdbenchError when it is not there, holds no ``kind``, or is not the file that ``known`` says it was.
    """
    if not path:
        return ""
    refuse_other(Path(path), kind)
    if Path(path).is_dir():
        raise HdbenchError(f"'{path}' is a folder. Make it one file first: 'hdbench weights import {path} --out FILE'.")
    found = sha256(Path(path))
    if known not in ("", found):
        raise HdbenchError(
            f"'{path}' is not the file that the configuration was made with: its sha256 is {found[:SHOWN]}..., not "
            f"{known[:SHOWN]}... If it is the one you mean, put '-o {key}_sha256=' before it."
        )
    return found


def sha256(path: Path) -> str:
    """Of a file; of a folder, that of the files of weights in it, in the order of their names."""
    inside = sorted(file for file in path.rglob("*") if file.suffix in (".pth", ".pt", ".safetensors"))
    return _digest(tuple((str(file), *_state(file)) for file in (inside if path.is_dir() else [path])))


def _state(file: Path) -> tuple[int, int]:
    return file.stat().st_size, file.stat().st_mtime_ns


@lru_cache(maxsize=16)
def _digest(files: tuple[tuple[str, int, int], ...]) -> str:
    """Read once while neither size nor time changes."""
    paths = [Path(file) for file, _, _ in files]
    return file_digest(paths)
