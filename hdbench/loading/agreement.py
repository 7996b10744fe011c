"""Whether sets of shapes belong together: frames, size, pose, and shapes that are in two sets at once."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from hdbench.errors import HdbenchError
from hdbench.loading.oddities import cloud_digest
from hdbench.loading.wording import plural
from hdbench.shape_set import ShapeSet

ALIKE = 1.5  # between sizes that are called alike
TURNED = 0.25  # the least difference of extents, over the longest, that a turn must explain
ALMOST = 0.1  # of two turns that explain it about as well, the one that moves fewer axes is named
EXPLAINED = 0.4  # the share of it that may be left


def refuse_other_frames(shapes: ShapeSet, reference: ShapeSet, what: str) -> None:
    """HdbenchError when shapes and references have different numbers of frames."""
    if shapes.frames == reference.frames:
        return
    layouts = "Shapes are [n, q, 3], sequences [n, t, q, 3], draws of shapes [d, n, 1, q, 3]: is an axis missing?"
    swapped = len(shapes) == reference.frames or shapes.frames == len(reference)
    raise HdbenchError(
        f"{what} has {plural(shapes.frames, 'frame')} per shape, the reference {plural(reference.frames, 'frame')}. "
        f"{layouts if swapped else 'Give both alike.'}"
    )


def oddities(shapes: ShapeSet, reference: ShapeSet, what: str, scaled: bool) -> list[str]:
    """What makes one doubt that both sets are of one kind; ``scaled`` says whether the protocol normalises sizes."""
    notes = [_turned(shapes, reference, what), "" if scaled else _sized(shapes, reference, what)]
    return [note for note in notes if note]


def shared_shapes(shapes: ShapeSet, others: ShapeSet, what: str, whose: str) -> list[str]:
    """The note about shapes that are, point for point, in both sets."""
    known = {cloud_digest(cloud) for cloud in others.clouds if np.isfinite(cloud).all()}
    count = sum(cloud_digest(cloud) in known for cloud in shapes.clouds)
    return [f"{count} of {plural(len(shapes), 'shape')} of {what} are also among {whose}, point for point"] if count else []


def _extents(shapes: ShapeSet) -> NDArray[np.float64]:
    """Sides [n, 3] of the boxes of the shapes that are not empty."""
    whole = shapes.clouds[np.isfinite(shapes.clouds).all((1, 2, 3))]
    return np.ptp(whole, axis=(1, 2)).astype(np.float64) if len(whole) else np.empty((0, 3))


def _turned(shapes: ShapeSet, reference: ShapeSet, what: str) -> str:
    """By the axes along which shapes are long: they tell y-up from z-up, not left from right."""
    mine, theirs = (_proportions(_extents(part)) for part in (shapes, reference))
    if mine is None or theirs is None:
        return ""
    off = {order: float(np.abs(mine[list(order)] - theirs).max()) for order in permutations(range(3))}
    least = min(off.values()) + ALMOST
    best = max((order for order in off if off[order] <= least), key=lambda order: sum(a == b for a, b in enumerate(order)))
    if off[0, 1, 2] < TURNED or off[best] > EXPLAINED * off[0, 1, 2]:
        return ""
    axes = "".join("xyz"[axis] for axis in best)
    return (
        f"{what} looks turned against the reference: its sides over the longest are {_sides(mine)}, those of the reference "
        f"{_sides(theirs)}; its axes {axes} fit the reference's xyz better. No protocol mends that"
    )


def _proportions(extents: NDArray[np.float64]) -> NDArray[np.float64] | None:
    longest = extents.max(1, keepdims=True, initial=0)
    used = extents[longest[:, 0] > 0] / longest[longest[:, 0] > 0]
    return np.asarray(np.median(used, axis=0)) if len(used) else None


def _sides(proportions: NDArray[np.float64]) -> str:
    return " x ".join(f"{side:.2f}" for side in proportions)


def _sized(shapes: ShapeSet, reference: ShapeSet, what: str) -> str:
    mine, theirs = (_extents(part) for part in (shapes, reference))
    if not len(mine) or not len(theirs):
        return ""
    sizes: Sequence[float] = [float(np.median(part.max(1))) for part in (mine, theirs)]
    if min(sizes) == 0 or max(sizes) < ALIKE * min(sizes):
        return ""
    return (
        f"{what} is of another size than the reference (longest sides {sizes[0]:.3g} and {sizes[1]:.3g}, medians), and this "
        "protocol compares shapes in the coordinates given"
    )
