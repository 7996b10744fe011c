"""Files that a user gives: a checkpoint, samples. Each is known by the hash of its content."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from hdbench.errors import HdbenchError
from hdbench.interfaces import Session
from hdbench.loading.agreement import oddities
from hdbench.loading.load import check_path, load_draws
from hdbench.loading.wording import plural
from hdbench.shape_set import ShapeSet

SHORT = 12  # digits of a hash that are shown


def content_hash(path: Path) -> str:
    """The sha256 of a file, or of the names and contents of all files in a folder. HdbenchError when it is not there."""
    check_path(path)
    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    stamps = tuple((p, p.stat().st_size, p.stat().st_mtime_ns) for p in files)
    return _hash(path, stamps)


@cache
def _hash(path: Path, stamps: tuple[tuple[Path, int, int], ...]) -> str:
    total = hashlib.sha256()
    for file, _, _ in stamps:
        with file.open("rb") as content:
            own = hashlib.file_digest(content, "sha256")
        if not path.is_dir():
            return own.hexdigest()
        total.update(f"{file.relative_to(path).as_posix()}\0{own.hexdigest()}\n".encode())
    return total.hexdigest()


def checked(path: Path, sha256: str) -> Path:
    """The path, when its content has this hash (or none is given). HdbenchError otherwise."""
    found = content_hash(path)
    if sha256 and not found.startswith(sha256.lower()):
        raise HdbenchError(
            f"'{path}' has the sha256 {found}, but {sha256} is asked for. It is another file, or damaged: copy it again."
        )
    return path


def read_samples(path: Path, count: int, training: Tensor, session: Session) -> Tensor:
    """The first ``count`` samples of a file or folder [count, t, q, 3], nan where one is empty, as many points as ``training``
    [n, t, q, 3] has.

    What is odd goes to ``session.notes``: samples left over, empty ones, clouds that are turned against the training shapes.
    HdbenchError when there are too few samples, or their frames or points do not fit.
    """
    frames, points = training.shape[1], training.shape[2]
    draws = load_draws(path, points=points, seed=session.seed, frames=frames if frames > 1 else None)
    clouds = torch.cat([torch.from_numpy(draw.clouds) for draw in draws])
    if clouds.shape[1] != frames:
        raise HdbenchError(
            f"'{path}' has {plural(clouds.shape[1], 'frame')} per sample, the training shapes have {plural(frames, 'frame')}."
        )
    if len(clouds) < count:
        raise HdbenchError(
            f"'{path}' holds {plural(len(clouds), 'sample')}, but {count} are asked for. '-o run.draws=1' asks for a single set "
            "of them, fewer test shapes for smaller ones; or generate more."
        )
    session.notes.extend(_remarks(path, clouds, count, training, [note for draw in draws for note in draw.notes]))
    return clouds[:count]


def _remarks(path: Path, clouds: Tensor, count: int, training: Tensor, notes: list[str]) -> list[str]:
    left = len(clouds) - count
    over = [f"the first {count} of {len(clouds)} samples were taken"] if left else []
    sets = ShapeSet(clouds[:count].numpy()), ShapeSet(training.numpy())
    odd = oddities(*sets, f"'{path.name}'", scaled=True)
    return [_sentence(note) for note in dict.fromkeys([*over, *notes, *odd])]


def _sentence(note: str) -> str:
    return f"{note[:1].upper()}{note[1:].rstrip('.')}."
