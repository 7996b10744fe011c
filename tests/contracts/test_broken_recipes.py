"""The contract of recipes refuses those that are broken, and says why."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hdbench_sphere.denoiser import GaussianConfig
from hdbench_sphere.recipe import BOOK

from hdbench.recipes import RecipeBook
from hdbench.testing import RecipeContract

TINY = BOOK.presets["tiny"]

RECIPES = [
    (RecipeBook(" ", BOOK.presets), "it_has_a_title_and_presets_of_known_names", "have a title"),
    (RecipeBook("A", {"tiny": TINY, "huge": TINY}), "it_has_a_title_and_presets_of_known_names", "but it has ['huge']"),
    (RecipeBook("A", {"small": TINY}), "it_has_a_title_and_presets_of_known_names", "have a preset 'tiny'"),
    (replace(TINY, components={**TINY.components, "sampler": "dpm"}), "components_exist_and_settings_fit", "is called 'dpm'"),
    (replace(TINY, components={"encoder": "radius"}), "components_exist_and_settings_fit", "but it names ['encoder']"),
    (replace(TINY, sampler={"stepz": 3}), "components_exist_and_settings_fit", "Did you mean 'sampler.steps'?"),
    (replace(TINY, encoder=GaussianConfig()), "components_exist_and_settings_fit", "but it gives a GaussianConfig"),
    (replace(TINY, components={**TINY.components, "denoiser": "unet3d"}, denoiser={}), "networks_of_all_presets_fit_their_fields",
     "needs weights that form one grid"),
    (replace(TINY, sampler={"steps": 2000}), "samplers_of_all_presets_fit_their_schedules", "asks for 2000 steps"),
]  # fmt: skip


@pytest.mark.parametrize(("book", "check", "message"), RECIPES)
def test_broken_recipes_are_refused(book, check, message):
    book = book if isinstance(book, RecipeBook) else RecipeBook("Sphere", {"tiny": book})
    check = f"test_{check}"
    sound = type("Case", (RecipeContract,), {"component": "sphere"})
    getattr(sound(), check)()
    case = type("Case", (RecipeContract,), {"component": "sphere", "subject": lambda self: book})()
    with pytest.raises(AssertionError) as error:
        getattr(case, check)()
    assert str(error.value).startswith("The recipe 'sphere' must ")
    assert message in str(error.value)
