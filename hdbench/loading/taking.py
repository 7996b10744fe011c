"""Clouds as they lie on disk -> the protocol's number of points of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hdbench.errors import HdbenchError
from hdbench.loading.oddities import Frames, Oddities, is_whole
from hdbench.loading.wording import some
from hdbench.seeds import numpy_generator
from hdbench.shape_set import ShapeSet

Take = Literal["random", "first"]

PC15K, PC15K_TEST = 15_000, 10_000  # points in a file of PointFlow's data, and the first of those it evaluates on


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """Shapes as they were found: frames of points, the name of each (none in an array), notes, and figures of their meshes where
    they lie beside the clouds."""

    items: Sequence[Frames]
    frames: int
    names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    figures: Mapping[str, NDArray[np.float64]] | None = None

    def __len__(self) -> int:
        return len(self.items)


def take_points(found: Found, points: int, seed: int, take: Take, where: str, again: bool = False) -> ShapeSet:
    """A ShapeSet of ``points`` points per frame: ``take`` a random choice, seeded by shape, or the first; ``again``: as many
    others, none of which is in the first choice.

    One choice serves all frames of a sequence whose frames have equally many points, so that tracks stay together. Clouds that
    hold nothing, something not finite or zeros alone become nan: empty samples. HdbenchError, with the next step, for a cloud
    of fewer points.
    """
    counts = [len(cloud) for frames in found.items for cloud in frames if len(cloud)]
    _refuse_too_few(found, counts, points, where, again)
    first = PC15K_TEST if take == "first" and set(counts) == {PC15K} and points <= PC15K - PC15K_TEST else 0
    start = first + (points if again else 0)
    out = np.full((len(found.items), found.frames, points, 3), np.nan, np.float32)
    odd = Oddities()
    for index, frames in enumerate(found.items):
        name = found.names[index] if found.names else str(index)
        if is_whole(frames, name, odd):
            rng = numpy_generator(seed, "points", found.names[index] if found.names else index)
            out[index] = [_taken(cloud, points, take, start, rng) for cloud, rng in zip(frames, _same(rng, frames))]
    notes = (*found.notes, *_choice(counts, points, take, first), *odd.notes(len(found.items)))
    return ShapeSet(out, found.figures, names=found.names, notes=notes)


def _refuse_too_few(found: Found, counts: Sequence[int], points: int, where: str, again: bool) -> None:
    least = min(counts, default=points)
    if again and least < 2 * points:
        raise HdbenchError(f"{where} has clouds of {least} points, too few for {points} others of each.")
    if least >= points:
        return
    short = [found.names[i] for i, frames in enumerate(found.items) if found.names and any(0 < len(c) < points for c in frames)]
    which = f" ({some(short)})" if short and len(short) < len(found.items) else ""
    raise HdbenchError(
        f"{where} has clouds of {least} points{which}, fewer than the {points} that the protocol asks for. Score all sets with "
        f"'-o points={least}', or sample the shapes again with {points} points."
    )


def _choice(counts: Sequence[int], points: int, take: Take, first: int) -> list[str]:
    """How points were left out, if any were."""
    if max(counts, default=points) == points:
        return []
    low, high = min(counts), max(counts)
    of = f"{low}" if low == high else f"{low} to {high}"
    which = f"points {first} to {first + points - 1} (the test part of PC15k files)" if first else f"the first {points}"
    return [f"{f'{points} points chosen at random' if take == 'random' else which} of the {of} of each cloud"]


def _same(rng: np.random.Generator, frames: Frames) -> list[np.random.Generator]:
    """A generator per frame: all in the same state when frames have equally many points, else one after the other."""
    if len({len(cloud) for cloud in frames}) > 1:
        return [rng] * len(frames)
    state = rng.bit_generator.state
    return [_at(state) for _ in frames]


def _at(state: Mapping[str, Any]) -> np.random.Generator:
    generator = np.random.default_rng(0)
    generator.bit_generator.state = state
    return generator


def _taken(cloud: NDArray[Any], points: int, take: Take, start: int, rng: np.random.Generator) -> NDArray[np.float32]:
    if len(cloud) == points:
        return np.asarray(cloud, np.float32)
    order = rng.permutation(len(cloud)) if take == "random" else np.arange(len(cloud))
    return np.asarray(cloud[order[start : start + points]], np.float32)
