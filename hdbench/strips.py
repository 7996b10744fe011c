"""Strips: rows of shapes that show how a recipe works. What its sampler predicts on the way from noise to a sample (the paper's
figure 4), and what lies between two training fields and between two samples."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from hdbench.engine import Engine
from hdbench.plan import Plan
from hdbench.recipes import Recipe
from hdbench.store import Rows, load_info

if TYPE_CHECKING:
    from hdbench.flow import Outcome

STAGE = "hdbench.stages.strips"
SAMPLES, LOOKS, BETWEEN = 3, 8, 9  # samples that are watched, how often each, shapes of an interpolation


@dataclass(frozen=True, slots=True)
class Strip:
    """A row of shapes: its title, and the file of their meshes, one frame of each."""

    kind: Literal["trajectory", "interpolation"]
    title: str
    meshes: Path


def strips_of(plan: Plan, engine: Engine, frames: int, outcome: Outcome) -> list[Strip]:
    """The strips of a recipe's row; of a sequence, its middle frame. Nothing for what is no recipe, or has failed."""
    recipe = plan.settings.get(outcome.method)
    if not isinstance(recipe, Recipe) or outcome.trained is None:
        return []
    parts, title = plan.parts(outcome.method), outcome.title
    drawn: dict[str, Any] = {"denoiser": parts["denoiser"], "sampler": parts["sampler"], "schedule": recipe.schedule,
                             "trained": outcome.trained}  # fmt: skip
    watched = engine.one(f"{title}: watch", f"{STAGE}:trajectory", count=SAMPLES, looks=LOOKS, **drawn)
    mixed = engine.one(f"{title}: between samples", f"{STAGE}:between_samples", count=BETWEEN, **drawn)
    rows = [*_watched(watched, parts["sampler"].name), ("interpolation", _mixed(parts["sampler"].name), mixed, range(BETWEEN))]
    if outcome.fields:
        lerped = engine.one(f"{title}: between fields", f"{STAGE}:between_fields", encoder=parts["encoder"],
                            fields=outcome.fields, count=BETWEEN)  # fmt: skip
        rows.append(("interpolation", _lerped(lerped), lerped, range(BETWEEN)))
    when = f"; frame {frames // 2 + 1} of {frames}" if frames > 1 else ""
    calls = [{"weights": Rows.of([(path, row) for row in which])} for _, _, path, which in rows]
    level = recipe.meshing.level if plan.protocol.level is None else plan.protocol.level
    made = engine.stage(f"{title}: strips", f"{STAGE}:meshes", calls, encoder=parts["encoder"], frames=frames, frame=frames // 2,
                        resolution=plan.protocol.resolution or recipe.meshing.resolution, level=level)  # fmt: skip
    return [Strip(kind, f"{title}, {words}{when}", path) for (kind, words, _, _), path in zip(rows, made.parts())]


_Row = tuple[Literal["trajectory", "interpolation"], str, Path, range]


def _watched(path: Path, sampler: str) -> list[_Row]:
    info = load_info(path)
    looks = len(info["steps"])
    steps = ", ".join(map(str, info["steps"]))
    words = f"what {sampler} ({info['evaluations']} evaluations) predicts at steps {steps}"
    return [("trajectory", f"sample {k}: {words}", path, range(k * looks, (k + 1) * looks)) for k in range(SAMPLES)]


def _mixed(sampler: str) -> str:
    return f"between the noises of samples 0 and 1, drawn by {sampler}"


def _lerped(path: Path) -> str:
    return "between the weights of {} and {}".format(*load_info(path)["names"])
