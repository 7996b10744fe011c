"""The files of a folder -> shapes: a file each, or a sub-folder of frames each; unusable files are counted and named."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hdbench.errors import HdbenchError
from hdbench.loading.arrays import stored_arrays
from hdbench.loading.axes import Layout, arrange
from hdbench.loading.choosing import Role, choose
from hdbench.loading.kinds import kind_of
from hdbench.loading.listing import ARRAYS, Listing
from hdbench.loading.oddities import Frames
from hdbench.loading.taking import Found
from hdbench.loading.texts import read_ply, read_text
from hdbench.loading.wording import plural, some

Progress = Callable[[int, int], None]  # (done, total)
Shapes = dict[str, list[Path]]  # the files of each shape's frames, by the shape's name


def as_shapes(listing: Listing, frames: int | None) -> tuple[Shapes, tuple[str, ...]]:
    """Which files are the frames of which shape. Sub-folders that hold the same numbered files (``a/000.obj``, ``b/000.obj``)
    are sequences, unless ``frames`` is 1. HdbenchError when sequences have unequal numbers of frames."""
    groups: Shapes = defaultdict(list)
    for path in listing.files:
        groups[path.parent.relative_to(listing.folder).as_posix()].append(path)
    wanted = _usual_frames(groups) if frames is None else frames
    if wanted == 1:
        return {listing.name(path): [path] for path in listing.files}, ()
    other = [f"'{name}' ({len(paths)})" for name, paths in groups.items() if len(paths) != wanted]
    if other:
        raise HdbenchError(
            f"Sequences of {wanted} frames are wanted from '{listing.folder}', a sub-folder each, but {len(other)} of "
            f"{len(groups)} have another number of files: {some(other)}. Complete them, or write '--frames 1' for a shape per "
            "file."
        )
    return dict(groups), (f"read as sequences of {wanted} frames, a sub-folder each ('--frames 1' reads a shape from each file)",)


def _usual_frames(groups: Shapes) -> int:
    """How many frames sub-folders have, when most of them hold the same numbered files; else 1."""
    names = Counter(tuple(path.name for path in paths) for paths in groups.values())
    usual, times = names.most_common(1)[0]
    numbered = all(Path(name).stem[-1:].isdigit() for name in usual)
    return len(usual) if numbered and len(usual) > 1 and times > 1 and 2 * times > len(groups) else 1


def read_clouds(listing: Listing, frames: int | None, role: Role, progress: Progress) -> Found:
    """A cloud, or a sequence of clouds, per shape. Files that cannot be read become shapes without points, and are named.

    Raises HdbenchError when none can be read, or when shapes have different numbers of frames.
    """
    in_file = _holds_sequences(listing, frames, role)
    shapes, notes = as_shapes(listing, 1 if in_file else frames)
    items: dict[str, Frames] = {}
    lost: dict[str, str] = {}
    said: Counter[str] = Counter()
    for done, (name, paths) in enumerate(shapes.items(), start=1):
        try:
            items[name] = _frames_of(paths, listing.kind, role, said)
        except HdbenchError as error:
            items[name], lost[name] = (), str(error).rstrip(".")
        progress(done, len(shapes))
    count = _common_frames(listing, items, lost)
    oddities = [f"{note} ({times} of {len(listing.files)} files)" for note, times in said.items()]
    read = f"{len(listing.files)} {listing.kind} files in sorted order"
    notes = (read, *listing.notes, *notes, *oddities, *said_of_lost(lost))
    return Found(list(items.values()), count, tuple(items), notes)


def said_of_lost(lost: Mapping[str, str]) -> list[str]:
    """The note about files that cannot be used."""
    reasons = some([f"{name}: {reason}" for name, reason in lost.items()], 3)
    return [f"not readable, counted as empty samples: {plural(len(lost), 'shape')} ({reasons})"] if lost else []


def refuse_none(listing: Listing, count: int, lost: Mapping[str, str]) -> None:
    """Raise HdbenchError, with the first reason, when no shape is left."""
    if len(lost) == count:
        name, reason = next(iter(lost.items()))
        raise HdbenchError(f"None of the {count} shapes in '{listing.folder}' can be used. The first, '{name}': {reason}.")


def _common_frames(listing: Listing, items: Mapping[str, Frames], lost: Mapping[str, str]) -> int:
    refuse_none(listing, len(items), lost)
    counts = Counter(len(item) for name, item in items.items() if name not in lost)
    usual = counts.most_common(1)[0][0]
    other = [f"'{name}' ({len(item)})" for name, item in items.items() if name not in lost and len(item) != usual]
    if other:
        raise HdbenchError(f"Shapes in '{listing.folder}' have {usual} frames, but not all: {some(other)}. Give all the same.")
    return usual


def _holds_sequences(listing: Listing, frames: int | None, role: Role) -> bool:
    """Whether the files hold sequences [t, q, 3]; judged by the first that can be read. HdbenchError when they may be batches."""
    for path in listing.files if listing.kind in ARRAYS else ():
        try:
            shape = choose(stored_arrays(path, kind_of(path)), path, None, role, (2, 3)).shape
        except HdbenchError:
            continue
        if len(shape) == 3 and frames is None and shape[0] > 1:
            raise HdbenchError(
                f"The files in '{listing.folder}' hold arrays {list(shape)}: a sequence each, or a set of shapes each? For "
                f"sequences write '--frames {shape[0]}'; for sets give one file, or concatenate them into one array [n, q, 3]."
            )
        return len(shape) == 3
    return False


def _frames_of(paths: Sequence[Path], kind: str, role: Role, said: Counter[str]) -> Frames:
    if kind in ARRAYS:
        arrays = [_array_of(path, role, said) for path in paths]
        return arrays[0] if arrays[0].ndim == 3 else [array.reshape(-1, 3) for array in arrays]
    clouds = [read_ply(path) if kind == ".ply" else read_text(path) for path in paths]
    for cloud in clouds:
        said.update(Layout(-1, cloud.shape[1]).notes())
    return [cloud[:, :3] for cloud in clouds]


def _array_of(path: Path, role: Role, said: Counter[str]) -> NDArray[Any]:
    """[q, 3], or [t, q, 3] of a sequence, read whole: files of a folder are small, and many."""
    array = choose(stored_arrays(path, kind_of(path)), path, None, role, (2, 3)).load()
    turned, notes = arrange(array, f"'{path}'")
    said.update(notes)
    return np.array(turned, dtype=np.float32) if array.dtype != np.float64 else np.array(turned)
