"""What is odd about clouds: nothing or nothing finite in them, zeros, repeated or ordered points, copies of each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hdbench.loading.wording import plural, some

Frames = Sequence[NDArray[Any]] | NDArray[Any]  # t clouds [q, 3]; none where a file could not be read

REPEATED = 0.03  # the share of points that are there again from which on it is said
IN_ORDER = 0.5  # standard deviations by which the first quarter of the points must lie elsewhere to be in some order
FAR = 1e4  # coordinates over extent from which on float32 no longer holds the shape well


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


def is_whole(frames: Frames, name: str, odd: Oddities) -> bool:
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
    exact = cloud.astype(np.float64)  # sums of a thousand equal float32 numbers are then exact: a plane stays one
    away = np.abs(exact[: count // 4].mean(0) - exact.mean(0))
    chance = 6 * np.sqrt(3 / count)  # six standard deviations of points in no order
    return bool((away > max(IN_ORDER, chance) * exact.std(0)).any())


def _row_hashes(cloud: NDArray[np.float32]) -> NDArray[np.uint64]:
    """A number per point [q], equal for equal points; 64 bits of multiplicative mixing."""
    bits = (np.ascontiguousarray(cloud) + np.float32(0)).view(np.uint32).astype(np.uint64)  # + 0: minus zero is zero
    with np.errstate(over="ignore"):
        mixed = bits @ np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9], np.uint64)
        mixed = (mixed ^ (mixed >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
        return np.asarray(mixed ^ (mixed >> np.uint64(32)))
