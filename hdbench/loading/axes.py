"""Which axis of an array is what: [n, q, 3] and [n, t, q, 3], also with the coordinates first or with further columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hdbench.errors import HdbenchError

COLUMNS = range(3, 13)  # x, y, z and what may stand beside them: normals, colours, labels


@dataclass(frozen=True, slots=True)
class Layout:
    """``axis``: the one of the coordinates, -1 or -2; ``columns``: how many numbers a point has."""

    axis: int
    columns: int

    def notes(self) -> list[str]:
        """What a user must know about how the array was read."""
        first = [f"coordinates found in the last axis but one, {self.columns} of them: read as channels first"]
        rest = "a label, or an occupancy of points that are on no surface?" if self.columns == 4 else "normals?"
        more = [f"points of {self.columns} numbers: the first 3 were taken as x, y, z, the others ({rest}) left out"]
        return (first if self.axis == -2 else []) + (more if self.columns > 3 else [])


def layout_of(shape: tuple[int, ...]) -> Layout | str:
    """How clouds lie in an array of this shape [..., q, c] or [..., c, q], or why that cannot be told."""
    if len(shape) < 2:
        return "it has no axis of points and none of coordinates"
    possible = [axis for axis in (-1, -2) if shape[axis] in COLUMNS]
    chosen = [axis for axis in possible if shape[axis] == 3] or possible
    if not chosen:
        return f"none of its last two axes holds 3 coordinates{_perhaps(shape)}"
    axis = chosen[0]
    if shape[axis] > 3 and shape[-3 - axis] < shape[axis]:
        return f"{shape[-3 - axis]} points of {shape[axis]} numbers each are no cloud"
    rival = 3 in shape[1:-2] and (axis == -2 or shape[axis] != 3)  # [n, 3, t, q]: frames or coordinates?
    if len(chosen) > 1 or rival:
        return "more than one of its axes could hold the coordinates"
    return Layout(axis, shape[axis])


def _perhaps(shape: tuple[int, ...]) -> str:
    if len(shape) == 2:
        return " (flattened weights of fields? Then mesh them first)"
    return " (voxel grids? Then mesh them first)" if len(set(shape[-3:])) == 1 and len(shape) >= 4 else ""


def arrange(array: NDArray[Any], where: str) -> tuple[NDArray[Any], list[str]]:
    """The array with x, y, z in its last axis [..., q, 3] (a view), and notes. HdbenchError when that cannot be told."""
    layout = layout_of(array.shape)
    if isinstance(layout, str):
        raise bad_shape(where, array.shape, layout)
    turned = np.swapaxes(array, -1, -2) if layout.axis == -2 else array
    return turned[..., :3], layout.notes()


def bad_shape(where: str, shape: tuple[int, ...], reason: str) -> HdbenchError:
    """The error for an array that cannot be clouds."""
    return HdbenchError(
        f"{where} has the shape {list(shape)}: {reason}. A cloud is [q, 3], a set of them [n, q, 3] or, of sequences, "
        "[n, t, q, 3]; coordinates may stand before points. Transpose or reshape the array and save it again."
    )
