"""A path -> sets of shapes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path

from hdbench.errors import HdbenchError
from hdbench.loading.choosing import Role
from hdbench.loading.files import from_file, holds_set
from hdbench.loading.folders import Progress, read_clouds
from hdbench.loading.listing import ARRAYS, list_folder
from hdbench.loading.taking import Found, Take, take_points
from hdbench.seeds import seed_of
from hdbench.shape_set import ShapeSet


def load_shapes(
    path: Path,
    *,
    points: int,
    seed: int = 0,
    take: Take = "random",
    frames: int | None = None,
    key: str | None = None,
    role: Role = "generated",
    again: bool = False,
    progress: Progress = lambda done, total: None,
) -> ShapeSet:
    """One set of shapes, with ``points`` points per frame, from a file of arrays, a folder of clouds or a folder of meshes.

    ``take``: a ``random`` choice of a denser cloud's points, seeded by ``seed`` and the shape, or the ``first``. ``frames`` > 1
    says that a folder's shapes are sequences (sub-folders of frames, or arrays [t, q, 3]). ``key`` names an array of a file, or
    of a folder the kind of files (``obj``, ``npy``) or the split list (``test``). ``role`` prefers arrays of its own names
    (``ref`` for a reference). ``again`` gives other points of the same shapes: new ones of meshes, and of clouds those that were
    left out. What is odd is said in the notes; shapes that cannot be read count as empty samples (nan).
    Raises HdbenchError: what was found, the nearest, the next step.
    """
    draws = load_draws(path, points=points, seed=seed, take=take, frames=frames, key=key, role=role, again=again,
                       progress=progress)  # fmt: skip
    if len(draws) > 1:
        raise HdbenchError(f"'{path}' holds {len(draws)} draws of {len(draws[0])} shapes, and one set of shapes is wanted here.")
    return draws[0]


def load_draws(
    path: Path,
    *,
    points: int,
    seed: int = 0,
    take: Take = "random",
    frames: int | None = None,
    key: str | None = None,
    role: Role = "generated",
    again: bool = False,
    progress: Progress = lambda done, total: None,
) -> tuple[ShapeSet, ...]:
    """As ``load_shapes``; an array [d, n, t, q, 3] gives d sets, the generation seeds of one method."""
    check_path(path)
    found: Sequence[Found | ShapeSet] = (
        [_from_folder(path, frames, key, role, points, seed_of(seed, "again") if again else seed, progress)]
        if path.is_dir()
        else from_file(path, frames, key, role)
    )
    if not all(len(part) for part in found):
        raise HdbenchError(f"'{path}' holds no shape at all.")
    seeds = [seed_of(seed, "draw", index) if index else seed for index in range(len(found))]
    return tuple(
        part if isinstance(part, ShapeSet) else take_points(part, points, own, take, f"'{path}'", again)
        for part, own in zip(found, seeds)
    )


def check_path(path: Path) -> None:
    """HdbenchError, with the nearest name, for a path that does not exist."""
    if not exists(path):
        raise HdbenchError(f"There is no file or folder '{path}'.{_nearest(path)}")


def exists(path: Path) -> bool:
    """Whether there is such a file or folder; a name that the system cannot even look up is the name of nothing."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _from_folder(
    folder: Path, frames: int | None, key: str | None, role: Role, points: int, seed: int, progress: Progress
) -> Found | ShapeSet:
    listing = list_folder(folder, key)
    if listing.kind == "meshes":
        from hdbench.loading.meshes import read_meshes

        return read_meshes(listing, frames, points, seed, progress)
    if listing.kind in ARRAYS and len(listing.files) == 1 and holds_set(listing.files[0], role):
        draws = from_file(listing.files[0], frames, None, role)
        if len(draws) > 1:
            raise HdbenchError(f"'{listing.files[0]}' holds {len(draws)} draws. Give the file itself in place of its folder.")
        return replace(draws[0], notes=(f"the only {listing.kind} file: {listing.name(listing.files[0])}", *draws[0].notes))
    return read_clouds(listing, frames, role, progress)


def _nearest(path: Path) -> str:
    """What the nearest folder that exists holds instead."""
    parent = next((folder for folder in path.parents if exists(folder) and folder.is_dir()), Path())
    inside = sorted(entry.name for entry in parent.iterdir() if not entry.name.startswith(".") and exists(entry))
    wanted = path.relative_to(parent).parts[0] if path.is_relative_to(parent) else path.name
    near = get_close_matches(wanted, inside, n=1, cutoff=0.5)
    return f" Did you mean '{parent / near[0]}'?" if near else f" '{parent}' holds: {', '.join(inside[:5]) or 'nothing'}."
