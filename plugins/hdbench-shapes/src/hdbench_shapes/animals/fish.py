"""Fish: a body that bends in a travelling wave, a tail fin, a back fin, two side fins. They swim, turn, leap and hover."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hdbench_shapes.animals.actions import TAU, bump, clock, ease
from hdbench_shapes.animals.moving import Floats, Moving, plate, sweep, unit
from hdbench_shapes.animals.skeleton import Axes, Chain, chain
from hdbench_shapes.category import Draw

BONES = 13


@dataclass(frozen=True, slots=True, kw_only=True)
class Fish:
    """In units of the length without tail fin. ``height`` and ``width``: halves at the thickest place, at the share ``belly``
    from the nose; ``stalk``: half height before the tail fin; fins: (length, half width); ``fork`` parts the tail's lobes."""

    height: float
    width: float
    belly: float
    stalk: float
    tail: tuple[float, float]
    fork: float
    crest: tuple[float, float]  # on the back
    crest_at: float
    side: tuple[float, float]
    side_angle: float
    thick: float = 0.034


@dataclass(slots=True)
class Swim:
    """How a fish moves in t frames: all [t], but ``turn`` [t, n] of its bones from nose to tail; ``beat`` is of the side fins."""

    rise: Floats
    heading: Floats
    pitch: Floats
    turn: Floats
    beat: Floats


def fish(draw: Draw) -> Fish:
    """About ten numbers of a fish's shape."""
    return Fish(
        height=draw.between(0.12, 0.2), width=draw.between(0.075, 0.11), belly=draw.between(0.28, 0.45),
        stalk=draw.between(0.042, 0.058), tail=(draw.between(0.16, 0.26), draw.between(0.1, 0.18)), fork=draw.between(0.0, 0.8),
        crest=(draw.between(0.05, 0.14), draw.between(0.08, 0.16)), crest_at=draw.between(0.36, 0.55),
        side=(draw.between(0.12, 0.2), draw.between(0.045, 0.07)), side_angle=draw.between(0.3, 0.8),
    )  # fmt: skip


# ---------------------------------------------------------------------------------------------------------------- motion


def swim(draw: Draw, frames: int) -> Swim:
    """One beat of the tail: a wave from the head to the tail, ever larger."""
    time, still = clock(draw, frames), np.zeros(frames)
    wave = _wave(time, draw.between(0.45, 0.75), draw.between(0.55, 0.9))
    beat = 0.3 * draw.between(0.5, 1.2) * np.sin(TAU * time)
    return Swim(0.01 * np.sin(TAU * time), -0.1 * wave[:, -1], still, wave, beat)


def hover(draw: Draw, frames: int) -> Swim:
    """Rest: the body almost straight, the side fins fan."""
    time = clock(draw, frames)
    wave = _wave(time, draw.between(0.14, 0.28), draw.between(0.55, 0.9))
    tilt = draw.between(-0.2, 0.2) + np.zeros(frames)
    return Swim(0.012 * np.sin(TAU * time), np.zeros(frames), tilt, wave, draw.between(0.4, 0.8) * np.sin(TAU * time))


def turn(draw: Draw, frames: int) -> Swim:
    """About face, to the left or to the right: the body bends to a C and straightens out."""
    time = np.arange(frames) / max(1, frames - 1)
    angle = draw.between(1.1, 1.8) * (1 if draw.chance(0.5) else -1)
    curl = draw.between(0.9, 1.4) * np.sign(angle) * bump(time, 0.0, 0.4, 1.0)
    share = np.linspace(0.5, -0.7, BONES)
    flick = 0.3 * np.sin(TAU * 1.5 * time)[:, None] * np.sin(np.pi * time)[:, None] * np.linspace(0, 1, BONES) ** 2
    heading = angle * ease((time - 0.1) / 0.8)
    return Swim(np.zeros(frames), heading, np.zeros(frames), curl[:, None] * share + flick, 0.4 * np.sin(np.pi * time))


def leap(draw: Draw, frames: int) -> Swim:
    """Jump: up, over and down again, nose first."""
    time = clock(draw, frames, 0.04)
    high, tilt = draw.between(0.2, 0.34), draw.between(0.6, 0.9)
    wave = _wave(time, draw.between(0.25, 0.4), 0.7)
    rise = high * (1 - np.cos(TAU * time)) / 2
    return Swim(rise, np.zeros(frames), tilt * np.sin(TAU * time), wave, 0.5 * np.sin(np.pi * time))


FISH_ACTIONS: dict[str, Callable[[Draw, int], Swim]] = {"walk": swim, "jump": leap, "turn": turn, "rest": hover}


def _wave(time: Floats, size: float, length: float) -> Floats:
    """Angles of the bones [t, n] from nose to tail: a wave of ``length`` body lengths that grows towards the tail."""
    share = np.linspace(0, 1, BONES)
    return size * (0.12 + 0.88 * share**1.6) * np.sin(TAU * (time[:, None] - share / length))


# ----------------------------------------------------------------------------------------------------------------- parts


def pose(plan: Fish, motion: Swim) -> list[Moving]:
    """The parts of the fish in every frame."""
    spine = _spine(motion)
    return [_body(plan, spine), *_tail(plan, spine), _crest(plan, spine), *(_side(plan, spine, motion, s) for s in (-1, 1))]


def _spine(motion: Swim) -> Chain:
    """From the nose backwards, its middle where the fish is; directions look ahead."""
    heading = motion.heading[:, None] + motion.turn
    pitch = np.broadcast_to(motion.pitch[:, None], heading.shape)
    back = chain(np.zeros((len(heading), 3)), heading + np.pi, -pitch, 1.0)
    middle = back.points[:, [4, 5, 6, 7]].mean(1) - np.stack([*np.zeros((2, len(heading))), motion.rise], axis=1)
    return Chain(back.points - middle[:, None], Axes(-back.axes.ahead, -back.axes.left, back.axes.up))


def _body(plan: Fish, spine: Chain) -> Moving:
    share = np.linspace(0, 1, BONES + 1)
    ahead, behind = (share / plan.belly).clip(0, 1), ((share - plan.belly) / (1 - plan.belly)).clip(0, 1)
    shape = np.sqrt(1 - (1 - ahead) ** 2) * (1 - behind**1.5 * (3 - behind) / 2)
    heights = np.maximum(plan.height * shape, np.interp(share, [0, 0.15, 1], [0.036, plan.stalk, plan.stalk]))
    widths = np.maximum(plan.width * shape, 0.036)
    return sweep(spine.points, spine.axes.left, spine.axes.up, widths, heights, 12)


def _tail(plan: Fish, spine: Chain) -> list[Moving]:
    """Two lobes, up and down, that part at the fork."""
    root, at = spine.at(0.98)
    lobes = []
    for side in (-1, 1):
        length, half = plan.tail
        way = unit(-at.ahead + side * at.up * (0.25 + 0.5 * half / length + 0.45 * plan.fork))
        long = np.hypot(length, half) * 0.95
        lobes.append(plate(root, way, at.ahead, long, np.array([1.1, 1.25, 1.2, 1.0, 0.7]) * 0.3 * half, plan.thick))
    return lobes


def _crest(plan: Fish, spine: Chain) -> Moving:
    """The fin on the back, which leans to the rear."""
    root, at = spine.at(plan.crest_at)
    rise, half = plan.crest
    inside = plan.height * 0.5
    way = unit(at.up - 0.35 * at.ahead)
    chords = np.array([1.1, 1.0, 0.9, 0.75, 0.5]) * half
    return plate(root + at.up * inside, way, at.ahead, rise + inside, chords, plan.thick)


def _side(plan: Fish, spine: Chain, motion: Swim, side: int) -> Moving:
    """A fin behind the gills, spread back and out; it beats."""
    root, at = spine.at(0.3)
    length, half = plan.side
    open_ = (plan.side_angle + motion.beat)[:, None]
    way = unit(-at.ahead * np.cos(open_) * 0.8 + at.left * side * (0.35 + np.sin(open_)) - 0.35 * at.up)
    start = root + at.left * side * plan.width * 0.4 - at.up * plan.height * 0.2
    return plate(start, way, at.up, length, np.array([0.8, 1, 1, 0.9, 0.6]) * half, plan.thick)
