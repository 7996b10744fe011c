"""What is odd about a ShapeNet category's files and lists, by their names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from hdbench.data.taxonomy import CATEGORIES, ONLY_V1, title_of
from hdbench.errors import HdbenchError
from hdbench_shapes.lists import PARTS, read_lists
from hdbench_shapes.shapenet_files import MISPLACED, id_of

ORIENTED = {
    "v1": "v1 is centred on the boxes of its models",
    "v2": "v2 is centred on the means of their vertices",
    "flat": "runs centre these on the means of their vertices",
}


def remarks_on(root: Path, there: Mapping[str, Path | None], counts: Mapping[str, int], layout: str) -> list[str]:
    """What is odd about the names of files, and how the layout is oriented."""
    missing = [name for name, file in there.items() if file is None]
    said = [f"y is up, the front looks towards -z; {ORIENTED[layout]}."]
    if len(counts) > 1:
        said.append("Layouts are mixed: " + ", ".join(f"{count} of {kind}" for kind, count in counts.items()) + ".")
    if missing:
        odd = next((o for o in MISPLACED for name in missing if (root / name / o).is_file()), None)
        at = f"; some have '{odd}' instead" if odd else ""
        said.append(
            f"{len(missing)} of {len(there)} models have no mesh ({', '.join(missing[:3])}{' ...' * (len(missing) > 3)}){at}."
        )
    if root.name in ONLY_V1 and layout == "v2":
        said.append("ShapeNet v2 has no such category; v1 has.")
    if root.name.isdigit() and root.name.zfill(8) in CATEGORIES and len(root.name) < 8:
        said.append(
            f"The folder '{root.name}' lost the zeros in front: '{root.name.zfill(8)}' is {title_of(root.name.zfill(8))}."
        )
    return said


def remarks_on_lists(root: Path, there: Mapping[str, Path | None]) -> list[str]:
    """What is odd about the lists in the folder, for a user who has not run anything yet."""
    try:
        lists = {part: [id_of(line, root, part) for line in lines] for part, lines in read_lists(root).items()}
    except HdbenchError as error:
        return [str(error)]
    said = []
    for part in PARTS:
        absent = [name for name in lists.get(part, ()) if name not in there]
        if absent:
            said.append(f"The {part} list names {len(absent)} of {len(lists[part])} models that are not there, as '{absent[0]}'.")
    listed = {name for names in lists.values() for name in names}
    unlisted = len(there.keys() - listed)
    return said + ([f"{unlisted} models are in no list, and are not used."] if listed and unlisted else [])
