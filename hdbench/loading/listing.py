"""What a folder holds: which of its files are the shapes, in sorted order, and what lies beside them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hdbench.errors import HdbenchError, unknown
from hdbench.loading.texts import ply_has_faces
from hdbench.loading.wording import plural, some

MESHES = (".obj", ".off", ".stl", ".glb", ".gltf")  # and .ply with faces
COMPANIONS = (".bin", ".mtl")  # of meshes
ARRAYS = (".npy", ".npz", ".pt", ".pth", ".safetensors")
TEXTS = (".xyz", ".pts")
PERHAPS = (".txt", ".csv")  # clouds, or logs and lists that lie beside them
SPLITS = ("train", "val", "test")


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of a folder that are shapes (or frames of them), ``kind`` (``meshes``, or the ending of clouds), and notes."""

    folder: Path
    kind: str
    files: tuple[Path, ...]
    notes: tuple[str, ...]

    def name(self, path: Path) -> str:
        """A file's path in the folder, with '/' on every system."""
        return path.relative_to(self.folder).as_posix()


def list_folder(folder: Path, key: str | None) -> Listing:
    """The shapes in a folder and its sub-folders; ``key`` names their kind (``obj``, ``npy``), or one of the folder's split
    lists (``test``). HdbenchError, with the next step, when there are none, or several kinds or splits and ``key`` names none.
    """
    everything = sorted(_visible(folder), key=lambda path: path.as_posix())
    kinds = _kinds(everything)
    split = key if key in SPLITS else None
    kind = _chosen_kind(folder, Counter(kinds.values()), None if split else key, everything)
    files = [path for path in kinds if kinds[path] == kind and (kind != "meshes" or _is_wanted(path, key))]
    if kind in PERHAPS:
        files = [path for path in files if path.stem.removesuffix("_split") not in SPLITS]
    _refuse_splits(folder, files)
    chosen = _of_split(folder, files, split)
    rest = [path for path in everything if path not in set(files) and not (kind == "meshes" and path.suffix in COMPANIONS)]
    endings = sorted({path.suffix.lower() or "no ending" for path in rest})
    notes = [f"{plural(len(rest), 'other file')} not read ({some(endings)})"] if rest else []
    notes += [f"{len(chosen)} of {len(files)} files, those of its {split} list"] if split else []
    return Listing(folder, kind, tuple(chosen), tuple(notes))


def _visible(folder: Path) -> list[Path]:
    """Files that are not hidden, and not what a Mac leaves behind. HdbenchError when a sub-folder cannot be looked into."""
    try:
        found = [path for path in folder.rglob("*") if path.is_file()]
    except OSError as error:
        raise HdbenchError(f"The folder '{folder}' cannot be read ({error}).") from None
    return [p for p in found if not any(n.startswith(".") or n == "__MACOSX" for n in p.relative_to(folder).parts)]


def _kinds(files: Sequence[Path]) -> dict[Path, str]:
    """``meshes`` or the ending of clouds, for files that may be shapes. PLY files are meshes as soon as one has faces."""
    ply_are_meshes = any(ply_has_faces(path) for path in files if path.suffix.lower() == ".ply")
    kind_of_ending = dict.fromkeys(MESHES, "meshes") | {ending: ending for ending in (*ARRAYS, *TEXTS, *PERHAPS, ".ply")}
    if ply_are_meshes:
        kind_of_ending[".ply"] = "meshes"
    return {path: kind_of_ending[path.suffix.lower()] for path in files if path.suffix.lower() in kind_of_ending}


def _is_wanted(path: Path, key: str | None) -> bool:
    return key in (None, "meshes", *SPLITS) or path.suffix.lower() == _ending(str(key))


def _ending(key: str) -> str:
    return f".{key.lower().removeprefix('.')}"


def _chosen_kind(folder: Path, counts: Counter[str], key: str | None, everything: Sequence[Path]) -> str:
    if key is not None:
        return _named_kind(folder, key, _kinds(everything))
    likely = sorted(kind for kind in counts if kind not in PERHAPS) or sorted(counts)
    if not likely:
        raise _nothing(folder, everything)
    if len(likely) > 1:
        held = ", ".join(f"{kind} ({counts[kind]})" for kind in likely)
        raise HdbenchError(
            f"The folder '{folder}' holds shapes of several kinds: {held}. Name one as FOLDER:KIND, such as "
            f"'{folder}:{likely[-1].removeprefix('.')}'."
        )
    return likely[0]


def _named_kind(folder: Path, key: str, kinds: Mapping[Path, str]) -> str:
    named = {path.suffix.lower(): kind for path, kind in kinds.items()}
    if key == "meshes" and key in named.values():
        return key
    if _ending(key) not in named:
        lists = [part for part in SPLITS if _lists(folder, part)]
        raise unknown(f"kind of shapes or split list in '{folder}'", key, [*(ending[1:] for ending in named), *lists])
    return named[_ending(key)]


def _nothing(folder: Path, everything: Sequence[Path]) -> HdbenchError:
    found = Counter(path.suffix.lower() or "no ending" for path in everything)
    held = ", ".join(f"{count} {ending}" for ending, count in found.most_common(5)) or "nothing"
    return HdbenchError(
        f"The folder '{folder}' holds no mesh and no cloud (found: {held}). Meshes are {', '.join(MESHES)} and .ply files, "
        f"clouds {', '.join((*ARRAYS, *TEXTS, *PERHAPS))} and .ply files: one shape a file, in sub-folders too."
    )


# -------------------------------------------------------------------------------------------------------------- splits


def _refuse_splits(folder: Path, files: Sequence[Path]) -> None:
    """A data set's root is not a set of shapes: its training shapes would stand among the test shapes."""
    tops = {path.relative_to(folder).parts[0] for path in files if len(path.relative_to(folder).parts) > 1}
    splits = [name for name in SPLITS if name in tops]
    if len(splits) > 1:
        raise HdbenchError(
            f"The folder '{folder}' holds the splits {', '.join(splits)}. Give one of them, such as '{folder / splits[-1]}'."
        )


def _lists(folder: Path, part: str) -> list[Path]:
    return [path for path in (folder / f"{part}.lst", folder / f"{part}_split.lst") if path.is_file()]


def _of_split(folder: Path, files: Sequence[Path], split: str | None) -> list[Path]:
    """The files that a split's list names; all files where there are no lists."""
    there = [part for part in SPLITS if _lists(folder, part)]
    if split is None and there:
        raise HdbenchError(
            f"The folder '{folder}' has split lists ({', '.join(there)}). Name one as FOLDER:SPLIT, such as "
            f"'{folder}:{there[-1]}'."
        )
    if split is None:
        return list(files)
    if split not in there:
        raise unknown(f"split list in '{folder}'", split, there, f"Lists are '{split}.lst' or '{split}_split.lst'.")
    file = _lists(folder, split)[0]
    by_line = {line: path for path in reversed(files) for line in _lines_of(path.relative_to(folder))}
    wanted = [line.strip() for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    for line in wanted:
        if line not in by_line:
            raise unknown("file", line, by_line, f"It is listed in '{file}'.")
    return [by_line[line] for line in dict.fromkeys(wanted)]


def _lines_of(path: Path) -> list[str]:
    """How lists name a file: with its ending, or without one or two (``ID.obj.npy`` is listed as ``ID.obj`` and ``ID``)."""
    full = path.as_posix()
    return [full, *(full[: -len("".join(path.suffixes[-k:]))] for k in range(1, len(path.suffixes[-2:]) + 1))]
