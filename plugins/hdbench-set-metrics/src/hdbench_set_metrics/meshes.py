"""Are the generated shapes bodies? Closed, in one piece, with as many handles and as much inside as real ones.

Figures of the meshes themselves (``hdbench.measures.validity``), not of clouds. Reference meshes of real data are often far
from closed: their figures stand beside, nan where they are unknown, and say what can be expected.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, cast

import numpy as np
from numpy.typing import NDArray

from hdbench.interfaces import Comparison, Figures, Metric, Vector
from hdbench_set_metrics import cases
from hdbench_set_metrics.basics import NoSettings, ratio

Values = NDArray[np.float64]


class OnMeshes(Metric):
    """A metric that reads the figures of meshes."""

    Config = NoSettings
    source = "definitions in hdbench/measures/validity.py; trimesh has the same 'is_watertight', 'body_count' and 'euler_number'"
    sees = "broken"
    cost = "about 1 microsecond per face"
    chamfer = "none"
    reads = ("meshes",)

    def figures(self, comparison: Comparison) -> Figures:
        """The figures of the meshes."""
        return cast(Figures, comparison.parts["meshes"])


class Watertight(OnMeshes):
    """Share of the generated shapes whose mesh is closed: every edge has two faces, in every frame."""

    name = "watertight"
    direction = "higher"
    range = (0.0, 100.0)
    unit = "%"
    definition = "share of generated shapes whose mesh is closed (every edge has exactly two faces)"

    def measure(self, comparison: Comparison) -> dict[str, float]:
        """``Watertight`` and ``Watertight-ref``, in percent."""
        figures = self.figures(comparison)
        closed = figures.generated["watertight"] * ~comparison.empty()
        return {"Watertight": 100 * float(closed.mean()), "Watertight-ref": 100 * _mean(figures.reference, "watertight")}

    @classmethod
    def vectors(cls) -> Sequence[Vector]:
        expected = {"Watertight": 25, "Watertight-ref": 100}
        return (_case("one of four", {"watertight": (1, 0, 0, 0)}, {"watertight": (1, 1)}, expected),)


class OnePiece(OnMeshes):
    """Share of the generated shapes that hang together; ``pieces`` and ``pieces-ref`` are the mean numbers of parts.

    Iso-surfaces of bad fields come with crumbs. Where real shapes have several parts, the ideal is theirs, not 100.
    """

    name = "one-piece"
    direction = "higher"
    range = (0.0, 100.0)
    ranges: ClassVar[Mapping[str, tuple[float, float]]] = {"pieces": (0.0, np.inf), "pieces-ref": (0.0, np.inf)}
    unit = "%"
    definition = "share of generated shapes whose mesh is a single piece in every frame"

    def measure(self, comparison: Comparison) -> dict[str, float]:
        """``One-piece`` in percent; ``pieces`` and ``pieces-ref``."""
        figures, empty = self.figures(comparison), comparison.empty()
        single = (figures.generated["components"] == 1) & ~empty
        pieces = np.where(empty, 0.0, figures.generated["components"])
        return {
            "One-piece": 100 * float(single.mean()),
            "pieces": float(pieces.mean()),
            "pieces-ref": _mean(figures.reference, "components"),
        }

    @classmethod
    def vectors(cls) -> Sequence[Vector]:
        expected = {"One-piece": 50, "pieces": 2, "pieces-ref": 1}
        return (_case("two of four", {"components": (1, 1, 2, 4)}, {"components": (1, 1)}, expected),)


class Genus(OnMeshes):
    """How differently the two sets are distributed over genera (0 handles, 1, 2, ...), as the share that would have to change.

    Meshes that are not closed have no genus and make up a kind of their own; so do empty samples, which no reference shape is.
    Two samples of one distribution are never quite equal: read it beside a row of real shapes. It says nothing where the
    reference meshes are not closed.
    """

    name = "genus"
    direction = "lower"
    range = (0.0, 100.0)
    unit = "%"
    definition = "total variation distance between the distributions of genus of generated and of reference meshes"

    def measure(self, comparison: Comparison) -> dict[str, float]:
        """``Genus`` in percent; nan where no meshes of the reference are known."""
        figures = self.figures(comparison)
        if "genus" not in figures.reference:
            return {"Genus": float("nan")}
        shares = _shares(figures.generated["genus"][~comparison.empty()], len(comparison.generated))
        of_reference = _shares(figures.reference["genus"], len(comparison.reference))
        shared = sum(min(share, of_reference.get(genus, 0.0)) for genus, share in shares.items())
        return {"Genus": 100 * max(0.0, 1 - shared)}

    @classmethod
    def vectors(cls) -> Sequence[Vector]:
        nan = float("nan")
        return (
            _case("one of four differs", {"genus": (0, 0, 1, 2)}, {"genus": (0, 0, 1, 1)}, {"Genus": 25}),
            _case("not closed", {"genus": (nan, 0)}, {"genus": (0, 0)}, {"Genus": 50}),
        )


class Volume(OnMeshes):
    """Mean volume of the generated shapes over that of the reference shapes: below 100 % they are thin or full of holes.

    A mesh that is not closed encloses nothing; such meshes of the reference are left out.
    """

    name = "volume"
    direction = "target"
    target = 100.0
    range = (0.0, np.inf)
    unit = "%"
    definition = "mean volume of generated meshes (0 where not closed) in percent of that of closed reference meshes"

    def measure(self, comparison: Comparison) -> dict[str, float]:
        """``Volume`` in percent; nan where no mesh of the reference is closed."""
        figures = self.figures(comparison)
        generated = np.where(comparison.empty(), 0.0, np.nan_to_num(figures.generated["volume"], nan=0.0))
        return {"Volume": 100 * ratio(generated.mean(), _mean(figures.reference, "volume"))}

    @classmethod
    def vectors(cls) -> Sequence[Vector]:
        nan = float("nan")
        return (_case("a quarter", {"volume": (1, nan, nan, 1)}, {"volume": (2, nan)}, {"Volume": 25}),)


def _mean(figures: Mapping[str, Values], name: str) -> float:
    """Mean of a figure where it is known, nan where it is not known at all."""
    values = figures.get(name, np.array([]))
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")


def _shares(genus: Values, count: int) -> dict[float, float]:
    """{genus: share of ``count`` shapes}; those that are not closed are -1."""
    kinds, counts = np.unique(np.nan_to_num(genus, nan=-1.0), return_counts=True)
    return dict(zip(kinds.tolist(), (counts / count).tolist()))


Named = Mapping[str, Sequence[float]]


def _case(title: str, generated: Named, reference: Named, expected: Mapping[str, float]) -> Vector:
    """Shapes whose meshes have these figures."""
    sides = [{name: np.array(values, float) for name, values in side.items()} for side in (generated, reference)]
    count, of = (len(next(iter(side.values()))) for side in sides)
    return Vector(title, cases.of_parts(count, of, {"meshes": Figures(*sides)}), expected)
