"""Which of a file's arrays are the clouds: the only one that can be, or one of a known name; never a guess."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from hdbench.errors import HdbenchError, unknown
from hdbench.loading.arrays import FLOATS, Stored
from hdbench.loading.axes import Layout, bad_shape, layout_of
from hdbench.loading.wording import some

Role = Literal["generated", "reference", "train"]

KNOWN: dict[Role, tuple[str, ...]] = {
    "generated": ("samples", "sample", "gen", "generated", "fake", "pred", "prediction", "predictions", "smp"),
    "reference": ("ref", "reference", "references", "real", "gt", "test"),
    "train": ("train", "training", "train_points"),
}
ANYWHERE = ("clouds", "cloud", "pointclouds", "point_clouds", "pc", "pcs", "points", "point", "pts", "xyz", "x", "data")
NEVER = ("mean", "std", "scale", "shift", "loc", "normals", "normal", "colors", "colours", "label", "labels", "faces")


def choose(arrays: Sequence[Stored], path: Path, key: str | None, role: Role, axes: tuple[int, ...]) -> Stored:
    """The array that holds the clouds; ``axes`` are the numbers of axes that it may have.

    HdbenchError, with all arrays and the way to name one, when there is none or more than one.
    """
    if key is not None:
        return _named(arrays, path, key, axes)
    fitting = [array for array in arrays if _fits(array, axes) and _last_name(array) not in NEVER]
    if len(arrays) == 1 and not fitting:
        raise unfit(arrays[0], f"'{path}'")
    for names in (KNOWN[role], ANYWHERE):
        known = [array for array in fitting if _last_name(array) in names]
        if len(known) == 1:
            return known[0]
    if len(fitting) == 1:
        return fitting[0]
    raise _undecided(arrays, fitting, path)


def _undecided(arrays: Sequence[Stored], fitting: Sequence[Stored], path: Path) -> HdbenchError:
    if not arrays:
        return HdbenchError(f"'{path}' holds no array. Save the clouds [n, q, 3], such as numpy.savez(PATH, samples=clouds).")
    if not fitting:
        return HdbenchError(
            f"'{path}' holds no clouds [n, q, 3], only: {some(arrays, 8)}. Is it a checkpoint? Give what was sampled with it."
        )
    return HdbenchError(
        f"'{path}' holds several arrays that could be the clouds: {some(fitting, 8)}. Name one as PATH:NAME, such as "
        f"'{path}:{fitting[0].name}'."
    )


def series(arrays: Sequence[Stored]) -> list[Stored]:
    """Arrays that are one shape each, as ``numpy.savez(PATH, *clouds)`` and lists of tensors store them; else an empty list."""
    stems = {re.sub(r"\d+$", "", a.name) for a in arrays}
    numbered = len(stems) == 1 and all(re.search(r"\d+$", a.name) for a in arrays)
    return list(arrays) if numbered and all(_fits(a, (2,)) for a in arrays) else []


def _named(arrays: Sequence[Stored], path: Path, key: str, axes: tuple[int, ...]) -> Stored:
    found = next((array for array in arrays if array.name == key), None)
    if found is None:
        raise unknown(f"array in '{path}'", key, [array.name for array in arrays if array.name])
    if not _fits(found, axes):
        raise unfit(found, f"'{path}:{key}'")
    return found


def _fits(array: Stored, axes: tuple[int, ...]) -> bool:
    return array.dtype in FLOATS and len(array.shape) in axes and isinstance(layout_of(array.shape), Layout)


def _last_name(array: Stored) -> str:
    return array.name.rpartition(".")[2].rpartition("/")[2].lower()


def unfit(array: Stored, where: str) -> HdbenchError:
    """Why an array cannot be clouds."""
    layout = layout_of(array.shape)
    if array.dtype not in FLOATS:
        return HdbenchError(
            f"{where} holds {array.dtype} {list(array.shape)}, and coordinates are floating-point numbers. "
            "If these are coordinates, save them with .astype('float32')."
        )
    if isinstance(layout, Layout) and len(array.shape) == 2:
        return HdbenchError(
            f"{where} is one cloud {list(array.shape)}, not a set of them. Give the folder that holds a file per shape, or an "
            "array [n, q, 3]."
        )
    return bad_shape(where, array.shape, layout if isinstance(layout, str) else f"it has {len(array.shape)} axes")
