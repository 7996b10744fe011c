"""Where the models of a ShapeNet category lie, and how lists name them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from hdbench.data.taxonomy import CATEGORIES, title_of
from hdbench.errors import HdbenchError, ShapeError
from hdbench_shapes.lists import list_files

V1, V2, FLAT = "model.obj", "models/model_normalized.obj", ".obj"
LAYOUTS = {
    "v1": "ShapeNet v1: SYNSET/ID/model.obj",
    "v2": "ShapeNet v2: SYNSET/ID/models/model_normalized.obj",
    "flat": "HyperDiffusion's meshes: SYNSET/ID.obj",
}
MISPLACED = ("model_normalized.obj", "models/model.obj", "models/model_normalised.obj", "models/model_normalized.ply")


def models_of(root: Path) -> dict[str, Path | None]:
    """{id: file, or None where the model's folder has none} of a category."""
    entries = sorted(entry for entry in root.iterdir() if not entry.name.startswith("."))
    flat: dict[str, Path | None] = {e.name[: -len(FLAT)]: e for e in entries if e.name.lower().endswith(FLAT) and e.is_file()}
    nested = {e.name: next((f for f in (e / V2, e / V1) if f.is_file()), None) for e in entries if e.is_dir()}
    if not any(nested.values()):
        nested = {}  # folders beside meshes that hold something else
    return nested | flat


def layouts_of(root: Path, there: Mapping[str, Path | None]) -> dict[str, int]:
    """How many models lie as each layout has them."""
    kinds = [_layout(root, file) for file in there.values() if file]
    return {kind: kinds.count(kind) for kind in LAYOUTS if kind in kinds}


def _layout(root: Path, file: Path) -> str:
    return "flat" if file.parent == root else "v1" if file.name == V1 else "v2"


def looks_processed(root: Path) -> bool:
    """Whether a folder of meshes is HyperDiffusion's: called by a synset, or with lists of its names."""
    return root.name in CATEGORIES or any(file.name.endswith("_split.lst") for file in list_files(root))


def id_of(line: str, place: Path, part: str) -> str:
    """The id that a line of a list names: ``ID``, ``ID.obj`` or ``SYNSET/ID``."""
    head, _, last = line.rpartition("/")
    if head not in ("", *CATEGORIES):
        raise HdbenchError(f"'{line}' ({part} of '{place}') is no model id. A line is ID, ID.obj or SYNSET/ID.")
    return last[: -len(FLAT)] if last.lower().endswith(FLAT) else last


def blacklist_file(file: str) -> Path:
    """The file of this name. HdbenchError when there is none."""
    path = Path(file).expanduser()
    if not path.is_file():
        raise HdbenchError(f"There is no blacklist '{file}'. Give a text file with a model id in each line.")
    return path


def is_plain(name: str) -> bool:
    """Whether a name is that of one entry of a folder."""
    return Path(name).name == name and name not in ("", ".", "..") and "\0" not in name


def place_of(root: Path, name: str) -> Path | None:
    """The file of a model, or None."""
    flat = [root / f"{name}{ending}" for ending in (FLAT, FLAT.upper())]
    return next((file for file in (*flat, root / name / V2, root / name / V1) if file.is_file()), None)


def file_of(root: Path, name: str) -> Path:
    """The file of a model. ShapeError, with what is there instead, when it has none."""
    if file := place_of(root, name):
        return file
    place = root / name
    if not place.is_dir():
        raise ShapeError("it is listed, and there is no such model")
    instead = next((odd for odd in MISPLACED if (place / odd).is_file()), None)
    if instead:
        raise ShapeError(f"it has '{instead}' where '{V1}' (v1) or '{V2}' (v2) is looked for")
    raise ShapeError(f"its folder has neither '{V1}' (v1) nor '{V2}' (v2)")


def no_models(root: Path) -> HdbenchError:
    """The error for a folder without models, which may be one too high."""
    categories = sorted(e.name for e in root.iterdir() if e.is_dir() and (e.name in CATEGORIES))
    if categories:
        named = ", ".join(title_of(entry) for entry in categories[:5]) + (" ..." if len(categories) > 5 else "")
        return HdbenchError(
            f"'{root}' holds {len(categories)} categories: {named}. Name one: '--data shapenet:{root / categories[0]}'."
        )
    misplaced = sorted(str(f.relative_to(root)) for odd in MISPLACED for f in root.glob(f"*/{odd}"))
    hint = f" It holds '{misplaced[0]}', which is at the wrong place." if misplaced else ""
    return HdbenchError(f"There is no model in '{root}': neither ID/{V1} (v1), ID/{V2} (v2) nor ID{FLAT}.{hint}")
