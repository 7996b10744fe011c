"""How the frames of a sequence differ: figures of its motion, for clouds without correspondences.

The distance of two frames is a length, the root of half their squared Chamfer distance: a point that moves by d, or a cloud whose
points lie farther apart than they move, is d away. A surface that slides along itself does not move. Clouds that are sampled
anew for every frame are never 0 apart, not even when the surface stands still, so figures compare with those of real sequences
that were sampled as densely.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hdbench.distances.chamfer import chamfer_matrix, whole
from hdbench.errors import HdbenchError

NAMES = ("speed", "acceleration", "turning", "loop", "range")


def motion_figures(clouds: Any) -> dict[str, NDArray[np.float64]]:
    """Figures of n sequences [n, t, q, 3] of at least two frames, each [n]; nan for samples that came out empty.

    ``speed``: mean distance from frame to frame, in units of the clouds. ``acceleration``: mean change of that distance from
    one step to the next over its mean, 0 when uniform. ``turning``: how much of two steps is lost on the way from frame t to
    t + 2, from 0 (straight on) to 1 (there and back). ``loop``: from the last frame to the first. ``range``: between the two
    frames that are farthest apart. ``step_1``, ``step_2``, ...: the distance from each frame to the next. Two frames have no
    acceleration and no turning, and a still sequence has no figure at all: these are 0.

    Raises HdbenchError for single frames.
    """
    array = np.asarray(clouds)
    if array.ndim != 4 or array.shape[3] != 3 or array.shape[1] < 2:
        raise HdbenchError(f"Motion needs sequences [n, t, q, 3] of at least two frames, but the clouds are {list(array.shape)}.")
    names = (*NAMES, *(f"step_{k}" for k in range(1, array.shape[1])))
    rows = np.full((len(array), len(names)), np.nan)
    for index in np.flatnonzero(whole(array)):
        rows[index] = _figures(_lengths(array[index]))
    return dict(zip(names, rows.T.copy()))


def _lengths(frames: NDArray[Any]) -> NDArray[np.float64]:
    """Distances [t, t] between the frames [t, q, 3]."""
    return np.sqrt(chamfer_matrix(frames[:, None]) / 2)


def _figures(between: NDArray[np.float64]) -> list[float]:
    """The figures in the order of NAMES, then the steps, from the distances [t, t] between frames."""
    steps, leaps = np.diagonal(between, 1), np.diagonal(between, 2)
    change, two_steps = np.abs(np.diff(steps)), steps[1:] + steps[:-1]
    return [
        float(steps.mean()),
        _ratio(change.sum(), len(change) * steps.mean()),
        max(0.0, 1 - _ratio(leaps.sum(), two_steps.sum())) if two_steps.sum() > 0 else 0.0,
        float(between[-1, 0]),
        float(between.max()),
        *steps.tolist(),
    ]


def _ratio(part: float, of: float) -> float:
    return float(part / of) if of > 0 else 0.0
