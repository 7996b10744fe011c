"""Clouds as they lie on disk -> the protocol's number of points of each, and what is odd about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hdbench.errors import HdbenchError
from hdbench.loading.wording import plural, some
from hdbench.seeds import numpy_generator
from hdbench.shape_set import ShapeSet

Frames = Sequence[NDArray[Any]] | NDArray[Any]  # t clouds [q, 3]; none where a file could not be read
Take = Literal["random", "first"]

REPEATED = 0.03  # the share of points that are there again from which on it is said
PC15K, PC15K_TEST = 15_000, 10_000  # points in a file of PointFlow's data, and the first of those it evaluates on
IN_ORDER = 0.5  # standard deviations by which the first quarter of the points must lie elsewhere to be in some order
FAR = 1e4  # coordinates over extent from which on float32 no longer holds the shape well


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """Shapes as they were found: frames of points, the name of each (none in an array), and notes."""

    items: Sequence[Frames]
    frames: int
    names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.items)


@dataclass(slots=True)
class Oddities:
    """Which shapes have which trouble, by name, and the digests that tell copies."""

    empty: list[str] = field(default_factory=list)
    not_finite: list[str] = field(default_factory=list)
    all_zero: list[str] = field(default_factory=list)
    one_place: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)
    in_order: list[str] = field(default_factory=list)
    far: list[str] = field(default_factory=list)
    digests: dict[bytes, list[str]] = field(default_factory=dict)

    def notes(self, count: int) -> list[str]:
        """A sentence for each kind of trouble that was met."""
        copies = [names for names in self.digests.values() if len(names) > 1]
        said = {
            "without points, counted as empty samples": self.empty,
            "not finite, counted as empty samples": self.not_finite,
            "all zeros (what stands for an empty mesh), counted as empty samples": self.all_zero,
            "all points in one place": self.one_place,
            f"more than {100 * REPEATED:g} % of the points repeated": self.repeated,
            "points in an order, so that the first ones (which EMD takes) are a part of the shape": self.in_order,
            "so far from the origin that float32 rounds them": self.far,
        }
        found = [f"{words}: {len(names)} of {plural(count, 'shape')} ({some(names)})" for words, names in said.items() if names]
        return found + said_of_copies(copies, count)


def said_of_copies(copies: Sequence[Sequence[str]], count: int) -> list[str]:
    """The note about groups of shapes that are the same."""
    surplus = sum(len(names) - 1 for names in copies)
    twins = some([" = ".join(names[:3]) for names in copies], 3)
    return [f"copies of another shape: {surplus} of {plural(count, 'shape')} ({twins})"] if copies else []


def take_points(found: Found, points: int, seed: int, take: Take, where: str, again: bool = False) -> ShapeSet:
    """A ShapeSet of ``points`` points per frame: ``take`` a random choice, seeded by shape, or the first; ``again``: as many
    others, none of which is in the first choice.

    One choice serves all frames of a sequence whose frames have equally many points, so that tracks stay together. Clouds that
    hold nothing, something not finite or zeros alone become nan: empty samples. HdbenchError, with the next step, for a cloud
    of fewer points.
    """
    counts = [len(cloud) for frames in found.items for cloud in frames if len(cloud)]
    _refuse_too_few(found, counts, points, where, again)
    first = PC15K_TEST if take == "first" and set(counts) == {PC15K} and points <= PC15K - PC15K_TEST else 0
    start = first + (points if again else 0)
    out = np.full((len(found.items), found.frames, points, 3), np.nan, np.float32)
    odd = Oddities()
    for index, frames in enumerate(found.items):
        name = found.names[index] if found.names else str(index)
        if _is_whole(frames, name, odd):
            rng = numpy_generator(seed, "points", found.names[index] if found.names else index)
            out[index] = [_taken(cloud, points, take, start, rng) for cloud, rng in zip(frames, _same(rng, frames))]
    notes = (*found.notes, *_choice(counts, points, take, first), *odd.notes(len(found.items)))
    return ShapeSet(out, names=found.names, notes=notes)


def _refuse_too_few(found: Found, counts: Sequence[int], points: int, where: str, again: bool) -> None:
    least = min(counts, default=points)
    if again and least < 2 * points:
        raise HdbenchError(f"{where} has clouds of {least} points, too few for {points} others of each.")
    if least >= points:
        return
    short = [found.names[i] for i, frames in enumerate(found.items) if found.names and any(0 < len(c) < points for c in frames)]
    which = f" ({some(short)})" if short and len(short) < len(found.items) else ""
    raise HdbenchError(
        f"{where} has clouds of {least} points{which}, fewer than the {points} that the protocol asks for. Score all sets with "
        f"'-o points={least}', or sample the shapes again with {points} points."
    )


def _choice(counts: Sequence[int], points: int, take: Take, first: int) -> list[str]:
    """How points were left out, if any were."""
    if max(counts, default=points) == points:
        return []
    low, high = min(counts), max(counts)
    of = f"{low}" if low == high else f"{low} to {high}"
    which = f"points {first} to {first + points - 1} (the test part of PC15k files)" if first else f"the first {points}"
    return [f"{f'{points} points chosen at random' if take == 'random' else which} of the {of} of each cloud"]


def _same(rng: np.random.Generator, frames: Frames) -> list[np.random.Generator]:
    """A generator per frame: all in the same state when frames have equally many points, else one after the other."""
    if len({len(cloud) for cloud in frames}) > 1:
        return [rng] * len(frames)
    state = rng.bit_generator.state
    return [_at(state) for _ in frames]


def _at(state: Mapping[str, Any]) -> np.random.Generator:
    generator = np.random.default_rng(0)
    generator.bit_generator.state = state
    return generator


def _taken(cloud: NDArray[Any], points: int, take: Take, start: int, rng: np.random.Generator) -> NDArray[np.float32]:
    if len(cloud) == points:
        return np.asarray(cloud, np.float32)
    order = rng.permutation(len(cloud)) if take == "random" else np.arange(len(cloud))
    return np.asarray(cloud[order[start : start + points]], np.float32)


# ---------------------------------------------------------------------------------------------------------- oddities


def _is_whole(frames: Frames, name: str, odd: Oddities) -> bool:
    """Whether a shape has points in every frame; files its oddities."""
    with np.errstate(over="ignore"):  # a float64 beyond float32 becomes infinite, and is said to be
        clouds = [np.asarray(cloud, np.float32) for cloud in frames]
    if not clouds or not all(len(cloud) for cloud in clouds):
        odd.empty.append(name)
    elif not all(np.isfinite(cloud).all() for cloud in clouds):
        odd.not_finite.append(name)
    elif any(len(cloud) > 1 and not cloud.any() for cloud in clouds):
        odd.all_zero.append(name)
    else:
        _look_closer(clouds, name, odd)
        return True
    return False


def _look_closer(clouds: Sequence[NDArray[np.float32]], name: str, odd: Oddities) -> None:
    extents = [np.ptp(cloud, axis=0).max() for cloud in clouds]
    hashes = [_row_hashes(cloud) for cloud in clouds]
    if any(extent == 0 and len(cloud) > 1 for extent, cloud in zip(extents, clouds)):
        odd.one_place.append(name)
    elif any(len(np.unique(found)) < (1 - REPEATED) * len(found) for found in hashes):
        odd.repeated.append(name)
    if any(_in_order(cloud) for cloud in clouds):
        odd.in_order.append(name)
    if any(np.abs(cloud).max() > FAR * extent > 0 for extent, cloud in zip(extents, clouds)):
        odd.far.append(name)
    odd.digests.setdefault(_digest(hashes), []).append(name)


def cloud_digest(frames: Frames) -> bytes:
    """Equal for sequences [t, q, 3] with equal points in each frame, in whatever order they come."""
    return _digest([_row_hashes(np.asarray(cloud, np.float32)) for cloud in frames])


def _digest(hashes: Sequence[NDArray[np.uint64]]) -> bytes:
    return np.array([found.sum(dtype=np.uint64) for found in hashes]).tobytes()


def _in_order(cloud: NDArray[np.float32]) -> bool:
    """Whether the first quarter of the points lies elsewhere than the whole, as in a sweep, on a grid or in a sorted cloud."""
    count = len(cloud)
    if count < 128:
        return False
    away = np.abs(cloud[: count // 4].mean(0) - cloud.mean(0))
    chance = 6 * np.sqrt(3 / count)  # six standard deviations of points in no order
    return bool((away > max(IN_ORDER, chance) * cloud.std(0)).any())


def _row_hashes(cloud: NDArray[np.float32]) -> NDArray[np.uint64]:
    """A number per point [q], equal for equal points; 64 bits of multiplicative mixing."""
    bits = (np.ascontiguousarray(cloud) + np.float32(0)).view(np.uint32).astype(np.uint64)  # + 0: minus zero is zero
    with np.errstate(over="ignore"):
        mixed = bits @ np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9], np.uint64)
        mixed = (mixed ^ (mixed >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
        return np.asarray(mixed ^ (mixed >> np.uint64(32)))
