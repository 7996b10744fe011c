"""Animations of a glTF document: clips, and the values of their channels at any time.

Source: Khronos, glTF 2.0, section 3.11 and appendix C (STEP, LINEAR, CUBICSPLINE; quaternions by slerp).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hdbench.errors import ShapeError
from hdbench_shapes.gltf.document import Document

Floats = NDArray[np.float64]

WIDTHS = {"translation": 3, "rotation": 4, "scale": 3, "weights": 0}  # weights: as many as there are morph targets
ROUNDING = 1e-5  # of the curve's length: a frame that falls on a key by right may miss it by the rounding of float32


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Keys at ``times`` [k], strictly increasing; ``values`` [k, d], and ``tangents`` [2, k, d] (in, out) of a cubic spline."""

    times: Floats
    values: Floats
    tangents: Floats | None
    kind: str
    is_rotation: bool

    def at(self, moments: Floats) -> Floats:
        """Values [t, d] at ``moments`` [t]: the first before the first key, the last after the last."""
        slack = ROUNDING * (self.times[-1] - self.times[0]) if self.kind == "STEP" else 0.0
        before = (np.searchsorted(self.times, moments + slack, side="right") - 1).clip(0, len(self.times) - 1)
        if self.kind == "STEP" or len(self.times) == 1:
            return self.values[before]
        before = before.clip(0, len(self.times) - 2)
        length = self.times[before + 1] - self.times[before]
        share = ((moments - self.times[before]) / length).clip(0, 1)[:, None]
        start, end = self.values[before], self.values[before + 1]
        if self.tangents is not None:
            tangents = self.tangents[1][before], self.tangents[0][before + 1]
            return self._unit(_hermite(start, end, *tangents, length[:, None], share))
        return _slerp(start, end, share) if self.is_rotation else start + (end - start) * share

    def _unit(self, values: Floats) -> Floats:
        return values / np.linalg.norm(values, axis=1, keepdims=True) if self.is_rotation else values


def _hermite(start: Floats, end: Floats, leaving: Floats, arriving: Floats, length: Floats, s: Floats) -> Floats:
    square, cube = s**2, s**3
    ends = (2 * cube - 3 * square + 1) * start + (3 * square - 2 * cube) * end
    return ends + length * ((cube - 2 * square + s) * leaving + (cube - square) * arriving)


def _slerp(start: Floats, end: Floats, share: Floats) -> Floats:
    """Along the shorter arc between unit quaternions [t, 4]."""
    cosine = np.einsum("td,td->t", start, end)[:, None]
    end, cosine = np.where(cosine < 0, -end, end), np.abs(cosine).clip(0, 1)
    angle = np.arccos(cosine)
    sine = np.sin(angle)
    near = sine < 1e-6
    weights = [np.where(near, s, np.sin(s * angle) / np.where(near, 1, sine)) for s in (1 - share, share)]
    mixed = weights[0] * start + weights[1] * end
    return mixed / np.linalg.norm(mixed, axis=1, keepdims=True)


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """One animation: its curves by (node, path), and when it begins and ends, in seconds."""

    curves: dict[tuple[int, str], Curve]
    start: float
    end: float

    def moments(self, count: int) -> Floats:
        """``count`` evenly spaced times from the start on; the end is left out, as in a loop it is the start again."""
        return self.start + (self.end - self.start) * np.arange(count) / count


def clip_labels(document: Document) -> tuple[str, ...]:
    """What the animations are called: their names, or their numbers where those are missing or not unique."""
    names = [clip.get("name") if isinstance(clip, dict) else None for clip in document.entries("animations")]
    return tuple(str(n) if n and names.count(n) == 1 and str(n) not in _numbers(names) else str(k) for k, n in enumerate(names))


def _numbers(names: list[Any]) -> set[str]:
    return {str(k) for k in range(len(names))}


def read_clip(document: Document, index: int) -> Clip:
    """The animation of this number. ShapeError, with the reason, if it moves nothing or is broken."""
    animation = document.item("animations", index)
    samplers, curves = animation.get("samplers", []), {}
    for channel in animation.get("channels", []):
        target = channel.get("target", {})
        node, path = target.get("node"), target.get("path")
        if node is None or path not in WIDTHS:
            continue  # as the specification asks of channels that are meant for an extension
        document.item("nodes", node)
        number = channel.get("sampler")
        if type(number) is not int or not 0 <= number < len(samplers):
            raise ShapeError(f"a channel names sampler {number} of {len(samplers)}")
        curves[node, path] = _curve(document, samplers[number], path)
    if not curves:
        raise ShapeError("its animation moves nothing")
    return Clip(curves, min(c.times[0] for c in curves.values()), max(c.times[-1] for c in curves.values()))


def _curve(document: Document, sampler: dict[str, Any], path: str) -> Curve:
    kind = sampler.get("interpolation", "LINEAR")
    if kind not in ("STEP", "LINEAR", "CUBICSPLINE"):
        raise ShapeError(f"the interpolation '{kind}' is not known")
    times = document.accessor(sampler.get("input"), ("SCALAR",)).astype(np.float64)
    values = document.accessor(sampler.get("output"), ("SCALAR", "VEC3", "VEC4")).astype(np.float64)
    if not len(times) or not np.isfinite(times).all() or (np.diff(times) <= 0).any():
        raise ShapeError("the times of a channel do not increase")
    per_key = 3 if kind == "CUBICSPLINE" else 1
    width = WIDTHS[path] or values.size // (per_key * len(times))
    if not width or values.size != per_key * len(times) * width or not np.isfinite(values).all():
        raise ShapeError(f"a channel of '{path}' has {len(times)} keys, but {values.size} numbers as its values")
    keys = values.reshape(len(times), per_key, width)
    if path == "rotation" and not (np.linalg.norm(keys[:, per_key // 2], axis=1) > 1e-6).all():
        raise ShapeError("a rotation has no direction")
    return Curve(times, keys[:, per_key // 2], keys[:, [0, 2]].swapaxes(0, 1) if per_key == 3 else None, kind, path == "rotation")
