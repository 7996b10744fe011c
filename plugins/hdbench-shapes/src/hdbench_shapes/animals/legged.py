"""Animals with legs when they move: from a plan and a motion to closed parts.

Every part begins well inside of the one that it hangs on, so the animal is one body in every pose.
"""

from __future__ import annotations

import numpy as np

from hdbench_shapes.animals.actions import Motion
from hdbench_shapes.animals.moving import Floats, Moving, bone, plate, sweep, unit
from hdbench_shapes.animals.plan import Head, Limb, Plan, Rod, Trunk, Wing
from hdbench_shapes.animals.skeleton import Axes, Chain, axes, chain, knee


def pose(plan: Plan, motion: Motion) -> list[Moving]:
    """The parts of the animal in every frame of the motion."""
    trunk = _trunk_chain(plan, motion)
    neck = _neck_chain(plan, trunk, motion)
    head = _head_chain(plan, neck, motion)
    parts = [_trunk(plan.trunk, trunk, motion), _rod(plan.neck, neck), _skull(plan.head, head), *_ears(plan.head, head)]
    parts.append(_rod(plan.tail, _tail_chain(plan, trunk, motion)))
    for k, limb in enumerate(plan.limbs):
        parts += _leg(plan, limb, trunk, motion, k)
    if plan.wing:
        parts += [_wing(plan, plan.wing, trunk, motion, side) for side in (-1, 1)]
    return parts + (_arms(plan, trunk, motion) if plan.arm else [])


# -------------------------------------------------------------------------------------------------------------- the axis


def _trunk_chain(plan: Plan, motion: Motion, bones: int = 7) -> Chain:
    share = np.linspace(-1, 1, bones)
    heading = motion.heading[:, None] + motion.bend[:, None] * share
    pitch = np.broadcast_to((plan.trunk.slope + motion.pitch)[:, None], heading.shape)
    found = chain(np.zeros((len(heading), 3)), heading, pitch, plan.trunk.length)
    root = np.zeros((len(heading), 3))
    root[:, 2] = _standing(plan) + motion.rise * plan.reach
    return Chain(found.points + (root - found.at(0.5)[0])[:, None], found.axes)


def _standing(plan: Plan) -> float:
    """The height of the middle of the back, such that the hips stand as high as the plan says."""
    heights = [
        plan.stand * (limb.upper + limb.lower) + limb.heel[1] + limb.radii[3]
        + limb.drop - (limb.at - 0.5) * plan.trunk.length * np.sin(plan.trunk.slope)
        for limb in plan.limbs
    ]  # fmt: skip
    return float(min(heights))


def _neck_chain(plan: Plan, trunk: Chain, motion: Motion, bones: int = 5) -> Chain:
    share = np.linspace(0, 1, bones)
    start, at = trunk.at(0.93)
    low, high = plan.neck.pitch
    heading = _heading(at)[:, None] + motion.neck_turn[:, None] * share
    pitch = low + (high - low) * share + (0.6 * motion.pitch[:, None] + motion.neck_pitch[:, None] * (0.4 + 0.6 * share))
    return chain(start, heading, pitch, plan.neck.length)


def _head_chain(plan: Plan, neck: Chain, motion: Motion, bones: int = 4) -> Chain:
    start, at = neck.at(0.96)
    heading = np.repeat((_heading(at) + 0.5 * motion.neck_turn)[:, None], bones, axis=1)
    pitch = np.repeat((plan.head.pitch + 0.7 * motion.neck_pitch + 0.4 * motion.pitch)[:, None], bones, axis=1)
    return chain(start, heading, pitch, plan.head.length)


def _tail_chain(plan: Plan, trunk: Chain, motion: Motion, bones: int = 7) -> Chain:
    share = np.linspace(0, 1, bones)
    start, at = trunk.at(0.06)
    low, high = plan.tail.pitch
    heading = _heading(at)[:, None] + np.pi + motion.tail_swing[:, None] * (0.25 + 1.25 * share)
    pitch = low + (high - low) * share - 0.6 * motion.pitch[:, None] + motion.tail_pitch[:, None] * share
    return chain(start, heading, pitch, plan.tail.length)


def _heading(at: Axes) -> Floats:
    return np.arctan2(-at.ahead[:, 1], -at.ahead[:, 0])


def _trunk(trunk: Trunk, along: Chain, motion: Motion, sections: int = 8) -> Moving:
    inset = 0.8 * min(trunk.width, trunk.height) / trunk.length  # its domes reach to the ends of the chain
    places = np.linspace(inset * trunk.shape[0], 1 - inset * trunk.shape[-1], sections)
    shape = np.interp(np.linspace(0, 1, sections), np.linspace(0, 1, len(trunk.shape)), trunk.shape)
    points, directions = zip(*(along.at(share) for share in places))
    left, up = (np.stack([getattr(at, name) for at in directions], axis=1) for name in ("left", "up"))
    size = motion.swell[:, None] * shape
    return sweep(np.stack(points, axis=1), left, up, trunk.width * size, trunk.height * size, 12)


def _rod(rod: Rod, along: Chain) -> Moving:
    radii = np.linspace(*rod.radii, along.points.shape[1])
    return sweep(along.points, along.axes.left, along.axes.up, radii, radii * rod.flat)


def _skull(head: Head, along: Chain) -> Moving:
    return sweep(along.points, along.axes.left, along.axes.up, head.widths, head.heights)


def _ears(head: Head, along: Chain) -> list[Moving]:
    length, radius = head.ears
    if not length:
        return []
    (start, at), parts = along.at(0.04), []
    for side in (-1, 1):
        root = start + at.left * side * head.widths[0] * 0.6 + at.up * head.heights[0] * 0.5
        way = unit(at.up - at.ahead * head.ear_lean + at.left * side * 0.45)
        parts.append(bone(root, root + way * length, (radius * 1.1, radius * 0.9)))
    return parts


# -------------------------------------------------------------------------------------------------------------- the limbs


def _leg(plan: Plan, limb: Limb, trunk: Chain, motion: Motion, index: int) -> list[Moving]:
    """Thigh, shank, foot and pad, from where the foot stands and where the hip is."""
    centre, body = trunk.at(limb.at)
    hip = centre + body.left * limb.leg.side * limb.aside - body.up * limb.drop
    ball, foot = _ball(plan, limb, motion, index)
    heel = limb.heel[1] * foot.up - limb.heel[0] * foot.ahead
    way = body.ahead * limb.knee[0] + body.left * limb.leg.side * limb.knee[1] + body.up * limb.knee[2]
    joint, ankle = knee(hip, ball + heel, limb.upper, limb.lower, way)
    ball, (thick, middle, thin, sole) = ankle - heel, limb.radii
    parts = [bone(hip, joint, (thick, middle)), bone(joint, ankle, (middle, thin)), bone(ankle, ball, (thin, sole))]
    return [*parts, bone(ball, ball + foot.ahead * limb.pad, (sole, sole))] if limb.pad else parts


def _ball(plan: Plan, limb: Limb, motion: Motion, index: int) -> tuple[Floats, Axes]:
    """Where the ball of the foot is [t, 3], and how the foot looks: toes hang when it is lifted."""
    home = _home(plan, limb)
    heading = motion.foot_heading[:, index]
    level = axes(heading)
    ahead, aside = home[0] + motion.step[:, index] * plan.reach, home[1]
    ball = level.ahead * np.expand_dims(ahead, -1) + level.left * aside
    ball[:, 2] = limb.radii[3] + motion.lift[:, index] * plan.reach
    hang = 0.9 * (motion.lift[:, index] / 0.25).clip(0, 1)
    return ball, axes(heading, -hang)


def _home(plan: Plan, limb: Limb) -> tuple[float, float]:
    """How far ahead of the middle and to the left the ball of the foot stands when the animal stands still."""
    slope, along = plan.trunk.slope, (limb.at - 0.5) * plan.trunk.length
    ahead = along * np.cos(slope) + limb.drop * np.sin(slope)
    return float(ahead + limb.stance[0]), limb.leg.side * (limb.aside + limb.stance[1])


def _wing(plan: Plan, wing: Wing, trunk: Chain, motion: Motion, side: int) -> Moving:
    """From lying along the flank to spread; a stroke moves the tip by half a right angle."""
    centre, at = trunk.at(0.82)
    root = centre + at.left * side * plan.trunk.width * 0.75 + at.up * plan.trunk.height * 0.3
    out, spread = at.left * side, np.clip(motion.flap, 0, 1)[:, None] * (np.pi / 2)
    stroke = 0.5 * np.sin(2 * np.pi * motion.flap)[:, None]
    folded = unit(-at.ahead - 0.1 * at.up + 0.2 * out)
    span = unit(np.cos(spread) * folded + np.sin(spread) * (out + stroke * at.up))
    facing = np.cos(spread) * at.up + np.sin(spread) * at.ahead
    return plate(root, span, facing, wing.span, wing.chord * np.array([0.7, 1.0, 1.0, 0.85, 0.55]), wing.thick)


def _arms(plan: Plan, trunk: Chain, motion: Motion) -> list[Moving]:
    (centre, at), parts = trunk.at(0.86), []
    for side in (-1, 1):
        swing = 0.35 * (motion.step[:, :1] * side).clip(-0.5, 0.5)
        root = centre + at.left * side * plan.trunk.width * 0.7 - at.up * plan.trunk.height * 0.3
        elbow = root + unit(-at.up + (swing - 0.1) * at.ahead + 0.25 * side * at.left) * plan.arm
        hand = elbow + unit(at.ahead + (swing - 0.35) * at.up) * plan.arm * 0.8
        parts += [bone(root, elbow, (0.045, 0.039)), bone(elbow, hand, (0.039, 0.037))]
    return parts
