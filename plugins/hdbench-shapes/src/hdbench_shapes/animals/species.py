"""Species with legs: ranges of the numbers of their plans, and how they move."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hdbench_shapes.animals.actions import Leg, Temper
from hdbench_shapes.animals.plan import Head, Limb, Plan, Rod, Trunk, Wing, both
from hdbench_shapes.category import Draw

FORE, HIND = Leg(1, True), Leg(1, False)  # on the left; the right ones mirror them
AHEAD, BACK = (1.0, 0.12, 0.0), (-1.0, 0.12, 0.0)


def _hooved(draw: Draw, length: float, thick: float, trunk: Trunk) -> tuple[Limb, Limb]:
    """Long left legs, fore and hind, for a trunk; ``length`` from hip to ground. Both knees bend ahead, hind heels are high."""
    muscle, share = draw.between(1.25, 1.6), draw.between(0.46, 0.54)
    radii, bones = (thick * muscle * 1.25, thick * 1.1, thick, thick * 1.08), length - 0.07
    fore = Limb(
        leg=FORE, at=0.86, drop=trunk.height * 0.35, aside=trunk.width - 0.9 * thick, upper=bones * share,
        lower=bones * (1 - share), heel=(0.0, 0.07), pad=0.022, radii=radii, knee=AHEAD,
    )  # fmt: skip
    heel = (0.05, 0.07 + bones * 0.1)
    return fore, replace(fore, leg=HIND, at=0.12, upper=bones * 0.5, lower=bones * 0.42, heel=heel, stance=(-0.02, 0.0))


def horse(draw: Draw) -> tuple[Plan, Temper]:
    """Hooves, a raised neck, a long face, a hanging tail."""
    trunk = Trunk(length=draw.between(0.5, 0.62), width=draw.between(0.1, 0.13), height=draw.between(0.125, 0.16))
    thick, face = draw.between(0.037, 0.044), draw.between(0.2, 0.26)
    fore, hind = _hooved(draw, draw.between(0.4, 0.5), thick, trunk)
    lift = np.radians(draw.between(38, 58))
    neck = Rod(length=draw.between(0.27, 0.36), pitch=(lift - 0.15, lift + 0.1), radii=(trunk.height * 0.68, 0.062), flat=1.15)
    head = Head(
        length=face, pitch=np.radians(draw.between(-52, -30)), widths=(0.056, 0.056, 0.046, 0.04, 0.04),
        heights=(0.066, 0.07, 0.056, 0.046, 0.044), ears=(0.075, 0.033),
    )  # fmt: skip
    tail = Rod(length=draw.between(0.28, 0.4), pitch=(-0.55, -1.3), radii=(0.042, 0.036))
    plan = Plan(trunk=trunk, limbs=(*both(fore), *both(hind)), neck=neck, head=head, tail=tail, stand=0.96)
    return plan, Temper(stride=0.58, hop=0.5)


def dog(draw: Draw) -> tuple[Plan, Temper]:
    """Paws, short legs, a muzzle, ears, a raised tail."""
    trunk = Trunk(
        length=draw.between(0.46, 0.58), width=draw.between(0.085, 0.115), height=draw.between(0.095, 0.125),
        shape=(0.8, 0.85, 0.82, 0.95, 1.0, 0.85),
    )  # fmt: skip
    thick, length, muscle = draw.between(0.031, 0.037), draw.between(0.25, 0.34), draw.between(1.2, 1.7)
    radii, bones = (thick * muscle * 1.2, thick * 1.15, thick, thick * 1.1), length - 0.06
    fore = Limb(
        leg=FORE, at=0.85, drop=trunk.height * 0.3, aside=trunk.width - 0.8 * thick, upper=bones * 0.5, lower=bones * 0.5,
        heel=(0.01, 0.06), pad=0.055, radii=radii, knee=BACK,
    )  # fmt: skip
    hind = replace(fore, leg=HIND, at=0.12, upper=bones * 0.52, lower=bones * 0.46, heel=(0.055, 0.09), knee=AHEAD)
    lift, muzzle = np.radians(draw.between(30, 55)), draw.between(0.17, 0.23)
    neck = Rod(length=draw.between(0.13, 0.19), pitch=(lift - 0.1, lift + 0.1), radii=(trunk.height * 0.75, 0.066))
    snout = draw.between(0.034, 0.044)
    head = Head(
        length=muzzle, pitch=np.radians(draw.between(-22, 0)), widths=(0.068, 0.07, 0.05, snout, snout),
        heights=(0.068, 0.072, 0.05, snout, snout * 0.95), ears=(draw.between(0.05, 0.09), 0.031),
        ear_lean=draw.between(-0.1, 0.7),
    )  # fmt: skip
    up = np.radians(draw.between(10, 60))
    tail = Rod(length=draw.between(0.22, 0.34), pitch=(up - 0.35, up + 0.5), radii=(0.037, 0.033))
    plan = Plan(trunk=trunk, limbs=(*both(fore), *both(hind)), neck=neck, head=head, tail=tail, stand=0.9)
    return plan, Temper(stride=0.85, lift=0.22, hop=0.8, tail=0.7, sway=0.1)


def giraffe(draw: Draw) -> tuple[Plan, Temper]:
    """Long legs, a long neck, a back that slopes."""
    trunk = Trunk(
        length=draw.between(0.4, 0.5), width=draw.between(0.1, 0.125), height=draw.between(0.125, 0.155),
        slope=np.radians(draw.between(8, 16)), shape=(0.75, 0.85, 0.92, 1.0, 1.05, 0.85),
    )  # fmt: skip
    fore, hind = _hooved(draw, draw.between(0.44, 0.56), draw.between(0.041, 0.048), trunk)
    more = 0.74 * trunk.length * np.sin(trunk.slope) / 2  # the slope lifts the shoulders
    fore = replace(fore, upper=fore.upper + more, lower=fore.lower + more)
    lift = np.radians(draw.between(56, 72))
    neck = Rod(length=draw.between(0.48, 0.62), pitch=(lift - 0.12, lift + 0.08), radii=(trunk.height * 0.62, 0.055), flat=1.1)
    head = Head(
        length=draw.between(0.16, 0.21), pitch=np.radians(draw.between(-45, -25)), widths=(0.06, 0.062, 0.054, 0.05, 0.046),
        heights=(0.064, 0.066, 0.056, 0.05, 0.046), ears=(0.07, 0.039), ear_lean=0.25,
    )  # fmt: skip
    tail = Rod(length=draw.between(0.24, 0.34), pitch=(-0.8, -1.4), radii=(0.042, 0.04))
    plan = Plan(trunk=trunk, limbs=(*both(fore), *both(hind)), neck=neck, head=head, tail=tail, stand=0.965)
    return plan, Temper(stride=0.5, hop=0.28, nod=0.12)


def lizard(draw: Draw) -> tuple[Plan, Temper]:
    """Legs to the side, a flat body and head, a long tail; the back winds as it walks."""
    trunk = Trunk(
        length=draw.between(0.42, 0.54), width=draw.between(0.1, 0.13), height=draw.between(0.078, 0.098),
        shape=(0.65, 0.87, 1.0, 1.0, 0.92, 0.7),
    )  # fmt: skip
    thick, bone = draw.between(0.04, 0.047), draw.between(0.13, 0.17)
    out = bone * draw.between(1.05, 1.3)
    fore = Limb(
        leg=FORE, at=0.84, drop=0.01, aside=trunk.width * 0.5, upper=bone, lower=bone * 0.95, heel=(0.015, 0.05), pad=0.06,
        radii=(thick * 1.2, thick, thick * 0.97, thick * 0.94), knee=(0.0, 0.5, 1.0), stance=(0.03, out),
    )  # fmt: skip
    hind = replace(fore, leg=HIND, at=0.14, stance=(-0.01, out))
    neck = Rod(length=draw.between(0.1, 0.14), pitch=(0.2, 0.25), radii=(trunk.height * 0.85, 0.066), flat=0.85)
    broad = draw.between(0.07, 0.088)
    head = Head(
        length=draw.between(0.17, 0.22), pitch=np.radians(draw.between(-12, 4)),
        widths=(broad * 0.9, broad, broad * 0.85, 0.055, 0.043), heights=(0.056, 0.062, 0.052, 0.043, 0.04),
    )  # fmt: skip
    tail = Rod(length=draw.between(0.42, 0.6), pitch=(-0.12, 0.05), radii=(trunk.height * 0.75, 0.04))
    plan = Plan(trunk=trunk, limbs=(*both(fore), *both(hind)), neck=neck, head=head, tail=tail, stand=0.52)
    return plan, Temper(stride=0.55, lift=0.2, sway=0.36, nod=0.05, tail=0.6, hop=0.55, crouch=0.12)


def _hind_leg(draw: Draw, trunk: Trunk, at: float, thick: float, length: float, pad: float) -> Limb:
    """A left leg as birds and theropods have them: the knee ahead, a long foot with its heel up and back."""
    muscle = draw.between(1.5, 1.9)
    return Limb(
        leg=HIND, at=at, drop=trunk.height * 0.2, aside=trunk.width * 0.62, upper=length * 0.36, lower=length * 0.42,
        heel=(length * 0.16, length * 0.32), pad=pad, radii=(thick * muscle * 1.2, thick * 1.2, thick, thick), knee=AHEAD,
    )  # fmt: skip


def bird(draw: Draw) -> tuple[Plan, Temper]:
    """Two thin legs, a round body, a neck, a beak, wings that open in a jump."""
    trunk = Trunk(
        length=draw.between(0.36, 0.46), width=draw.between(0.125, 0.155), height=draw.between(0.13, 0.17),
        slope=np.radians(draw.between(5, 22)), shape=(0.4, 0.72, 0.93, 1.0, 0.98, 0.8),
    )  # fmt: skip
    thick = draw.between(0.032, 0.037)
    hind = _hind_leg(draw, trunk, 0.5, thick, draw.between(0.34, 0.46), draw.between(0.08, 0.12))
    lift, beak = np.radians(draw.between(62, 86)), draw.between(0.15, 0.2)
    neck = Rod(length=draw.between(0.22, 0.4), pitch=(lift - 0.1, lift + 0.1), radii=(0.06, 0.042))
    skull = draw.between(0.058, 0.07)
    head = Head(
        length=beak, pitch=np.radians(draw.between(-18, 0)), widths=(skull * 0.9, skull, 0.036, 0.032, 0.031),
        heights=(skull * 0.9, skull, 0.038, 0.032, 0.031),
    )  # fmt: skip
    fan = draw.between(-0.1, 0.5)
    tail = Rod(length=draw.between(0.18, 0.28), pitch=(fan, fan), radii=(0.06, 0.085), flat=0.42)
    wing = Wing(span=draw.between(0.3, 0.42), chord=draw.between(0.085, 0.115), thick=0.034)
    plan = Plan(trunk=trunk, limbs=both(hind), neck=neck, head=head, tail=tail, wing=wing, stand=0.97)
    return plan, Temper(stride=0.55, lift=0.22, sway=0.08, nod=0.2, tail=0.2, hop=0.55, crouch=0.3)


def dinosaur(draw: Draw) -> tuple[Plan, Temper]:
    """Two strong legs, small arms, a big head, a long tail held out."""
    trunk = Trunk(
        length=draw.between(0.38, 0.48), width=draw.between(0.09, 0.12), height=draw.between(0.115, 0.15),
        slope=np.radians(draw.between(0, 22)), shape=(0.7, 0.95, 1.0, 1.0, 0.92, 0.75),
    )  # fmt: skip
    thick = draw.between(0.041, 0.048)
    hind = _hind_leg(draw, trunk, 0.3, thick, draw.between(0.38, 0.48), 0.09)
    lift, jaw = np.radians(draw.between(30, 55)), draw.between(0.055, 0.072)
    neck = Rod(length=draw.between(0.16, 0.25), pitch=(lift - 0.2, lift + 0.1), radii=(trunk.height * 0.7, 0.065))
    head = Head(
        length=draw.between(0.2, 0.28), pitch=np.radians(draw.between(-16, 2)),
        widths=(0.062, jaw, 0.055, 0.046, 0.042), heights=(0.066, jaw * 1.1, 0.06, 0.052, 0.046),
    )  # fmt: skip
    low = np.radians(draw.between(-14, 4))
    tail = Rod(length=draw.between(0.44, 0.6), pitch=(low, low + 0.2), radii=(trunk.height * 0.68, 0.04))
    plan = Plan(trunk=trunk, limbs=both(hind), neck=neck, head=head, tail=tail, arm=draw.between(0.08, 0.12), stand=0.93)
    return plan, Temper(stride=0.8, lift=0.22, sway=0.1, nod=0.12, tail=0.4, hop=0.5, crouch=0.3)


SPECIES = {"horse": horse, "dog": dog, "giraffe": giraffe, "bird": bird, "dinosaur": dinosaur, "lizard": lizard}
