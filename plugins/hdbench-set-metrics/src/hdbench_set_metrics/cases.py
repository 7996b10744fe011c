"""Cases whose answers are worked out by hand, for ``hdbench metrics --selftest`` and for the contracts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hdbench.interfaces import Comparison, Neighbours, Pairs, Part, Vector

if TYPE_CHECKING:
    from hdbench_set_metrics.pairs import OnDistances

# Shapes of one point on a line: (reference, generated), then what is expected: MMD and MMD-smp of Chamfer distances 2 (x - y)^2,
# the same of Earth Mover's distances |x - y|, then COV, 1-NNA, acc_t and acc_f in percent, of either.
_LINES: dict[str, tuple[Sequence[float], Sequence[float], dict[str, float], dict[str, float], dict[str, float]]] = {
    "a collapsed generator that looks ideal": (
        (0, 10), (1, 1.5), {"MMD": 7325, "MMD-smp": 325}, {"MMD": 475, "MMD-smp": 125},
        {"COV": 50, "1-NNA": 50, "acc_t": 0, "acc_f": 100},
    ),
    "copies of the reference": (
        (0, 1, 5), (0, 1, 5), {"MMD": 0, "MMD-smp": 0}, {"MMD": 0, "MMD-smp": 0},
        {"COV": 100, "1-NNA": 0, "acc_t": 0, "acc_f": 0},
    ),
    "a set far away": (
        (0, 1), (100, 101), {"MMD": 1980100, "MMD-smp": 1980100}, {"MMD": 9950, "MMD-smp": 9950},
        {"COV": 50, "1-NNA": 100, "acc_t": 100, "acc_f": 100},
    ),
    "every sample beside its reference": (
        (0, 10, 20), (4, 14, 24), {"MMD": 3200, "MMD-smp": 3200}, {"MMD": 400, "MMD-smp": 400},
        {"COV": 100, "1-NNA": 0, "acc_t": 0, "acc_f": 0},
    ),
    "a tie counts half": (
        (0, 1), (2,), {"MMD": 500, "MMD-smp": 200}, {"MMD": 150, "MMD-smp": 100},
        {"COV": 50, "1-NNA": 50, "acc_t": 75, "acc_f": 0},
    ),
}  # fmt: skip


def on_a_line(metric: type[OnDistances], *columns: str) -> tuple[Vector, ...]:
    """The cases above for a metric on Chamfer or exact Earth Mover's distances; none for the approximations, whose values
    depend on the scale."""
    part = metric.reads[0] if metric.reads else ""
    if part not in ("", "emd"):
        return ()
    found = []
    for title, (reference, generated, chamfer, earth_mover, shares) in _LINES.items():
        known = {**(earth_mover if part else chamfer), **shares}
        expected = {f"{name}{metric.suffix}": known[name] for name in columns}
        found.append(Vector(title, points_on_a_line(reference, generated, part), expected))
    return tuple(found)


def points_on_a_line(reference: Sequence[float], generated: Sequence[float], part: str = "") -> Comparison:
    """Shapes of one point each, with Chamfer distances and the part ``emd`` if asked for."""
    from hdbench.distances.chamfer import chamfer_matrix

    g, r = (np.array([[[[x, 0, 0]]] for x in xs], dtype=np.float32) for xs in (generated, reference))
    parts: dict[str, Part] = {part: Pairs(*_earth_mover(g, r))} if part else {}
    return Comparison(g, r, chamfer_matrix(g, r), chamfer_matrix(g), chamfer_matrix(r), parts=parts)


def _earth_mover(g: Any, r: Any) -> tuple[Any, Any, Any]:
    from hdbench.distances.emd import emd_matrix

    return emd_matrix(g, r), emd_matrix(g), emd_matrix(r)


def of_parts(generated: int, reference: int, parts: Mapping[str, Part]) -> Comparison:
    """A comparison of so many shapes of one point each, all at the origin, with these parts."""
    g, r = (np.zeros((n, 1, 1, 3), np.float32) for n in (generated, reference))
    between, within_g, within_r = (np.zeros((len(a), len(b))) for a, b in ((g, r), (g, g), (r, r)))
    return Comparison(g, r, between, within_g, within_r, parts=parts)


def nearest(generated: Sequence[float], reference: Sequence[float], training: Sequence[float]) -> Neighbours:
    """The nearest training shapes of shapes that are numbers, their distance being the absolute difference."""
    t = np.asarray(training, float)
    among = np.abs(t[:, None] - t)
    np.fill_diagonal(among, np.inf)
    g, r = (np.abs(np.asarray(shapes, float)[:, None] - t) for shapes in (generated, reference))
    return Neighbours(g.min(1)[:, None], g.argmin(1)[:, None], r.min(1)[:, None], r.argmin(1)[:, None], among.min(1))
