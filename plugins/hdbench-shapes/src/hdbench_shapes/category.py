"""What the procedural categories have in common: names by index, a seed per shape, parameters drawn by name."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from hdbench.config import check
from hdbench.errors import unknown
from hdbench.interfaces import ShapeSource
from hdbench.seeds import numpy_generator
from hdbench.shapes import Mesh, Shape


class Draw:
    """Random parameters of one shape; keeps what was drawn, in order, for tests and for the curious."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self.drawn: list[Any] = []

    def between(self, low: float, high: float) -> float:
        """A continuous parameter."""
        return self._note(float(self._rng.uniform(low, high)))

    def chance(self, probability: float) -> bool:
        """A yes or no."""
        return self._note(bool(self._rng.random() < probability))

    def one_of(self, **shares: float) -> str:
        """A discrete choice; shares sum to 1."""
        return self._note(str(self._rng.choice(list(shares), p=list(shares.values()))))

    def _note(self, value: Any) -> Any:
        self.drawn.append(value)
        return value


class Category(ShapeSource):
    """A procedural category: the shape with index i depends on (seed, category, i) alone, not on how many are made."""

    source: ClassVar[str] = "this project"
    up = "y"

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Config:
        """How many shapes there are, and the seed of all of them."""

        count: int = 400
        seed: int = 0

        def __post_init__(self) -> None:
            check(1 <= self.count <= 1_000_000, "count", "in 1..1000000", self.count)
            check(self.seed >= 0, "seed", "0 or more", self.seed)

    @abstractmethod
    def frames(self, index: int, draw: Draw) -> tuple[Mesh, ...]:
        """The frames of shape ``index``, each a union of closed parts."""

    def name_of(self, index: int) -> str:
        """``airplane-0000`` and so on."""
        return f"{self.name}-{index:04d}"

    def names(self) -> tuple[str, ...]:
        """The names by index."""
        return tuple(self.name_of(i) for i in range(self.config.count))

    def shape(self, name: str) -> Shape:
        """The shape of this name, a union of closed parts. HdbenchError for a name that does not exist."""
        digits = name.rpartition("-")[2]
        index = int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 8 else self.config.count
        if index >= self.config.count or name != self.name_of(index):
            raise unknown(
                "shape", name, [self.name_of(0), self.name_of(self.config.count - 1)], "These are the first and the last."
            )
        draw = Draw(numpy_generator(self.config.seed, self.name, index))
        return Shape(name, self.frames(index, draw), solid=True)


class Objects(Category):
    """A category of objects that do not move."""

    @staticmethod
    @abstractmethod
    def build(draw: Draw) -> Mesh:
        """One object of the category."""

    def frames(self, index: int, draw: Draw) -> tuple[Mesh, ...]:
        """The one frame of object ``index``."""
        return (self.build(draw),)
