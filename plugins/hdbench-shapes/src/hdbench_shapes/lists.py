"""Split lists: ``train.lst``, ``val.lst``, ``test.lst`` (or ``train_split.lst`` and so on) in a folder, a name to a line.

Layouts: HyperDiffusion at fd2c581 (``_split``, names with extensions for 3D, without for 4D), 3DShape2VecSet (without).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from hdbench.errors import HdbenchError, unknown
from hdbench.shapes import Split


def read_split(root: Path, kind: str, lines: Mapping[str, str], used: Collection[str]) -> Split | None:
    """The split of the list files in ``root``, or None when there are none.

    ``lines`` says which line means which name; names that are not ``used`` (beyond a limit) are dropped, and blank lines.
    Raises HdbenchError for an unknown name, for one that is listed twice, and for a split without training or test shapes.
    """
    parts = {}
    for part in ("train", "val", "test"):
        lists = [f for f in (root / f"{part}.lst", root / f"{part}_split.lst") if f.is_file()]
        parts[part] = _listed(lists[0], kind, lines, frozenset(used)) if lists else ()
    if not any(parts.values()):
        return None
    for part in ("train", "test"):
        if not parts[part]:
            raise HdbenchError(f"The folder '{root}' has split lists, but no shapes for '{part}'. Add '{part}.lst'.")
    _check_disjoint(parts)
    return Split(**parts)


def _listed(file: Path, kind: str, by_line: Mapping[str, str], used: frozenset[str]) -> tuple[str, ...]:
    lines = [line.strip() for line in file.read_text(encoding="utf-8").splitlines()]
    for line in filter(None, lines):
        if line not in by_line:
            raise unknown(kind, line, by_line, f"It is listed in '{file}'.")
    return tuple(by_line[line] for line in lines if line and by_line[line] in used)


def _check_disjoint(parts: dict[str, tuple[str, ...]]) -> None:
    seen: dict[str, str] = {}
    for part, names in parts.items():
        for name in names:
            if name in seen:
                raise HdbenchError(
                    f"The shape '{name}' is listed for '{seen[name]}' and again for '{part}'. Keep one of the two."
                )
            seen[name] = part
