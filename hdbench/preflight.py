"""All that can fail, before the first expensive second: whether a recipe's parts fit each other, the shapes and the disk."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from hdbench.engine import Engine
from hdbench.errors import HdbenchError
from hdbench.interfaces import FieldEncoder, Sampler, WeightDenoiser
from hdbench.plan import Plan
from hdbench.recipes import Recipe
from hdbench.training import Training
from hdbench.weights import WeightLayout

if TYPE_CHECKING:
    from hdbench.flow import Data

SPARE_BYTES = 2**28  # for meshes, networks and tables


def preflight(plan: Plan, engine: Engine, data: Data) -> None:
    """HdbenchError, with what to change, for a recipe that would fail later, or for a disk that is too small for its points."""
    need = 0
    for method in plan.titles:
        if isinstance(recipe := plan.settings[method], Recipe):
            encoder, denoiser, sampler = (plan.parts(method)[kind].build() for kind in ("encoder", "denoiser", "sampler"))
            encoder.refuse_shapes(data.split.train)
            layout = encoder.layout(data.frames)
            _refuse_too_few(len(data.split.train), denoiser)
            _refuse_network(denoiser, layout, recipe, len(data.split.train))
            _refuse_sampler(sampler, recipe)
            _refuse_lesson(denoiser, encoder, layout, data.frames)
            need += len(data.split.train) * (encoder.queries().bytes(data.frames) + 4 * layout.size)
    free = shutil.disk_usage(engine.store.root).free
    if free < need + SPARE_BYTES:
        raise HdbenchError(
            f"'{engine.store.root}' has {free / 2**30:.1f} GiB left; the run needs {(need + SPARE_BYTES) / 2**30:.1f} GiB. "
            f"Free some space, or choose another folder with --out."
        )


def _refuse_too_few(count: int, denoiser: WeightDenoiser) -> None:
    if count < 2 and not denoiser.ready:
        raise HdbenchError(f"A denoiser needs two training shapes or more; there is {count}. Add shapes, or raise data.train.")


def _refuse_network(denoiser: WeightDenoiser, layout: WeightLayout, recipe: Recipe, count: int) -> None:
    """Build the network without memory. In principal axes the widths depend on the fields, but are at most these."""
    if recipe.space == "pca":
        if denoiser.ready:  # compared with a file, to the number
            return
        layout = WeightLayout(layout.names, tuple((min(size, count - 1),) for size in layout.sizes))
    with torch.device("meta"):
        denoiser.network(layout)


def _refuse_sampler(sampler: Sampler, recipe: Recipe) -> None:
    """Go down the schedule once with two numbers."""
    start = torch.zeros(1, 2)
    sampler.sample(_as_it_is, recipe.schedule, start, lambda draw: torch.zeros_like(start))


def _as_it_is(noised: Tensor, step: int) -> Tensor:
    return noised


def _refuse_lesson(denoiser: WeightDenoiser, encoder: FieldEncoder, layout: WeightLayout, frames: int) -> None:
    """A loss that looks at fields needs an encoder that can evaluate them: try it on one field, at one point."""
    training: Any = getattr(denoiser.config, "training", None)
    if isinstance(training, Training) and training.surface and not denoiser.ready:
        encoder.logits(torch.zeros(1, layout.size), torch.zeros(1, 3), frames)
