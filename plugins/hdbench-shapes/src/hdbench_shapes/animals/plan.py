"""The plan of an animal with legs: what it is made of, in units of about one body. Ranges of these numbers make a species."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hdbench_shapes.animals.actions import Leg


@dataclass(frozen=True, slots=True, kw_only=True)
class Trunk:
    """From the rump to the chest: half width and half height where it is thickest, ``shape`` along it, ``slope`` upwards."""

    length: float
    width: float
    height: float
    slope: float = 0.0
    shape: tuple[float, ...] = (0.78, 0.95, 0.92, 0.97, 1.0, 0.8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limb:
    """A leg: ``at`` which share of the trunk, how far down and aside its hip is, its bones from hip to knee to ankle, the heel
    (back, up) of the ball of the foot, the pad ahead of it, and radii at hip, knee, ankle and pad. The knee points ``knee``
    (ahead, aside, up); the foot stands ``stance`` (ahead, aside) of the hip."""

    leg: Leg
    at: float
    drop: float
    aside: float
    upper: float
    lower: float
    heel: tuple[float, float]
    pad: float
    radii: tuple[float, float, float, float]
    knee: tuple[float, float, float]
    stance: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rod:
    """A neck or a tail: its length, pitches and radii at the root and at the tip."""

    length: float
    pitch: tuple[float, float]
    radii: tuple[float, float]
    flat: float = 1.0  # height over width


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """``pitch`` is that of the muzzle; ``shape``: half widths and heights of five sections from the skull to the nose."""

    length: float
    pitch: float
    widths: tuple[float, ...]
    heights: tuple[float, ...]
    ears: tuple[float, float] = (0.0, 0.0)  # length and radius; none if 0
    ear_lean: float = 0.3  # backwards


@dataclass(frozen=True, slots=True, kw_only=True)
class Wing:
    """A plate from the shoulder along the side of the trunk, or out when it flaps; half ``chord``, half ``thick``."""

    span: float
    chord: float
    thick: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All parts of an animal; ``stand`` is how much of the legs' reach it stands on."""

    trunk: Trunk
    limbs: tuple[Limb, ...]
    neck: Rod
    head: Head
    tail: Rod
    wing: Wing | None = None
    arm: float = 0.0  # length of small arms, none if 0
    stand: float = 0.92

    @property
    def legs(self) -> tuple[Leg, ...]:
        return tuple(limb.leg for limb in self.limbs)

    @property
    def reach(self) -> float:
        """From hip to ground with straight legs."""
        return max(limb.upper + limb.lower + limb.heel[1] + limb.radii[3] for limb in self.limbs)


def both(left: Limb) -> tuple[Limb, Limb]:
    """A left leg and its mirror image."""
    return left, replace(left, leg=Leg(-1, left.leg.fore))
