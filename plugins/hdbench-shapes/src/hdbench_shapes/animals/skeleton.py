"""Skeletons over time: directions, chains of bones (backs, necks, tails) and legs that reach for a point.

Angles are in radians, arrays begin with the frames [t]. Heading 0 looks towards -x, a positive heading to the left (towards -y),
a positive pitch upwards.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from hdbench_shapes.animals.moving import Floats, unit


class Axes(NamedTuple):
    """Three unit vectors [..., 3] of something that looks ``ahead``."""

    ahead: Floats
    left: Floats
    up: Floats


def axes(heading: ArrayLike, pitch: ArrayLike = 0.0) -> Axes:
    """The directions of a body with this heading and pitch, broadcast against each other; no roll."""
    turn, rise = np.broadcast_arrays(np.asarray(heading, dtype=np.float64), np.asarray(pitch, dtype=np.float64))
    level = np.stack([-np.cos(turn), -np.sin(turn), np.zeros(turn.shape)], axis=-1)
    left = np.stack([np.sin(turn), -np.cos(turn), np.zeros(turn.shape)], axis=-1)
    sine, cosine, vertical = np.sin(rise)[..., None], np.cos(rise)[..., None], np.array([0.0, 0.0, 1.0])
    return Axes(cosine * level + sine * vertical, left, cosine * vertical - sine * level)


class Chain(NamedTuple):
    """Joints [t, n + 1, 3] of n bones in a row, and the directions at the joints."""

    points: Floats
    axes: Axes

    def at(self, share: float) -> tuple[Floats, Axes]:
        """The place [t, 3] at a share 0..1 of the joints, and the directions there."""
        place = share * (self.points.shape[1] - 1)
        low = min(int(place), self.points.shape[1] - 2)
        mix = place - low
        between = [(1 - mix) * part[:, low] + mix * part[:, low + 1] for part in (self.points, *self.axes)]
        return between[0], Axes(*(unit(part) for part in between[1:]))


def chain(start: Floats, heading: Floats, pitch: Floats, length: float) -> Chain:
    """Bones of equal length, ``length`` in all, from ``start`` [t, 3], with ``heading`` and ``pitch`` [t, n] each."""
    step = axes(heading, pitch).ahead * (length / heading.shape[1])
    points = np.concatenate([start[:, None], start[:, None] + np.cumsum(step, axis=1)], axis=1)
    return Chain(points, axes(_at_joints(heading), _at_joints(pitch)))


def _at_joints(angles: Floats) -> Floats:
    """Angles of bones [t, n] -> angles at their ends [t, n + 1]: the mean of the two that meet."""
    padded = np.concatenate([angles[:, :1], angles, angles[:, -1:]], axis=1)
    return (padded[:, 1:] + padded[:, :-1]) / 2


def knee(hip: Floats, ankle: Floats, upper: float, lower: float, towards: Floats) -> tuple[Floats, Floats]:
    """Where the knee is, and the ankle as far as the leg reaches it; all [t, 3].

    The knee lies in the plane of the leg and ``towards``, on that side. Source: the law of cosines.
    """
    reach = ankle - hip
    distance = np.linalg.norm(reach, axis=-1, keepdims=True).clip(1e-9)
    within = distance.clip(1.02 * abs(upper - lower), 0.998 * (upper + lower))
    along = reach / distance
    share = (within**2 + upper**2 - lower**2) / (2 * within)
    out = np.sqrt((upper**2 - share**2).clip(0))
    aside = unit(towards - along * np.einsum("td,td->t", towards, along)[:, None])
    return hip + along * share + aside * out, hip + along * within
