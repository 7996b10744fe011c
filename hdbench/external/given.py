"""Files that a user gives: a checkpoint, samples. Each is known by the hash of its content."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from hdbench.errors import HdbenchError
from hdbench.external.given_meshes import holds_meshes, read_meshes
from hdbench.interfaces import Session
from hdbench.loading.agreement import oddities
from hdbench.loading.load import check_path, load_draws
from hdbench.loading.wording import plural
from hdbench.shape_set import ShapeSet
from hdbench.shapes import NORMAL_EXTENT, Mesh, Shape, normalise

SHORT = 12  # digits of a hash that are shown

Drawn = list[tuple[Mesh, ...]] | Tensor
Space = Literal["ours", "box"]


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


def read_samples(
    path: Path, count: int, training: Tensor, session: Session, *, key: str | None = None, space: Space = "ours"
) -> Drawn:
    """The first ``count`` samples of a file or folder: meshes where it holds meshes, else clouds [count, t, q, 3], nan where
    one is empty, with as many points as ``training`` [n, t, q, 3] has.

    ``key`` names an array or a kind of files; ``space``: ``box`` brings each sample into our box by its own extent.
    What is odd goes to ``session.notes``: samples left over, empty ones, clouds that are turned against the training shapes.
    HdbenchError when there are too few samples, or their frames or points do not fit.
    """
    check_path(path)
    frames = training.shape[1]
    if path.is_dir() and holds_meshes(path, key):
        meshes, notes = read_meshes(path, key, frames)
        _refuse_misfit(path, len(meshes), count, len(meshes[0]), frames)
        session.notes.extend(map(_sentence, [*_left_over(len(meshes), count), *notes]))
        return [_mesh_in_box(frames_) for frames_ in meshes[:count]] if space == "box" else meshes[:count]
    draws = load_draws(path, points=training.shape[2], seed=session.seed, frames=frames if frames > 1 else None, key=key)
    clouds = torch.cat([torch.from_numpy(draw.clouds) for draw in draws])
    _refuse_misfit(path, len(clouds), count, clouds.shape[1], frames)
    odd = oddities(ShapeSet(clouds[:count].numpy()), ShapeSet(training.numpy()), f"'{path.name}'", scaled=True)
    said = [note for draw in draws for note in draw.notes]
    session.notes.extend(map(_sentence, dict.fromkeys([*_left_over(len(clouds), count), *said, *odd])))
    return _in_box(clouds[:count]) if space == "box" else clouds[:count]


def _refuse_misfit(path: Path, found: int, count: int, frames: int, wanted: int) -> None:
    if frames != wanted:
        raise HdbenchError(
            f"'{path}' has {plural(frames, 'frame')} per sample, but the training shapes have {plural(wanted, 'frame')}."
        )
    if found < count:
        raise HdbenchError(
            f"'{path}' holds {plural(found, 'sample')}, but {count} are asked for. '-o run.draws=1' asks for one set instead of "
            "several; fewer test shapes ask for smaller sets."
        )


def _left_over(found: int, count: int) -> list[str]:
    return [f"the first {count} of {found} samples were taken"] if found > count else []


def _sentence(note: str) -> str:
    return f"{note[:1].upper()}{note[1:].rstrip('.')}."


def _in_box(clouds: Tensor) -> Tensor:
    """Each sample [t, q, 3] centred on its bounding box, its longest side that of a normalised shape."""
    low, high = clouds.amin((1, 2), keepdim=True), clouds.amax((1, 2), keepdim=True)
    side = (high - low).amax(3, keepdim=True)
    return (clouds - (low + high) / 2) * (NORMAL_EXTENT / side)


def _mesh_in_box(frames: tuple[Mesh, ...]) -> tuple[Mesh, ...]:
    return frames if any(mesh.is_empty for mesh in frames) else normalise(Shape("sample", frames)).frames
