"""Split lists: ``train.lst``, ``val.lst``, ``test.lst`` (or ``train_split.lst`` and so on) in a folder, a name to a line.

Layouts: HyperDiffusion at fd2c581 (``_split``, names with extensions for 3D, without for 4D), 3DShape2VecSet (without). A line is
a name, never a way to another folder: absolute paths and ``..`` are refused.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path, PurePosixPath, PureWindowsPath

from hdbench.errors import HdbenchError, unknown
from hdbench.shapes import Split

PARTS = ("train", "val", "test")


def read_split(root: Path, kind: str, lines: Mapping[str, str], used: Collection[str]) -> Split | None:
    """The split of the list files in ``root``, or None when there are none.

    ``lines`` says which line means which name; names that are not ``used`` (beyond a limit) are dropped, and blank lines.
    Raises HdbenchError for an unknown name, for one that is listed twice, and for a split without training or test shapes.
    """
    wanted, kept = read_lists(root), frozenset(used)
    for part, names in wanted.items():
        for line in names:
            if line not in lines:
                raise unknown(kind, line, lines, f"It is listed in '{list_file(root, part)}'.")
    parts = {part: tuple(lines[line] for line in names if lines[line] in kept) for part, names in wanted.items()}
    return checked_split(root, parts)


def checked_split(root: Path, parts: Mapping[str, tuple[str, ...]]) -> Split | None:
    """The split of these parts, None when all are empty. HdbenchError as for ``read_split``."""
    if not any(parts.values()):
        return None
    for part in ("train", "test"):
        if not parts.get(part):
            raise HdbenchError(f"The folder '{root}' has split lists, but no shapes for '{part}'. Add '{part}.lst'.")
    _check_disjoint(parts)
    return Split(*(parts.get(part, ()) for part in PARTS))


def read_lists(root: Path) -> dict[str, tuple[str, ...]]:
    """{part: the lines of its list} of the list files in ``root``, without blank lines. HdbenchError for a line that is a path
    out of the folder, and for a file that is no text."""
    files = {part: list_file(root, part) for part in PARTS}
    return {part: read_lines(file) for part, file in files.items() if file is not None}


def list_file(root: Path, part: str) -> Path | None:
    """The list file of a part, or None."""
    return next((file for file in (root / f"{part}.lst", root / f"{part}_split.lst") if file.is_file()), None)


def list_files(root: Path) -> list[Path]:
    """All list files in ``root``, used or not."""
    return sorted(root.glob("*.lst"))


def read_lines(file: Path) -> tuple[str, ...]:
    """The lines of a list, stripped, without blank ones. HdbenchError for a line that leads out of the folder."""
    try:
        lines = [line.strip() for line in file.read_text(encoding="utf-8-sig").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise HdbenchError(f"The list '{file}' cannot be read as text ({error}).") from None
    for number, line in enumerate(lines, start=1):
        if _leads_out(line):
            raise HdbenchError(
                f"Line {number} of the list '{file}' is '{line}', a path out of the data's folder. A line is the name of a shape."
            )
    return tuple(filter(None, lines))


def _leads_out(line: str) -> bool:
    ways = (PurePosixPath(line), PureWindowsPath(line))
    return any(way.is_absolute() or way.drive or ".." in way.parts for way in ways) or "\0" in line


def _check_disjoint(parts: Mapping[str, tuple[str, ...]]) -> None:
    seen: dict[str, str] = {}
    twice = []
    for part, names in parts.items():
        for name in names:
            if name in seen:
                twice.append((name, seen[name], part))
            seen[name] = part
    if twice:
        name, first, second = twice[0]
        more = f" And {len(twice) - 1} more." if len(twice) > 1 else ""
        raise HdbenchError(f"The shape '{name}' is listed for '{first}' and again for '{second}'. Keep one of the two.{more}")
