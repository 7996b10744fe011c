"""A file of arrays -> the sets of shapes that it holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hdbench.errors import HdbenchError
from hdbench.loading.arrays import Stored, stored_arrays
from hdbench.loading.axes import arrange
from hdbench.loading.choosing import Role, choose, series
from hdbench.loading.kinds import kind_of
from hdbench.loading.taking import Found
from hdbench.loading.wording import plural
from hdbench.shape_set import FIGURES

SET_AXES = (3, 4, 5)  # [n, q, 3], [n, t, q, 3], [draws, n, t, q, 3]


def from_file(path: Path, frames: int | None, key: str | None, role: Role) -> list[Found]:
    """The set of shapes in a file, or the draws of one. HdbenchError, with the next step, for files that hold none."""
    kind = kind_of(path)
    if kind in ("ply", "text", "mesh"):
        raise HdbenchError(
            f"'{path}' is {'a single mesh' if kind == 'mesh' else 'text, or a single shape'}. A set of shapes is a folder with "
            "a file per shape, or an array [n, q, 3] in a .npz, .npy, .safetensors or .pt file."
        )
    stored = stored_arrays(path, kind)
    figures = [array for array in stored if array.name.startswith(FIGURES)]
    arrays = [array for array in stored if not array.name.startswith(FIGURES)]
    ragged = series(arrays)
    if key is None and len(ragged) > 1:
        return [_from_series(ragged, path)]
    chosen = choose(arrays, path, key, role, SET_AXES)
    draws = _from_array(chosen, path, frames, len(arrays) - 1)
    return _with_figures(draws, figures, path) if figures else draws


def holds_set(path: Path, role: Role) -> bool:
    """Whether the only file of a folder is a set of shapes; one cloud [q, 3] is a set of one file."""
    arrays = stored_arrays(path, kind_of(path))
    return len(choose(arrays, path, None, role, (2, *SET_AXES)).shape) > 2 if len(series(arrays)) < 2 else True


def _from_series(arrays: Sequence[Stored], path: Path) -> Found:
    """An array for each shape, of any numbers of points."""
    clouds = [arrange(array.load(), f"'{path}:{array.name}'") for array in arrays]
    notes = dict.fromkeys(note for _, found in clouds for note in found)
    read = f"{len(arrays)} arrays {arrays[0].name} to {arrays[-1].name}, read as one shape each"
    return Found([cloud[None] for cloud, _ in clouds], 1, tuple(array.name for array in arrays), (read, *notes))


def _from_array(array: Stored, path: Path, frames: int | None, others: int) -> list[Found]:
    where = f"'{path}:{array.name}'" if array.name else f"'{path}'"
    turned, notes = arrange(array.load(), where)
    sets = _as_draws(turned)
    if frames is not None and frames != sets.shape[2]:
        raise HdbenchError(
            f"{where} was read as {_in_words(sets)}, but shapes of {plural(frames, 'frame')} are wanted. "
            f"Reshape the array to [n, {frames}, q, 3] and save it again."
        )
    name = f", array '{array.name}'" if array.name else ""
    read = f"{array.dtype} {list(array.shape)}{name}, read as {_in_words(sets)}"
    ignored = [f"{plural(others, 'other array')} in the file not read"] if others else []
    return [Found(draw, sets.shape[2], (), (read, *ignored, *notes)) for draw in sets]


def _with_figures(draws: list[Found], stored: Sequence[Stored], path: Path) -> list[Found]:
    """With the figures of their meshes, ``figures.NAME`` [n] or [draws, n], as run folders have them beside the clouds."""
    shape = (len(draws), len(draws[0]))
    figures = {array.name.removeprefix(FIGURES): np.asarray(array.load(), np.float64) for array in stored}
    wrong = next((name for name, values in figures.items() if values.size != shape[0] * shape[1]), None)
    if wrong is not None:
        raise HdbenchError(f"'{path}:{FIGURES}{wrong}' is of {figures[wrong].size} shapes, the clouds are {shape[0] * shape[1]}.")
    by_draw = {name: values.reshape(shape) for name, values in figures.items()}
    return [replace(draw, figures={name: values[k] for name, values in by_draw.items()}) for k, draw in enumerate(draws)]


def _as_draws(clouds: NDArray[Any]) -> NDArray[Any]:
    """[d, n, t, q, 3] from arrays with three to five axes."""
    if clouds.ndim == 3:
        return clouds[None, :, None]
    return clouds[None] if clouds.ndim == 4 else clouds


def _in_words(sets: NDArray[Any]) -> str:
    draws, count, frames, points, _ = sets.shape
    shapes = plural(count, "shape") if frames == 1 else f"{plural(count, 'sequence')} of {frames} frames"
    return f"{f'{draws} draws of ' if draws > 1 else ''}{shapes} with {plural(points, 'point')} each"
