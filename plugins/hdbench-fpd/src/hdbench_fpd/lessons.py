"""What the project's own network learns from: fresh procedural shapes, what they are, and clouds with defects.

Telling an airplane from a chair is so easy that features would keep nothing else. A lesson therefore asks for the sub-kind (one
of 49), for every discrete choice of the generator (tail, engines, legs, ...), for the kind and size of a defect, and where in
space the points lie. The last two make the features see what a generator does wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hdbench.points import unit_sphere
from hdbench.registry import Registry
from hdbench.sampling import evaluation_cloud
from hdbench.seeds import numpy_generator
from hdbench.shapes import Shape
from hdbench_fpd.defects import DEFECTS
from hdbench_fpd.grouping import canonical

CATEGORIES = ("airplane", "car", "chair")
POINTS, CELLS = 2048, 8

CHOICES: dict[str, tuple[tuple[str, ...], ...]] = {
    "airplane": (("swept", "straight", "delta"), ("low", "mid", "high"), ("low", "tee", "cross", "vee"),
                 ("none", "two", "four", "rear")),
    "car": (("sedan", "hatchback", "coupe", "suv", "van", "pickup", "truck"), ("case", "flat", "tank")),
    "chair": (("square", "trapezoid", "round"), ("panel", "slats", "ladder", "frame", "tee"),
              ("four", "pedestal", "star", "sled", "sides", "cantilever"), ("none", "open", "closed")),
}  # fmt: skip
"""The generators' discrete choices, each by its options, in the order in which they are drawn."""

_KINDS = {"airplane": (0, 2), "car": (0,), "chair": (1, 2)}  # the choices that make a sub-kind, such as wing plan and tail
CLASSES = tuple(
    " ".join((category, *options))
    for category in CATEGORIES
    for options in product(*(CHOICES[category][k] for k in _KINDS[category]))
)
"""The names of the 49 sub-kinds, in the order of the network's classes."""

QUESTIONS = tuple((category, options) for category in CATEGORIES for options in CHOICES[category])


class Notes:
    """Stands in for the generator's random draws: the same numbers in the same order, and it notes the discrete choices."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self.choices: dict[tuple[str, ...], str] = {}

    def between(self, low: float, high: float) -> float:
        """A continuous parameter."""
        return float(self._rng.uniform(low, high))

    def chance(self, probability: float) -> bool:
        """A yes or no."""
        return bool(self._rng.random() < probability)

    def one_of(self, **shares: float) -> str:
        """A discrete choice."""
        options = tuple(shares)
        self.choices[options] = str(self._rng.choice(options, p=list(shares.values())))
        return self.choices[options]


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """A cloud [q, 3] in canonical order on the unit sphere, and the answers: the class, the answer to each of QUESTIONS (-1 if it
    does not arise), the defect (0 is none) and its size in [0, 1], and the share of points near each cell's centre [512]."""

    cloud: NDArray[np.float32]
    kind: int
    answers: NDArray[np.int64]
    defect: int
    size: float
    cells: NDArray[np.float32]


@cache
def generator(category: str) -> Any:
    """The procedural category of this name, from whatever plugin offers it."""
    return Registry().load().resolve("shapes", category)


def described(category: str, index: int, seed: int) -> tuple[Shape, dict[tuple[str, ...], str]]:
    """The shape that the category makes for (seed, index), and its discrete choices."""
    source = generator(category)
    notes = Notes(numpy_generator(seed, category, index))
    shape = Shape(f"{category}-{index:04d}", (source.build(notes),), solid=True)
    return shape, notes.choices


def lesson(index: int, seed: int, damage: bool = True) -> Lesson:
    """Lesson ``index`` of the endless course ``seed``; half of the clouds have a defect, unless ``damage`` is off."""
    category, rng = CATEGORIES[index % len(CATEGORIES)], numpy_generator("lesson", seed, index)
    shape, choices = described(category, index, seed)
    cloud = unit_sphere(evaluation_cloud(shape, 2 * POINTS, seed))[0].astype(np.float64)
    defect, size = 0, 0.0
    if damage:
        cloud = cloud * rng.uniform(0.85, 1.15, 3) @ _turn(rng.normal(0, 0.05))
        defect = int(rng.integers(1, len(DEFECTS))) if rng.random() < 0.5 else 0
        size = float(rng.random()) if defect else 0.0
        cloud = DEFECTS[defect](cloud, size, rng)
    kept = cloud[rng.permutation(len(cloud))[:POINTS]]
    seen = canonical(unit_sphere(kept[None].astype(np.float32))[0])
    return Lesson(seen, kind_of(category, choices), answers_of(category, choices), defect, size, cell_shares(seen))


def kind_of(category: str, choices: dict[tuple[str, ...], str]) -> int:
    """The class of a shape with these choices."""
    parts = [choices[CHOICES[category][k]] for k in _KINDS[category]]
    return CLASSES.index(" ".join((category, *parts)))


def answers_of(category: str, choices: dict[tuple[str, ...], str]) -> NDArray[np.int64]:
    """The answer to each of QUESTIONS; -1 where a question does not arise."""
    arises = [about == category and options in choices for about, options in QUESTIONS]
    found = [options.index(choices[options]) if asked else -1 for asked, (_, options) in zip(arises, QUESTIONS)]
    return np.array(found, dtype=np.int64)


def cell_shares(cloud: NDArray[np.float32]) -> NDArray[np.float32]:
    """Share of the points near the centre of each of 8^3 cells of [-1, 1]^3; a point counts for the 8 around it."""
    place = np.clip((cloud.astype(np.float64) + 1) / 2 * CELLS - 0.5, 0, CELLS - 1)
    low = np.minimum(place.astype(np.int64), CELLS - 2)
    upper = place - low
    shares = np.zeros(CELLS**3)
    for corner in np.ndindex(2, 2, 2):
        weight = np.where(corner, upper, 1 - upper).prod(1)
        np.add.at(shares, np.ravel_multi_index((low + corner).T, (CELLS,) * 3), weight)
    return (shares / len(cloud)).astype(np.float32)


def _turn(angle: float) -> NDArray[np.float64]:
    """A rotation around the upright axis y."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])


def accuracy(predicted: Sequence[int], lessons: Sequence[Lesson]) -> float:
    """Share of the lessons whose class was told right."""
    return float(np.mean([p == one.kind for p, one in zip(predicted, lessons)]))
