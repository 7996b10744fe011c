"""Procedural cars: a body and a cabin as rounded tubes along the road, four wheels, and what the kind of car adds to them.

Units are car lengths; x = 0 is the front bumper.
"""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import numpy as np

from hdbench.shapes import Mesh
from hdbench_shapes.category import Draw, Objects
from hdbench_shapes.parts import Part, assemble, box, loft, moved, revolve, tube, turned


class _Kind(NamedTuple):
    """Ranges of what tells the kinds apart: heights of belt and roof over the floor, and where the cabin stands."""

    belt: tuple[float, float]
    roof: tuple[float, float]
    windscreen: tuple[float, float]  # where its foot is
    rear: tuple[float, float]  # where the cabin ends
    rake: tuple[float, float]  # lengths of the inclined windscreen
    slope: tuple[float, float]  # of the inclined rear window


_KINDS = {
    "sedan": _Kind((0.13, 0.17), (0.1, 0.13), (0.24, 0.3), (0.78, 0.86), (0.1, 0.16), (0.1, 0.16)),
    "hatchback": _Kind((0.15, 0.2), (0.12, 0.16), (0.22, 0.28), (0.96, 0.985), (0.1, 0.16), (0.04, 0.12)),
    "coupe": _Kind((0.11, 0.15), (0.08, 0.11), (0.3, 0.4), (0.86, 0.97), (0.13, 0.19), (0.2, 0.3)),
    "suv": _Kind((0.19, 0.25), (0.13, 0.17), (0.2, 0.27), (0.96, 0.985), (0.06, 0.11), (0.01, 0.05)),
    "van": _Kind((0.18, 0.24), (0.18, 0.26), (0.04, 0.12), (0.97, 0.985), (0.08, 0.16), (0.0, 0.03)),
    "pickup": _Kind((0.17, 0.21), (0.13, 0.16), (0.24, 0.3), (0.52, 0.62), (0.07, 0.11), (0.01, 0.04)),
    "truck": _Kind((0.14, 0.18), (0.2, 0.26), (0.01, 0.06), (0.26, 0.34), (0.03, 0.07), (0.0, 0.01)),
}


class Cars(Objects):
    """Sedans, hatchbacks, coupes, sport utility vehicles, vans, pickups and trucks."""

    name: ClassVar[str] = "car"

    @staticmethod
    def build(draw: Draw) -> Mesh:
        """About 20 continuous parameters; discrete ones: the kind, bumpers, spoiler, rack, kind of cargo."""
        kind = draw.one_of(sedan=0.25, hatchback=0.15, coupe=0.15, suv=0.15, van=0.1, pickup=0.1, truck=0.1)
        ranges = _KINDS[kind]
        width, floor = draw.between(0.15, 0.26), draw.between(0.04, 0.095)
        stretch = draw.between(0.8, 1.3)  # short cars are tall, long ones low
        belt = floor + stretch * draw.between(*ranges.belt)
        roof = belt + stretch * draw.between(*ranges.roof)
        parts = [_body(draw, kind, width, floor, belt), _cabin(draw, ranges, width, belt, roof)]
        parts += _wheels(draw, kind, width) + _extras(draw, kind, width, floor, belt, roof)
        if kind in ("pickup", "truck"):
            parts += _cargo(draw, kind, width, belt, roof)
        return assemble(parts)


def _body(draw: Draw, kind: str, width: float, floor: float, belt: float) -> Part:
    hood = belt - draw.between(0.0, 0.3) * (belt - floor) * (kind not in ("van", "truck"))
    trunk = belt - draw.between(0.0, 0.15) * (belt - floor) * (kind in ("sedan", "coupe"))
    nose, round_nose = draw.between(0.72, 0.95), draw.between(0.55, 0.85)
    if kind in ("van", "truck"):  # their cabin stands right above the nose
        nose, round_nose = 0.9 + 0.1 * nose, 0.92
    end, round_ = draw.between(0.8, 0.98), draw.between(0.15, 0.45)
    chin = floor + draw.between(0.0, 0.25) * (belt - floor)
    return tube(
        [0, 0.04, 0.24, 0.5, 0.8, 0.97, 1],
        np.array([nose * 0.93, nose, 1, 1, 1, end, end * 0.95]) * width,
        [chin, floor, floor, floor, floor, floor, floor + 0.02],
        [floor + (hood - floor) * round_nose, hood - 0.01, hood + 0.3 * (belt - hood), belt, belt, trunk, trunk - 0.02],
        round_,
    )


def _cabin(draw: Draw, ranges: _Kind, width: float, belt: float, roof: float) -> Part:
    front, rear = draw.between(*ranges.windscreen), draw.between(*ranges.rear)
    rake, slope = draw.between(*ranges.rake), draw.between(*ranges.slope)
    foot, waist, tumble = belt - 0.03, width * draw.between(0.9, 0.97), draw.between(0.72, 0.92)
    low = np.array([[front, -waist], [rear, -waist], [rear, waist], [front, waist]])
    top = waist * tumble
    crown = draw.between(0.0, 0.015)
    high = np.array([[front + rake, -top], [rear - slope, -top], [rear - slope, top], [front + rake, top]])
    middle = low * 0.12 + high * 0.88
    heights = (foot, roof - 0.02, roof + crown)
    shrunk = high + (high.mean(0) - high) * 0.08
    return _stack([(low, heights[0]), (middle, heights[1]), (shrunk, heights[2])])


def _stack(levels: list[tuple[np.ndarray, float]]) -> Part:
    return loft([np.column_stack([ring, np.full(len(ring), height)]) for ring, height in levels])


def _wheels(draw: Draw, kind: str, width: float) -> list[Part]:
    radius = draw.between(0.065, 0.1) * (1.15 if kind in ("suv", "pickup") else 1)
    thick, out = draw.between(0.06, 0.09), draw.between(0.0, 0.04)
    axles = draw.between(0.15, 0.22), 1 - draw.between(0.15, 0.24)
    wheel = turned(revolve(np.array([0, 0.15, 0.85, 1]) * thick, np.array([0.86, 1, 1, 0.86]) * radius, 16), "yzx")
    inner = width + out - thick
    return [moved(wheel, (x, inner if side > 0 else -inner - thick, radius)) for x in axles for side in (-1, 1)]


def _extras(draw: Draw, kind: str, width: float, floor: float, belt: float, roof: float) -> list[Part]:
    parts = []
    depth, low = draw.between(0.015, 0.035), floor + draw.between(0.01, 0.03)
    if draw.chance(0.5):
        parts += [box((x, -width, low), (x + 0.06, width, low + 0.05)) for x in (-depth, 1 - 0.06 + depth)]
    if kind in ("sedan", "coupe", "hatchback") and draw.chance(0.35):
        chord, height = draw.between(0.07, 0.11), draw.between(0.04, 0.08)
        top = (roof if kind == "hatchback" else belt) + height * (kind != "hatchback")
        parts.append(box((1.0 - chord, -width * 0.9, top - 0.015), (1.01, width * 0.9, top + 0.02)))
        parts += [box((0.94, y - 0.015, belt - 0.04), (0.98, y + 0.015, top)) for y in (-width * 0.6, width * 0.6)]
    if kind in ("suv", "van", "hatchback") and draw.chance(0.35):
        parts.append(
            box((0.45, -width * 0.6, roof - 0.02), (draw.between(0.7, 0.85), width * 0.6, roof + draw.between(0.03, 0.08)))
        )
    return parts


def _cargo(draw: Draw, kind: str, width: float, belt: float, roof: float) -> list[Part]:
    wall = 0.035
    if kind == "pickup":
        top, start = belt + draw.between(0.05, 0.08), 0.5
        sides = [
            box((start, min(y, y + w), belt - 0.03), (0.99, max(y, y + w), top)) for y, w in ((-width, wall), (width, -wall))
        ]
        return [*sides, box((0.99 - wall, -width, belt - 0.03), (0.99, width, top))]
    start, end, side = draw.between(0.34, 0.42), draw.between(0.99, 1.06), width * draw.between(0.98, 1.15)
    load = draw.one_of(case=0.6, flat=0.2, tank=0.2)
    if load == "case":
        return [box((start, -side, belt - 0.02), (end, side, roof + draw.between(-0.02, 0.12)))]
    if load == "flat":
        return [
            box((start, -side, belt - 0.02), (end, side, belt + 0.03)),
            box((start, -side, belt), (start + 0.04, side, belt + draw.between(0.08, 0.16))),
        ]
    radius = draw.between(0.11, 0.14)
    length = np.array([0, 0.05, 0.95, 1]) * (end - start) + start
    return [revolve(length, np.array([0.8, 1, 1, 0.8]) * radius, 16, 1.0, belt + 0.8 * radius)]
