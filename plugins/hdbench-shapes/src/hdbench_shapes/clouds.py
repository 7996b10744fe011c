"""What the sources of clouds have in common: parts of a data set, and points of a file; no surface, so no inside and no field."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hdbench.clouds import Cloud
from hdbench.config import check
from hdbench.errors import HdbenchError, ShapeError
from hdbench.interfaces import ShapeSource
from hdbench.shapes import Shape
from hdbench_shapes.files import refuse_pointer

FLOATS = ("float16", "float32", "float64")
OCCUPANCY = 4  # columns of the released code's samples for fitting: x, y, z, inside or not


@dataclass(frozen=True, slots=True, kw_only=True)
class PartsConfig:
    """Where the data are, how many shapes of each part to use (the first by name; 0 means all), and which part is held out to
    ``test`` with: PointFlow, PVD and LION evaluate on ``val``."""

    path: str = ""
    limit: int = 0
    test: Literal["test", "val"] = "test"

    def __post_init__(self) -> None:
        check(self.limit >= 0, "limit", "0 or more", self.limit)


class Clouds(ShapeSource):
    """A source whose shapes are points."""

    holds = "clouds"
    up = "y"

    def shape(self, name: str) -> Shape:
        """Raises HdbenchError: there is no surface."""
        if name not in self.names():
            self.cloud(name)
        raise HdbenchError(
            f"The shapes '{self.name}' are clouds of points, and '{name}' is wanted with its surface. Give meshes, such as "
            "'--data shapenet:DIR/02691156'."
        )

    @abstractmethod
    def cloud(self, name: str) -> tuple[Cloud, list[str]]:
        """All points of a shape. ShapeError with the reason when it cannot be used."""


def checked_points(array: NDArray[Any]) -> tuple[NDArray[np.float32], list[str]]:
    """Points [q, 3] of an array [q, c], c at least 3, and what is odd about them. ShapeError when they are none."""
    if array.ndim != 2 or array.shape[1] < 3 or not len(array):
        raise ShapeError(f"it has the shape {list(array.shape)}, and a cloud is [q, 3]")
    if array.dtype.name not in FLOATS:
        raise ShapeError(f"it holds {array.dtype}, and coordinates are floating-point numbers")
    if array.shape[1] == OCCUPANCY and np.isin(array[:, 3], (0, 1)).all():
        raise ShapeError("its fourth column is 0 or 1: labelled points in the box, for fitting fields, are on no surface")
    with np.errstate(over="ignore"):  # beyond float32 is infinite, which is said
        points = np.array(array[:, :3], dtype=np.float32)
    if not np.isfinite(points).all():
        raise ShapeError("it has coordinates that are not finite")
    if not points.any():
        raise ShapeError("all its coordinates are zero")
    return points, [f"{array.shape[1]} columns: the first 3 are taken"] if array.shape[1] > 3 else []


def read_points(file: Path) -> tuple[NDArray[np.float32], list[str]]:
    """The points [q, 3] of a .npy file, and what is odd about them. Nothing is unpickled. ShapeError with the reason."""
    with file.open("rb") as stream:
        head = stream.read(64)
    refuse_pointer(head)
    if not head.startswith(b"\x93NUMPY"):
        raise ShapeError("it is no array of numpy" if head else "it is empty")
    try:
        array = np.load(file, mmap_mode="r", allow_pickle=False)
    except ValueError as error:  # Python objects, a file that was cut short, a header that is none
        pickled = "object" in str(error).lower()
        raise ShapeError("it holds Python objects, which are not unpickled" if pickled else f"it is damaged ({error})") from None
    return checked_points(array)


def used(parts: dict[str, Sequence[str]], limit: int) -> dict[str, tuple[str, ...]]:
    """The first names of each part."""
    return {part: tuple(names[: limit or None]) for part, names in parts.items()}
