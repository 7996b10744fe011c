"""Generated sets that get worse step by step: functions of a ShapeSet and a strength in [0, 1].

Strength 0 gives the set itself. Where a share of the samples is replaced, the order in which they go is fixed by the seed: the
samples that a share of 0.2 replaces are among those of 0.4.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hdbench.config import check
from hdbench.selftest import deform
from hdbench.selftest.deform import Clouds
from hdbench.selftest.modes import modes, oddity, outlines
from hdbench.selftest.replacing import Index, replaced, share, shuffled, with_clouds
from hdbench.shape_set import ShapeSet

Group = Literal["shapes", "variety", "memory", "set-up"]
Worse = Callable[[ShapeSet, float, "Around"], ShapeSet]

MODES = 8
FEWEST = 0.2  # share of the samples that is left at full strength of "fewer"


@dataclass(frozen=True, slots=True, eq=False)
class Around:
    """Where perturbations take other samples from: the reference, the training shapes, and ``fresh`` samples that are as good as
    the generated ones. ``torn`` and ``nothing`` are the figures [n] of the generated meshes when damaged, and of empty meshes."""

    reference: ShapeSet
    training: ShapeSet
    fresh: ShapeSet
    torn: Mapping[str, NDArray[np.float64]] | None = None
    nothing: Mapping[str, NDArray[np.float64]] | None = None
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Perturbation:
    """One way of getting worse: a short name for tables, what it does at full strength, and what it harms.

    ``set-up`` marks what a protocol should take care of: the samples are as good as before. ``needs`` says which sets it leaves
    as they are: those without meshes, or without motion.
    """

    name: str
    full: str
    group: Group
    apply: Worse
    needs: Literal["", "meshes", "sequences"] = ""

    def __call__(self, shapes: ShapeSet, strength: float, around: Around) -> ShapeSet:
        """The worse set; ``shapes`` itself at strength 0. HdbenchError for a strength outside of [0, 1]."""
        check(0 <= strength <= 1, "strength", "in 0..1", strength)
        return shapes if strength == 0 else self.apply(shapes, strength, around)

    def fits(self, shapes: ShapeSet) -> bool:
        """Whether there is something in these samples that it can make worse."""
        return {"": True, "meshes": shapes.figures is not None, "sequences": shapes.frames > 1}[self.needs]


# -------------------------------------------------------------------------------------------------------- every shape


def _deformed(step: Callable[[Clouds, float, int], Clouds]) -> Worse:
    return lambda shapes, strength, around: with_clouds(shapes, step(shapes.clouds, strength, around.seed))


def _scaled(clouds: Clouds, strength: float, seed: int) -> Clouds:
    return (clouds * (1 + strength)).astype(np.float32)


def _shifted(clouds: Clouds, strength: float, seed: int) -> Clouds:
    return (clouds + 2 * strength * deform.radius(clouds) * [1, 0, 0]).astype(np.float32)


# ----------------------------------------------------------------------------------------------- a share of the samples


def _outliers(shapes: ShapeSet, strength: float, around: Around) -> ShapeSet:
    chosen = share(len(shapes), strength, around.seed, "outliers")
    return replaced(shapes, chosen, with_clouds(shapes, deform.blobs(shapes.clouds, around.seed)).select(chosen))


def _torn(shapes: ShapeSet, strength: float, around: Around) -> ShapeSet:
    chosen = share(len(shapes), strength, around.seed, "torn")
    return replaced(shapes, chosen, replace(shapes, figures=around.torn).select(chosen))


def _empty(shapes: ShapeSet, strength: float, around: Around) -> ShapeSet:
    """The weights stay: a field without a surface is a field."""
    chosen = share(len(shapes), strength, around.seed, "empty")
    nothing = replace(shapes, clouds=np.full_like(shapes.clouds, np.nan), figures=around.nothing)
    return replaced(shapes, chosen, nothing.select(chosen))


def _still(shapes: ShapeSet, strength: float, around: Around) -> ShapeSet:
    chosen = share(len(shapes), strength, around.seed, "still")
    stopped = with_clouds(shapes, np.repeat(shapes.clouds[:, :1], shapes.frames, axis=1))
    return replaced(shapes, chosen, stopped.select(chosen))


def _collapsed(shapes: ShapeSet, strength: float, around: Around) -> ShapeSet:
    """The one that is repeated is the last to be replaced, so it is the same for every strength."""
    order = shuffled(len(shapes), around.seed, "collapse")
    chosen = order[: round(strength * len(order))]
    return replaced(shapes, chosen, shapes.select(np.repeat(order[-1], len(chosen))))


def _copies(of: Literal["training", "reference"]) -> Worse:
    def apply(shapes: ShapeSet, strength: float, around: Around) -> ShapeSet:
        chosen, source = share(len(shapes), strength, around.seed, of), getattr(around, of)
        order = shuffled(len(source), around.seed, of, "source")
        return replaced(shapes, chosen, source.select(np.resize(order, len(chosen))))

    return apply


def _fewer(shapes: ShapeSet, strength: float, around: Around) -> ShapeSet:
    gone = share(len(shapes), strength * (1 - FEWEST), around.seed, "fewer")
    return shapes.select(np.setdiff1d(np.arange(len(shapes)), gone))


def _without_modes(shapes: ShapeSet, strength: float, around: Around) -> ShapeSet:
    """Modes are those of generated and fresh samples together; one is always left."""
    own, fresh = outlines(shapes.clouds), outlines(around.fresh.clouds)
    found = modes(np.concatenate([own, fresh]), MODES, around.seed)
    lost = shuffled(MODES, around.seed, "modes")[: round(strength * (MODES - 1))]
    gone = np.isin(found, lost)
    return _refilled(shapes, np.flatnonzero(gone[: len(own)]), np.flatnonzero(~gone[len(own) :]), around)


def _ordinary(shapes: ShapeSet, strength: float, around: Around) -> ShapeSet:
    """The most unusual samples go first; those that come are from the most ordinary of the fresh ones."""
    own, fresh = outlines(shapes.clouds), outlines(around.fresh.clouds)
    gone = np.argsort(-oddity(own, fresh), kind="stable")[: round(strength * len(own))]
    ordinary = np.argsort(oddity(fresh, fresh), kind="stable")
    return _refilled(shapes, gone, ordinary[: max(len(own), round((1 - strength) * len(fresh)))], around)


def _refilled(shapes: ShapeSet, gone: Index, allowed: Index, around: Around) -> ShapeSet:
    """Samples replaced by allowed fresh ones, each taken once as long as there are enough."""
    order = allowed[shuffled(len(allowed), around.seed, "fresh")]
    return replaced(shapes, gone, around.fresh.select(np.resize(order, len(gone))))


def _named(*perturbations: Any) -> dict[str, Perturbation]:
    return {p[0]: Perturbation(*p) for p in perturbations}


PERTURBATIONS: dict[str, Perturbation] = _named(
    ("noise", f"noise on every point, sigma {deform.NOISE:g} radii", "shapes", _deformed(deform.noisy)),
    ("lumps", f"surfaces bent by {deform.LUMP:g} radii, smoothly", "shapes", _deformed(deform.lumpy)),
    ("voxels", f"points snapped to a grid of {deform.COARSEST} cells a side", "shapes", _deformed(deform.coarse)),
    ("parts", f"{deform.LARGEST_CUT:.0%} of every shape cut off", "shapes", _deformed(deform.cut)),
    ("outliers", "all samples are Gaussian blobs", "shapes", _outliers),
    ("torn", "all meshes have holes and a loose piece", "shapes", _torn, "meshes"),
    ("still", "no sequence moves", "shapes", _still, "sequences"),
    ("empty", "all samples came out empty", "shapes", _empty),
    ("collapse", "all samples are one and the same", "variety", _collapsed),
    ("modes", f"{MODES - 1} of {MODES} modes are missing", "variety", _without_modes),
    ("ordinary", "only the most ordinary shapes are made", "variety", _ordinary),
    ("copies", "all samples are training shapes", "memory", _copies("training")),
    ("leak", "all samples are reference shapes", "memory", _copies("reference")),
    ("scale", "all shapes are twice as large", "set-up", _deformed(_scaled)),
    ("shift", "all shapes stand two radii aside", "set-up", _deformed(_shifted)),
    ("fewer", f"{FEWEST:.0%} of the samples are left", "set-up", _fewer),
)
