"""Procedural airplanes: a lofted fuselage, wings and tails with airfoil sections, engines as bodies of revolution.

Units are fuselage lengths. Wings are 5 to 7.5 % of the length thick, more than real ones: a small MLP cannot hold thinner ones.
"""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import numpy as np

from hdbench.shapes import Mesh
from hdbench_shapes.category import Draw, Objects
from hdbench_shapes.parts import Part, assemble, moved, panel, revolve


class _Body(NamedTuple):
    radius: float
    height: float  # half height
    tail: float  # length of the tapering tail
    upsweep: float  # how far the tail's end is lifted, in half heights


class _Wing(NamedTuple):
    station: float
    level: float
    span: float
    chord: float
    taper: float
    sweep: float
    rise: float
    thick: float

    def at(self, share: float, side: int) -> np.ndarray:
        """The leading edge at this share of the half span."""
        return np.array([self.station + self.sweep * share, side * self.span * share, self.level + self.rise * share])

    def chord_at(self, share: float) -> float:
        return self.chord * (1 + (self.taper - 1) * share)


class Airplanes(Objects):
    """Airliners, freighters, business jets, deltas."""

    name: ClassVar[str] = "airplane"

    @staticmethod
    def build(draw: Draw) -> Mesh:
        """About 25 continuous parameters; discrete ones: wing plan, wing mount, tail, engines."""
        body, fuselage = _fuselage(draw)
        wing = _wing(draw, body)
        tail = draw.one_of(low=0.55, tee=0.2, cross=0.15, vee=0.1)
        engines = draw.one_of(none=0.15, two=0.4, four=0.2, rear=0.25)
        wings = [_lifting(wing, side) for side in (-1, 1)]
        return assemble([fuselage, *wings, *_tail(draw, body, tail), *_engines(draw, body, wing, engines)])


def _fuselage(draw: Draw) -> tuple[_Body, Part]:
    radius, flat = draw.between(0.058, 0.105), draw.between(0.9, 1.25)
    nose, tail = draw.between(0.08, 0.24), draw.between(0.25, 0.48)
    body = _Body(radius, radius * flat, tail, draw.between(0.2, 0.75))
    blunt, droop, end = draw.between(0.42, 0.75), draw.between(0.0, 0.35), draw.between(0.12, 0.28)

    front, middle, rear = np.linspace(0.015, 1, 7), np.linspace(0, 1, 4)[1:-1], np.linspace(0, 1, 7)
    stations = np.concatenate([nose * front**1.5, nose + (1 - tail - nose) * middle, 1 - tail + tail * rear])
    swell = np.concatenate([front ** (1.5 * blunt), np.ones(2), 1 - (1 - end) * rear**1.6])
    lift = np.concatenate([-droop * (1 - front) ** 1.5, np.zeros(2), body.upsweep * rear**1.6]) * body.height
    return body, revolve(stations, swell * radius, 18, flat, lift)


def _wing(draw: Draw, body: _Body) -> _Wing:
    plan = draw.one_of(swept=0.5, straight=0.3, delta=0.2)
    mount = draw.one_of(low=0.55, mid=0.15, high=0.3)
    level = {"low": -0.55, "mid": 0.0, "high": 0.75}[mount] * body.height
    rise = {"low": draw.between(0.0, 0.09), "mid": 0.0, "high": draw.between(-0.05, 0.02)}[mount]
    thick = draw.between(0.05, 0.075)
    if plan == "delta":
        chord, span = draw.between(0.38, 0.55), draw.between(0.26, 0.4)
        return _Wing(draw.between(0.3, 0.42), level, span, chord, draw.between(0.15, 0.35), 0.62 * chord, rise, thick)
    chord, span = draw.between(0.15, 0.27), draw.between(0.34, 0.56)
    sweep = draw.between(0.1, 0.32) if plan == "swept" else draw.between(0.0, 0.05)
    return _Wing(draw.between(0.27, 0.44), level, span, chord, draw.between(0.35, 0.9), sweep, rise, thick)


def _lifting(wing: _Wing, side: int) -> Part:
    chords = (wing.chord, wing.chord * wing.taper)
    return panel(wing.at(0, side), wing.at(1, side), chords, (wing.thick, 0.68 * wing.thick))


def _tail(draw: Draw, body: _Body, kind: str) -> list[Part]:
    height, chord, lean = draw.between(0.13, 0.23), draw.between(0.13, 0.22), draw.between(0.04, 0.16)
    span, tail_chord, sweep = draw.between(0.13, 0.23), draw.between(0.1, 0.16), draw.between(0.02, 0.13)
    thick, dihedral = draw.between(0.045, 0.06), draw.between(0.0, 0.04)
    station, root = 0.98 - chord, body.upsweep * body.height * 0.7
    if kind == "vee":
        return [
            panel(
                (station, 0, root),
                (station + lean, side * span * 0.85, root + height),
                (chord, 0.6 * chord),
                (thick, 0.7 * thick),
            )
            for side in (-1, 1)
        ]
    top = root + 0.5 * body.height + height
    fin = panel((station, 0, root), (station + lean, 0, top), (chord, 0.62 * chord), (thick, 0.75 * thick), 3)
    share = {"low": 0.0, "cross": 0.45, "tee": 0.96}[kind]
    x, z = station + lean * share + 0.01, root + (top - root) * share
    plane = [
        panel((x, 0, z), (x + sweep, side * span, z + dihedral), (tail_chord, 0.62 * tail_chord), (thick, 0.75 * thick), 3)
        for side in (-1, 1)
    ]
    return [fin, *plane]


def _engines(draw: Draw, body: _Body, wing: _Wing, kind: str) -> list[Part]:
    radius, length, place = draw.between(0.04, 0.06), draw.between(0.14, 0.23), draw.between(0.3, 0.45)
    nacelle = revolve(np.array([0, 0.06, 0.3, 0.6, 1]) * length, np.array([0.78, 0.95, 1, 0.92, 0.5]) * radius, 12)
    if kind == "rear":
        start = (1 - body.tail + draw.between(-0.02, 0.08), body.radius * 0.9 + radius * 0.75, 0.3 * body.height)
        return [moved(nacelle, np.array(start) * (1, side, 1)) for side in (-1, 1)]
    if kind == "none":
        return []
    shares = (place, place + 0.32) if kind == "four" else (place,)
    hung = -0.8 * radius - 0.15 * wing.thick
    return [
        moved(nacelle, wing.at(share, side) + np.array([0.3 * wing.chord_at(share) - 0.62 * length, 0, hung]))
        for share in shares
        for side in (-1, 1)
    ]
