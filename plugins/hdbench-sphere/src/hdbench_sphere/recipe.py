"""The recipe 'sphere': everything a run does, with answers that are known."""

from __future__ import annotations

from hdbench.recipes import Recipe, RecipeBook
from hdbench.schedule import Schedule
from hdbench_sphere.denoiser import GaussianConfig
from hdbench_sphere.field import RadiusConfig

_RECIPE = Recipe(
    components={"encoder": "radius", "denoiser": "gaussian", "sampler": "ddim"},
    encoder=RadiusConfig(),
    denoiser=GaussianConfig(),
    sampler={"steps": 200},  # settings of a component of another plugin are given by name
    schedule=Schedule(steps=1000, beta_end=2e-2),
    space="perdim",
)

BOOK = RecipeBook("Sphere", {"tiny": _RECIPE, "small": _RECIPE, "paper": _RECIPE})
