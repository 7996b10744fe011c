"""Procedural chairs: a seat, and a choice of backs, legs and arms, from boxes, bars and bodies of revolution.

x = 0 is the middle of the seat, the back is at the rear (+x). Bars are at least 4 % of the height thick.
"""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import numpy as np

from hdbench.shapes import Mesh
from hdbench_shapes.category import Draw, Objects
from hdbench_shapes.parts import Part, assemble, beam, box, revolve, turned


class _Seat(NamedTuple):
    depth: float  # half
    width: float  # half
    height: float  # of the upper face
    thick: float


class Chairs(Objects):
    """Kitchen chairs, armchairs, office chairs, stools with backs, cantilever chairs."""

    name: ClassVar[str] = "chair"

    @staticmethod
    def build(draw: Draw) -> Mesh:
        """About 15 continuous parameters; discrete ones: seat, back, legs, stretchers, arms."""
        seat = _Seat(draw.between(0.19, 0.27), draw.between(0.19, 0.29), draw.between(0.36, 0.5), draw.between(0.045, 0.12))
        bar = draw.between(0.045, 0.07)
        plan = draw.one_of(square=0.6, trapezoid=0.25, round=0.15)
        top = _seat(draw, seat, plan)
        if plan == "round":  # what stands on it or below must stay within the circle
            seat = seat._replace(depth=0.75 * seat.depth, width=0.75 * seat.width)
        return assemble([top, *_back(draw, seat, bar), *_legs(draw, seat, bar), *_arms(draw, seat, bar)])


def _seat(draw: Draw, seat: _Seat, plan: str) -> Part:
    narrow = draw.between(0.7, 0.9)
    if plan == "round":
        heights = seat.height - seat.thick * np.array([1, 0.85, 0.15, 0])
        scale = max(seat.depth, seat.width) * 1.05
        return turned(revolve(heights, np.array([0.93, 1, 1, 0.93]) * scale, 20), "zxy")
    vertices, faces = box((-seat.depth, -seat.width, seat.height - seat.thick), (seat.depth, seat.width, seat.height))
    if plan == "trapezoid":
        vertices = vertices * np.where(vertices[:, :1] > 0, (1, narrow, 1), 1)
    return vertices, faces


def _back(draw: Draw, seat: _Seat, bar: float) -> list[Part]:
    kind = draw.one_of(panel=0.3, slats=0.2, ladder=0.2, frame=0.15, tee=0.15)
    tall, lean, wide = draw.between(0.34, 0.62), draw.between(0.0, 0.16), seat.width * draw.between(0.75, 1.0)
    thick, crown = draw.between(0.04, 0.08), draw.between(0.7, 1.05)
    low, high = seat.height - 0.5 * seat.thick, seat.height + tall

    def slab(y0: float, y1: float, share0: float, share1: float, taper: float = 1.0, inset: float = 0.0) -> Part:
        """A piece of the leaning back, between two widths and two shares of its height, thinner by twice ``inset``."""
        z0, z1 = low + (high - low) * share0, low + (high - low) * share1
        x = seat.depth - thick + lean * share0
        return box((x + inset, y0, z0), (x + thick - inset, y1, z1), (lean * (share1 - share0), 0.0), taper)

    if kind == "panel":
        return [slab(-wide, wide, 0.0, 1.0, crown)]
    if kind == "tee":
        post, share = draw.between(0.05, 0.09), draw.between(0.35, 0.65)
        return [slab(-post, post, 0.0, 0.9, inset=0.004), slab(-wide, wide, share, 1.0, crown)]
    posts = [slab(-wide, -wide + bar, 0.0, 1.0), slab(wide - bar, wide, 0.0, 1.0)]
    rail = draw.between(0.12, 0.22)
    inset = 0.004  # no two faces in one plane
    top = slab(-wide + inset, wide - inset, 1 - rail, 1.0 - inset, inset=inset)
    if kind == "ladder":
        count = 2 + draw.chance(0.5)
        shares = np.linspace(0.3, 1 - rail, count) - 0.05
        return [*posts, top, *(slab(-wide + inset, wide - inset, s, s + 0.5 * rail + 0.04, inset=inset) for s in shares[:-1])]
    if kind == "slats":
        count = 1 + draw.chance(0.5) + draw.chance(0.5)
        places = np.linspace(-wide, wide, count + 2)[1:-1]
        return [*posts, top, *(slab(y - 0.4 * bar, y + 0.4 * bar, 0.0, 1 - rail / 2, inset=2 * inset) for y in places)]
    return [*posts, top, slab(-wide + inset, wide - inset, 0.12, 0.12 + rail, inset=inset)]


def _legs(draw: Draw, seat: _Seat, bar: float) -> list[Part]:
    kind = draw.one_of(four=0.45, pedestal=0.12, star=0.13, sled=0.1, sides=0.1, cantilever=0.1)
    top, splay = seat.height - 0.5 * seat.thick, draw.between(0.0, 0.07)
    x, y = seat.depth - bar / 2, seat.width - bar / 2
    if kind == "four":
        return _four_legs(draw, seat, bar, splay)
    if kind == "pedestal":
        base, post = draw.between(0.16, 0.24), draw.between(0.035, 0.06)
        return [turned(revolve([0, 0.035, 0.06, top], [base, 0.9 * base, post, post], 16), "zxy")]
    if kind == "star":
        reach, post, turn = draw.between(0.2, 0.29), draw.between(0.03, 0.045), draw.between(0.0, 1.2)
        angles = turn + np.arange(5) * 2 * np.pi / 5
        feet = [beam((0, 0, 0.075), (reach * np.cos(a), reach * np.sin(a), 0.03), 0.06) for a in angles]
        return [turned(revolve([0.03, top], [post, post], 12), "zxy"), *feet]
    if kind == "sides":
        return [box((-x, s * y - bar / 2, 0), (x, s * y + bar / 2, top), (0.0, 0.0), 1.0) for s in (-1, 1)]
    runners = [box((-x - bar / 2, s * y - bar / 2, 0), (x + bar / 2, s * y + bar / 2, bar)) for s in (-1, 1)]
    ends = (-x,) if kind == "cantilever" else (-x, x)
    posts = [box((e - bar / 2, s * y - bar / 2, 0), (e + bar / 2, s * y + bar / 2, top)) for s in (-1, 1) for e in ends]
    return [*runners, *posts]


def _four_legs(draw: Draw, seat: _Seat, bar: float, splay: float) -> list[Part]:
    top, slim = seat.height - 0.5 * seat.thick, draw.between(0.7, 1.0)
    x, y = seat.depth - bar * 0.6, seat.width - bar * 0.8
    corners = [(a, b) for a in (-1, 1) for b in (-1, 1)]
    legs = []
    for a, b in corners:
        foot = np.array([a * (x + splay), b * (y + splay)])
        low, high = (*(foot - bar * slim / 2), 0.0), (*(foot + bar * slim / 2), top)
        legs.append(box(low, high, (-a * splay, -b * splay), 1 / slim))
    if draw.chance(0.35):
        share = draw.between(0.3, 0.6)
        out, side, height = x + splay * (1 - share), y + splay * (1 - share), share * top
        legs += [beam((-out, b * side, height), (out, b * side, height), bar * 0.9) for b in (-1, 1)]
    return legs


def _arms(draw: Draw, seat: _Seat, bar: float) -> list[Part]:
    kind = draw.one_of(none=0.55, open=0.25, closed=0.2)
    if kind == "none":
        return []
    rise, wide, reach = draw.between(0.14, 0.25), draw.between(0.05, 0.08), draw.between(0.65, 1.0)
    front, rear, top = seat.depth - 2 * seat.depth * reach, seat.depth, seat.height + rise
    parts = []
    for side in (-1, 1):
        inner, outer = sorted((side * (seat.width - wide / 2), side * (seat.width + wide / 2)))
        if kind == "closed":
            parts.append(box((front, inner, seat.height - seat.thick), (rear, outer, top)))
        else:
            parts.append(box((front, inner, top - bar), (rear, outer, top)))
            parts.append(box((front + 0.03, inner, seat.height - 0.5 * seat.thick), (front + 0.03 + bar, outer, top - 0.5 * bar)))
    return parts
