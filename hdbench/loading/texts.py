"""Clouds in text files (.xyz, .pts, .txt, .csv) and in PLY files, one shape a file."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hdbench.errors import ShapeError
from hdbench.loading.wording import first_line

_SEPARATORS = re.compile(r"[,;\t ]+")
_PLY_FACES = re.compile(rb"^element\s+(?:face|tristrips)\s+(\d+)", re.MULTILINE)


def read_text(path: Path) -> NDArray[np.float64]:
    """Points [q, c], c at least 3, from lines of numbers. Passed over: blank lines, comments (# and //), and a head and a foot of
    words. A head may be the number of points, which then must be right. ShapeError with the line that cannot be read."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ShapeError(f"it cannot be read as text ({first_line(error)})") from None
    if (plain := _plain(lines)) is not None:
        return plain
    rows = [(number, _SEPARATORS.split(text)) for number, line in enumerate(lines, start=1) if (text := _bare(line))]
    promised = int(rows[0][1][0]) if rows and len(rows[0][1]) == 1 and rows[0][1][0].isdecimal() else None
    numbers = [place for place, (_, words) in enumerate(rows) if _is_number(words[0])][promised is not None :]
    points = rows[numbers[0] : numbers[-1] + 1] if numbers else []
    return _checked(points, promised)


def _plain(lines: list[str]) -> NDArray[np.float64] | None:
    """The table of a file that holds nothing but one, five times as fast; None for any other, which is read line by line."""
    try:
        with warnings.catch_warnings(action="ignore"):  # of a file without data
            table = np.loadtxt(lines, dtype=np.float64, delimiter="," if lines and "," in lines[0] else None, ndmin=2)
    except ValueError:
        return None
    return table if len(table) and table.shape[1] >= 3 else None


def _checked(points: list[tuple[int, list[str]]], promised: int | None) -> NDArray[np.float64]:
    if not points or len(points[0][1]) < 3:
        raise ShapeError("it has no line of three numbers")
    width = len(points[0][1])
    for number, words in points:
        if len(words) != width:
            raise ShapeError(f"line {number} has {len(words)} entries, the first point has {width}")
        if not all(map(_is_number, words)):
            raise ShapeError(f"line {number} holds something else than numbers")
    if promised not in (None, len(points)):
        raise ShapeError(f"it promises {promised} points and has {len(points)}")
    return np.array([words for _, words in points], dtype=np.float64)


def _bare(line: str) -> str:
    return re.split(r"#|//", line, maxsplit=1)[0].strip(" \t,;")


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def ply_has_faces(path: Path) -> bool:
    """Whether a PLY file holds a mesh, by its header."""
    try:
        with path.open("rb") as file:
            head = file.read(8192).partition(b"end_header")[0]
    except OSError:
        return False
    found = _PLY_FACES.search(head)
    return found is not None and int(found[1]) > 0


def read_ply(path: Path) -> NDArray[np.float64]:
    """The points [q, 3] of a PLY file without faces. ShapeError when it cannot be read or has none."""
    import trimesh

    try:
        with path.open("rb") as file:
            content = trimesh.load(file, file_type="ply", process=False)
        points = np.asarray(getattr(content, "vertices", np.empty((0, 3))), dtype=np.float64)
    except Exception as error:  # whatever a reader raises for a broken file
        raise ShapeError(f"it cannot be read ({first_line(error)})") from None
    if points.ndim != 2 or points.shape[1] != 3 or not len(points):
        raise ShapeError("it has no points")
    return points
