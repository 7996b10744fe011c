"""A recipe: an encoder, a denoiser and a sampler, each named, each swappable; presets of it; and their settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from hdbench.config import check
from hdbench.schedule import Schedule

PRESETS = ("tiny", "small", "paper")


@dataclass(frozen=True, slots=True, kw_only=True)
class Meshing:
    """How samples become meshes: grid points per axis, and the iso-level in logits (0 is probability one half)."""

    resolution: int = 64
    level: float = 0.0

    def __post_init__(self) -> None:
        check(4 <= self.resolution <= 1024, "meshing.resolution", "in 4..1024", self.resolution)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One row of a table: shapes -> encoder -> (space) -> denoiser -> sampler -> decode.

    ``encoder``, ``denoiser`` and ``sampler`` are configurations: instances of the components' ``Config``, or {setting: value}
    where the component belongs to another plugin, which a plugin does not import. Which components they belong to is said by
    ``components``, {kind: name}. ``space`` is the weight space that is diffused.
    """

    components: Mapping[str, str]
    encoder: Any
    denoiser: Any
    sampler: Any
    schedule: Schedule = field(default_factory=Schedule)
    space: Literal["raw", "global", "perdim", "pca"] = "raw"
    meshing: Meshing = field(default_factory=Meshing)


@dataclass(frozen=True, slots=True)
class RecipeBook:
    """The presets of a recipe and the title that its rows have in tables (the paper's name for the method).

    ``notes`` {preset: sentence} say under the table where a preset departs from the paper. ``sequences`` {preset: {setting:
    value}} are the settings in which a preset differs for shapes of many frames, and ``sequence_notes`` their sentences.
    """

    title: str
    presets: Mapping[str, Recipe]
    notes: Mapping[str, str] = field(default_factory=dict)
    sequences: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    sequence_notes: Mapping[str, str] = field(default_factory=dict)
