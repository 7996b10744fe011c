"""Do generated sequences move as real ones do? Their speed, and whether their steps can be told from those of real ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from hdbench.interfaces import Comparison, Figures, Metric, Pairs, Vector
from hdbench_set_metrics import cases
from hdbench_set_metrics.basics import NoSettings, ratio
from hdbench_set_metrics.chamfer import recognised

Values = NDArray[np.float64]


class OnMotion(Metric):
    """A metric that reads the figures of motion (``hdbench.measures.motion``)."""

    Config = NoSettings
    source = "definitions in hdbench/measures/motion.py"
    sees = "still"
    cost = "the Chamfer distances among the frames of every sequence: 0.02 s for 16 frames of 2048 points"
    chamfer = "none"
    reads = ("motion",)

    def figures(self, comparison: Comparison) -> tuple[Mapping[str, Values], Mapping[str, Values]]:
        """Figures of generated and reference sequences; empty samples do not move."""
        figures, empty = cast(Figures, comparison.parts["motion"]), comparison.empty()
        return {name: np.where(empty, 0.0, values) for name, values in figures.generated.items()}, figures.reference


class MotionSpeed(OnMotion):
    """Mean distance from frame to frame in percent of that of real sequences: near 0 the shapes hardly move, above 100 they
    flicker. ``acceleration`` (how uneven the steps are), ``turning`` (how much goes back and forth) and ``loop`` (from the last
    frame to the first) are read in the same way."""

    name = "motion-speed"
    direction = "target"
    target = 100.0
    range = (0.0, np.inf)
    unit = "%"
    definition = "mean distance from frame to frame of generated sequences in percent of that of reference sequences"

    def measure(self, comparison: Comparison) -> dict[str, float]:
        """``Speed``, ``acceleration``, ``turning`` and ``loop``, in percent of the reference's."""
        generated, reference = self.figures(comparison)
        columns = {"Speed": "speed", "acceleration": "acceleration", "turning": "turning", "loop": "loop"}
        return {column: 100 * ratio(generated[name].mean(), reference[name].mean()) for column, name in columns.items()}

    @classmethod
    def vectors(cls) -> Sequence[Vector]:
        return (
            _case(
                "half as fast, on a straight line", ((0, 1, 2, 3),), ((0, 2, 4, 6),), {"Speed": 50, "turning": 100, "loop": 50}
            ),
            _case("one of two stands still", ((0, 2, 4), (1, 1, 1)), ((0, 2, 4),), {"Speed": 50, "loop": 50}),
            _case("there and back", ((0, 2, 0),), ((0, 2, 2),), {"Speed": 200, "loop": 0}),
        )


class MotionAccuracy(OnMotion):
    """1-NNA on steps alone: whether a nearest-neighbour classifier tells the distances from frame to frame, in their order, of
    generated sequences from those of real ones. The shape of the body does not count."""

    name = "1nna-motion"
    source = "Lopez-Paz and Oquab 2017, on the steps of hdbench/measures/motion.py"
    direction = "target"
    target = 50.0
    range = (0.0, 100.0)
    unit = "%"
    definition = "leave-one-out accuracy of a nearest-neighbour classifier of the distances from frame to frame"

    def measure(self, comparison: Comparison) -> dict[str, float]:
        """``1-NNA-motion``, in percent."""
        generated, reference = (_steps(figures) for figures in self.figures(comparison))
        pairs = Pairs(cdist(generated, reference), cdist(generated, generated), cdist(reference, reference))
        empty = comparison.empty()
        pairs.between[empty], pairs.within_generated[empty], pairs.within_generated[:, empty] = np.inf, np.inf, np.inf
        both = np.concatenate(recognised(pairs, comparison.ties == "fair"))
        return {"1-NNA-motion": 100 * float(both.mean())}

    @classmethod
    def vectors(cls) -> Sequence[Vector]:
        real = ((0, 1, 2), (0, 3, 4), (0, 5, 5))
        return (
            _case("copies of real motion elsewhere", tuple(tuple(x + 7 for x in s) for s in real), real, {"1-NNA-motion": 0}),
            _case("all still", ((0, 0, 0),) * 3, real, {"1-NNA-motion": 500 / 6}),
        )


def _steps(figures: Mapping[str, Values]) -> Values:
    """The distances from frame to frame, [n, t - 1]."""
    count = sum(name.startswith("step_") for name in figures)
    return np.stack([figures[f"step_{k}"] for k in range(1, count + 1)], axis=1)


Places = Sequence[Sequence[float]]


def _case(title: str, generated: Places, reference: Places, expected: Mapping[str, float]) -> Vector:
    """Sequences of a single point, given by where on a line it is in every frame."""
    from hdbench.measures.motion import motion_figures

    sides = [np.array([[[[x, 0, 0]] for x in frames] for frames in side], np.float32) for side in (generated, reference)]
    figures = Figures(*(motion_figures(side) for side in sides))
    return Vector(title, cases.of_parts(len(generated), len(reference), {"motion": figures}), expected)
