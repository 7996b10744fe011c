"""The contract of a recipe: every preset names components that exist, with settings that fit them and each other."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar

import torch
from torch import Tensor

from hdbench.config import as_dict, from_dict
from hdbench.errors import HdbenchError
from hdbench.plan import PARTS
from hdbench.recipes import PRESETS, Recipe, RecipeBook
from hdbench.testing.contract import Contract
from hdbench.weights import WeightLayout

NARROW = 4  # coordinates of a part in the space 'pca', whose true width depends on the fitted weights


class RecipeContract(Contract):
    """Every preset is complete and can be built; the tiny one predicts."""

    kind: ClassVar[str] = "recipe"

    def _presets(self) -> Iterator[tuple[str, Recipe]]:
        """Each preset, with settings that were given by name turned into configurations."""
        book: RecipeBook = self.subject()
        for preset, recipe in book.presets.items():
            self._check_components(preset, recipe)
            yield preset, replace(recipe, **{kind: self._settings(preset, recipe, kind) for kind in PARTS})

    def _check_components(self, preset: str, recipe: Recipe) -> None:
        named = sorted(recipe.components)
        self.must(named == sorted(PARTS), f"name one component for each of {PARTS} in '{preset}'", f"it names {named}")
        for kind, name in recipe.components.items():
            known = self.known().names(kind)
            self.must(
                name in known, f"name components that are installed in '{preset}'", f"no {kind} is called '{name}': {known}"
            )

    def _settings(self, preset: str, recipe: Recipe, kind: str) -> Any:
        given, wanted = getattr(recipe, kind), self.known().resolve(kind, recipe.components[kind]).Config
        if not isinstance(given, Mapping):
            rule = f"configure its {kind} with a {wanted.__name__} in '{preset}'"
            self.must(isinstance(given, wanted), rule, f"it gives a {type(given).__name__}")
            return given
        try:
            return from_dict(wanted(), given, f"{kind}.")
        except HdbenchError as error:
            raise AssertionError(f"{self.title} must have settings that fit its {kind} in '{preset}': {error}") from error

    def _build(self, recipe: Recipe) -> dict[str, Any]:
        return {kind: self.known().resolve(kind, recipe.components[kind])(getattr(recipe, kind)) for kind in PARTS}

    def test_it_has_a_title_and_presets_of_known_names(self) -> None:
        book: RecipeBook = self.subject()
        self.must(book.title.strip(), "have a title for its rows", f"it is {book.title!r}")
        strange = sorted(set(book.presets) - set(PRESETS))
        self.must("tiny" in book.presets, "have a preset 'tiny'", f"it has {list(book.presets)}")
        self.must(not strange, f"have presets of the names {PRESETS}", f"it has {strange}")

    def test_components_exist_and_settings_fit(self) -> None:
        for preset, recipe in self._presets():
            copies = [from_dict(recipe, as_dict(recipe)), pickle.loads(pickle.dumps(recipe))]  # noqa: S301 (made here)
            same = [copy == recipe for copy in copies]
            self.must(all(same), f"have settings in '{preset}' that survive a file and pickle", f"{recipe} became {copies}")

    def test_networks_of_all_presets_fit_their_fields(self) -> None:
        for preset, recipe in self._presets():
            parts = self._build(recipe)
            try:
                with torch.device("meta"):
                    parts["denoiser"].network(_diffused(parts["encoder"].layout(1), recipe))
            except HdbenchError as error:
                raise AssertionError(f"{self.title} must have a denoiser that fits its fields in '{preset}': {error}") from error

    def test_samplers_of_all_presets_fit_their_schedules(self) -> None:
        for preset, recipe in self._presets():
            start = torch.zeros(1, 2)
            try:
                self._build(recipe)["sampler"].sample(_to_zero, recipe.schedule, start, lambda draw: torch.zeros(1, 2))
            except HdbenchError as error:
                raise AssertionError(f"{self.title} must have a sampler that fits its schedule in '{preset}': {error}") from error

    def test_the_tiny_preset_predicts(self) -> None:
        recipe = dict(self._presets())["tiny"]
        parts = self._build(recipe)
        layout = _diffused(parts["encoder"].layout(1), recipe)
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.manual_seed(0)
            network = parts["denoiser"].network(layout).eval()
            predicted = network(torch.zeros(1, layout.size), torch.tensor([recipe.schedule.steps - 1]))
        fits = predicted.shape == (1, layout.size)
        self.must(fits, f"predict [1, {layout.size}] in 'tiny'", f"it predicts {list(predicted.shape)}")


def _diffused(layout: WeightLayout, recipe: Recipe) -> WeightLayout:
    if recipe.space != "pca":
        return layout
    return WeightLayout(layout.names, tuple((min(size, NARROW),) for size in layout.sizes))


def _to_zero(noised: Tensor, step: int) -> Tensor:
    return torch.zeros_like(noised)
