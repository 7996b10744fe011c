"""What legged animals do over 16 frames or any other number: walk, jump, turn, rest.

An action says where the trunk and the feet are and how back, neck, tail and wings bend; the skeleton follows. Lengths are in
units of the leg's reach, angles in radians. Walking and resting end where they begin.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hdbench_shapes.category import Draw

Floats = NDArray[np.float64]
TAU = 2 * np.pi


@dataclass(frozen=True, slots=True)
class Leg:
    """Which leg: ``side`` is 1 on the left and -1 on the right; ``fore`` tells front legs."""

    side: int
    fore: bool


@dataclass(slots=True)
class Motion:
    """How an animal moves in t frames; each [t], and per leg [t, n]."""

    rise: Floats  # of the trunk over where it stands
    heading: Floats
    pitch: Floats
    bend: Floats  # of the back, to the left
    neck_pitch: Floats
    neck_turn: Floats
    tail_pitch: Floats
    tail_swing: Floats
    flap: Floats  # of wings, 0 folded
    swell: Floats  # of the trunk, 1 is usual
    step: Floats  # of every foot, ahead
    lift: Floats
    foot_heading: Floats

    @classmethod
    def still(cls, frames: int, legs: int) -> Motion:
        """No motion at all."""
        per_frame = [np.zeros(frames) for _ in range(10)]
        per_frame[9] += 1
        return cls(*per_frame, *(np.zeros((frames, legs)) for _ in range(3)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Temper:
    """How a species moves: sizes of its motions; ``sway`` of the back as it walks, ``hop`` of its jumps, ``duty`` the share of
    a stride that a foot is on the ground."""

    stride: float = 0.7
    lift: float = 0.2
    sway: float = 0.08
    nod: float = 0.1
    tail: float = 0.35
    hop: float = 0.5
    duty: float = 0.6
    crouch: float = 0.35


Action = Callable[[Draw, Temper, tuple[Leg, ...], int], Motion]


def walk(draw: Draw, temper: Temper, legs: tuple[Leg, ...], frames: int) -> Motion:
    """One stride on the spot: feet push back along the ground in turn and swing forth through the air."""
    time, motion = clock(draw, frames), Motion.still(frames, len(legs))
    gait, size = draw.between(0.2, 0.5), draw.between(0.8, 1.1)  # from the order of a walk to that of a trot
    swing, nod = temper.tail * draw.between(0.7, 1.2), temper.nod * draw.between(0.6, 1.2)
    for k, leg in enumerate(legs):
        phase = (time + 0.5 * (leg.side < 0) + gait * leg.fore) % 1
        motion.step[:, k], motion.lift[:, k] = _stride(phase, temper.duty, size * temper.stride, size * temper.lift)
    motion.rise = 0.02 * np.cos(2 * TAU * time) - 0.03
    motion.bend = temper.sway * np.sin(TAU * time)
    motion.heading = -0.25 * motion.bend
    motion.neck_pitch, motion.neck_turn = nod * np.cos(2 * TAU * time), -0.4 * motion.bend
    motion.tail_swing, motion.tail_pitch = swing * np.sin(TAU * time - 0.8), 0.06 * np.cos(2 * TAU * time)
    return motion


def _stride(phase: Floats, duty: float, length: float, height: float) -> tuple[Floats, Floats]:
    """How far ahead a foot is, and how high: on the ground until ``duty``, then swung forth."""
    swing = ((phase - duty) / (1 - duty)).clip(0, 1)
    ahead = np.where(phase < duty, 0.5 - phase / duty, -0.5 * np.cos(np.pi * swing))
    return length * ahead, height * np.sin(np.pi * swing) ** 2


def jump(draw: Draw, temper: Temper, legs: tuple[Leg, ...], frames: int) -> Motion:
    """Crouch, leap, land, stand up again."""
    time, motion = clock(draw, frames, 0.04), Motion.still(frames, len(legs))
    high, low = temper.hop * draw.between(0.75, 1.15), temper.crouch * draw.between(0.7, 1.0)
    tilt, tuck = draw.between(0.15, 0.4), draw.between(0.1, 0.25)
    leave, land = 0.34, 0.76
    flight = ((time - leave) / (land - leave)).clip(0, 1)
    air = 4 * flight * (1 - flight)
    crouched = -low * (bump(time, 0.0, 0.17, leave) + 0.8 * bump(time, land - 0.02, 0.85, 1.0))
    motion.rise = high * air + crouched
    motion.pitch = tilt * (bump(time, 0.2, 0.42, 0.58) - 0.8 * bump(time, 0.52, 0.7, 0.88))
    for k, leg in enumerate(legs):
        early = -0.04 if leg.fore else 0.02
        mine = ((time - leave - early) / (land - leave)).clip(0, 1)
        motion.lift[:, k] = high * air + tuck * 4 * mine * (1 - mine)
        motion.step[:, k] = (0.3 if leg.fore else -0.35) * np.sin(np.pi * mine) ** 2
    motion.neck_pitch = -0.5 * motion.pitch + 0.15 * crouched
    motion.tail_pitch = 0.9 * air * temper.tail - 0.3 * motion.pitch
    motion.flap = np.sin(np.pi * flight) * (0.75 + 0.25 * np.cos(2 * TAU * flight))
    return motion


def turn(draw: Draw, temper: Temper, legs: tuple[Leg, ...], frames: int) -> Motion:
    """About face on the spot, to the left or to the right: the head leads, the tail lags, the feet follow in small steps."""
    motion, time = Motion.still(frames, len(legs)), np.arange(frames) / max(1, frames - 1)
    angle = draw.between(0.9, 1.5) * (1 if draw.chance(0.5) else -1)
    lead, size = draw.between(0.3, 0.6), draw.between(0.8, 1.2)
    going = bump(time, 0.0, 0.45, 1.0)
    motion.heading = angle * ease((time - 0.08) / 0.84)
    motion.bend = 0.3 * np.sign(angle) * going * size
    motion.neck_turn = lead * np.sign(angle) * bump(time, 0.0, 0.35, 1.0)
    motion.neck_pitch = -0.08 * going
    motion.tail_swing = -temper.tail * size * np.sign(angle) * going
    motion.rise = -0.06 * going
    steps = 3
    for k, leg in enumerate(legs):
        late = 0.45 * ((leg.side < 0) != leg.fore)
        shares = [((time * steps - step - late) / 0.55).clip(0, 1) for step in range(steps)]
        motion.foot_heading[:, k] = angle * sum(ease(share) for share in shares) / steps
        motion.lift[:, k] = 0.75 * temper.lift * sum(np.sin(np.pi * share) ** 2 for share in shares)
    return motion


def rest(draw: Draw, temper: Temper, legs: tuple[Leg, ...], frames: int) -> Motion:
    """Standing or lying down: breath, a slow look around or down, a wag of the tail."""
    time, motion = clock(draw, frames), Motion.still(frames, len(legs))
    down, breath = temper.crouch * draw.between(0.0, 1.6), draw.between(0.04, 0.09)
    look, graze, wag = draw.between(-0.6, 0.6), draw.between(0.25, 0.8), temper.tail * draw.between(0.5, 1.1)
    slow, beat = (1 - np.cos(TAU * time)) / 2, np.sin(TAU * time)
    motion.rise = 0.03 * beat - down
    motion.swell = 1 + breath * beat
    motion.neck_pitch, motion.neck_turn = -graze * slow, look * slow
    motion.tail_swing, motion.bend = wag * beat, 0.25 * temper.sway * beat
    return motion


ACTIONS: dict[str, Action] = {"walk": walk, "jump": jump, "turn": turn, "rest": rest}


def clock(draw: Draw, frames: int, most: float = 0.12) -> Floats:
    """Times 0..1 of the frames; sequences do not all begin at the same moment."""
    return np.asarray((np.arange(frames) / frames + draw.between(0.0, most)) % 1.0)


def ease(share: Floats) -> Floats:
    """From 0 to 1 without a jerk."""
    inside = np.clip(share, 0, 1)
    return inside * inside * (3 - 2 * inside)


def bump(time: Floats, start: float, top: float, end: float) -> Floats:
    """0 until ``start``, 1 at ``top``, 0 from ``end`` on, smoothly."""
    return ease((time - start) / (top - start)) * ease((end - time) / (end - top))
