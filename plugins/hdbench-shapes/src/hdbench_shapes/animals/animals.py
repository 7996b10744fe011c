"""The category: which animal does what in the sequence of an index.

Species and actions take turns, so every pair comes as often as any other and a name tells what it is: ``horse_walk-0000``, as
DeformingThings4D names its sequences (OBJECT_ACTION). A fish swims where others walk.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from hdbench.config import check
from hdbench.errors import unknown
from hdbench.shapes import Mesh
from hdbench_shapes.animals import fish, legged
from hdbench_shapes.animals.actions import ACTIONS
from hdbench_shapes.animals.moving import assemble_frames
from hdbench_shapes.animals.species import SPECIES
from hdbench_shapes.category import Category, Draw

ALL = (*SPECIES, "fish")


class Animals(Category):
    """Horses, dogs, giraffes, birds, dinosaurs, lizards and fish that walk (swim), jump, turn and rest."""

    name: ClassVar[str] = "animals"

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Config(Category.Config):
        """As for other categories; also how many frames a sequence has, and which species and actions take turns."""

        count: int = 240
        frames: int = 16
        species: tuple[str, ...] = ALL
        actions: tuple[str, ...] = tuple(ACTIONS)

        def __post_init__(self) -> None:
            Category.Config.__post_init__(self)
            check(2 <= self.frames <= 1000, "frames", "in 2..1000", self.frames)
            for key, chosen, known in (("species", self.species, ALL), ("actions", self.actions, tuple(ACTIONS))):
                check(0 < len(chosen) == len(set(chosen)), key, "a list of different names", chosen)
                for name in set(chosen) - set(known):
                    raise unknown(f"choice for '{key}'", name, known)

    def name_of(self, index: int) -> str:
        """``horse_walk-0000``, ``dog_walk-0001``, ... ``horse_jump-0007``: species change first, then actions."""
        species, action = self._turn(index)
        return f"{species}_{'swim' if (species, action) == ('fish', 'walk') else action}-{index:04d}"

    def frames(self, index: int, draw: Draw) -> tuple[Mesh, ...]:
        """The frames of sequence ``index``: ten or more numbers make the body, and a few more the motion."""
        species, action = self._turn(index)
        if species == "fish":
            return assemble_frames(fish.pose(fish.fish(draw), fish.FISH_ACTIONS[action](draw, self.config.frames)))
        plan, temper = SPECIES[species](draw)
        return assemble_frames(legged.pose(plan, ACTIONS[action](draw, temper, plan.legs, self.config.frames)))

    def _turn(self, index: int) -> tuple[str, str]:
        species, actions = self.config.species, self.config.actions
        return species[index % len(species)], actions[index // len(species) % len(actions)]
