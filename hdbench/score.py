"""Clouds -> values with intervals: generated draws against a reference set, under a protocol.

An interval is 95 %: value +- 1.96 standard deviations. Two standard deviations are estimated and the larger one is used.

*Subsampling* (finite sets): the statistic is measured on random halves of the reference and of each draw, without replacement.
The spread over the halves is that of the whole, since the finite-population factor of a half is exactly one. Drawing with
replacement would put copies next to their originals and spoil every nearest-neighbour statistic.
*Between draws* (the sampler's noise, and the training's if every draw has its own training): the spread of the draws over the
square root of their number.

The halves of the reference depend on its size alone, so two methods scored on one reference are compared half by half
(``difference``). What no interval covers: other points on the same surfaces, and another split of the data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hdbench.distances import chamfer_matrix, whole
from hdbench.errors import HdbenchError
from hdbench.interfaces import Comparison, Metric
from hdbench.points import NORMALISATIONS
from hdbench.protocol import Protocol
from hdbench.seeds import numpy_generator
from hdbench.tables import Column

REPLICATES = 200
NORMAL_95 = 1.96
INTERVAL = "95 %: the larger of half-subsampling (finite reference and generated sets) and the spread between draws"


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A value, the half width of its 95 % interval (nan if the sets are too small to tell), and where the width comes from."""

    value: float
    half_width: float
    subsampling_sd: float
    draws_sd: float  # of the mean over draws; nan for a single draw
    replicates: tuple[float, ...] = field(repr=False, default=())  # the statistic on each pair of halves


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One method's numbers: an Estimate per column, how the columns are read, and what went into them (``asdict`` stores it).

    ``count`` is the number of generated shapes that were scored per draw, ``requested`` how many were made, ``empties`` the
    share of the made ones that came out empty, over all draws.
    """

    estimates: dict[str, Estimate]
    columns: tuple[Column, ...]
    protocol_hash: str
    empties: float
    count: int
    requested: int
    reference_count: int
    draws: int


def prepare(clouds: Any, protocol: Protocol) -> NDArray[np.float32]:
    """Clouds [n, t, q, 3] as the protocol wants them; empty samples stay nan."""
    array = np.asarray(clouds, dtype=np.float32)
    return array if protocol.normalisation == "none" else NORMALISATIONS[protocol.normalisation](array)


def reference_distances(reference: Any, protocol: Protocol, threads: int | None = None) -> NDArray[np.float64]:
    """Distances [r, r] within the reference; they are the same for every method, so compute them once and hand them on."""
    return chamfer_matrix(prepare(reference, protocol), precision=protocol.distance, threads=threads)


def score(
    generated_draws: Sequence[Any],
    reference: Any,
    protocol: Protocol,
    metrics: Sequence[Metric],
    within_reference: NDArray[np.float64] | None = None,
    threads: int | None = None,
) -> Score:
    """Score draws [g, t, q, 3] each (nan where a sample came out empty) against a reference [r, t, q, 3].

    Clouds come as they were sampled: the protocol's normalisation is applied here, to both sides. Deterministic, and bit for
    bit the same for any number of ``threads``. Raises HdbenchError when a draw has not as many shapes as the protocol asks
    for, when too few are left after dropping the empty ones, or when a reference cloud is not finite.
    """
    wanted = _checked_reference(reference, protocol)
    if within_reference is None:
        within_reference = reference_distances(reference, protocol, threads)
    made = [_checked_draw(draw, len(wanted), protocol) for draw in generated_draws]
    if not made:
        raise HdbenchError("There is nothing to score: no draw of generated shapes was given.")
    comparisons = [_compare(_kept(draw, len(wanted), protocol), wanted, within_reference, protocol, threads) for draw in made]
    measured = [_measure(comparison, metrics) for comparison in comparisons]
    replicates = _replicates(comparisons, metrics)
    names = list(measured[0])
    return Score(
        estimates={name: _estimate([m[name] for m in measured], [r[name] for r in replicates], len(wanted)) for name in names},
        columns=_columns(comparisons[0], metrics),
        protocol_hash=protocol.hash,
        empties=float(1 - np.mean([whole(draw) for draw in made])),
        count=len(comparisons[0].generated),
        requested=len(made[0]),
        reference_count=len(wanted),
        draws=len(made),
    )


def difference(first: Score, second: Score, column: str) -> Estimate:
    """``first`` minus ``second`` in one column, with an interval from the same halves of the same reference (paired).

    Raises HdbenchError for scores of different protocols or references.
    """
    same = (first.protocol_hash, first.reference_count) == (second.protocol_hash, second.reference_count)
    if not same or column not in first.estimates or column not in second.estimates:
        raise HdbenchError(f"Two scores can be subtracted in '{column}' only if protocol, reference and column are the same.")
    a, b = first.estimates[column], second.estimates[column]
    paired = np.subtract(a.replicates, b.replicates)
    draws_sd = float(np.hypot(a.draws_sd, b.draws_sd))
    return _with_width(a.value - b.value, _spread(paired, first.reference_count), draws_sd, tuple(paired.tolist()))


# -------------------------------------------------------------------------------------------------------- from clouds


def _checked_reference(reference: Any, protocol: Protocol) -> NDArray[np.float32]:
    clouds = prepare(reference, protocol)
    bad = np.flatnonzero(~whole(clouds))
    if len(clouds) == 0 or len(bad):
        raise HdbenchError(
            "There is no reference shape to score against. Give the test split at least one shape."
            if len(clouds) == 0
            else f"Reference clouds {bad[:5].tolist()} (of {len(clouds)}) are empty or have no extent. Leave these shapes out."
        )
    return clouds


def _checked_draw(draw: Any, reference_count: int, protocol: Protocol) -> NDArray[np.float32]:
    clouds, wanted = prepare(draw, protocol), protocol.generated_count(reference_count)
    if len(clouds) != wanted:
        raise HdbenchError(
            f"The protocol '{protocol.name}' compares {wanted} generated shapes with {reference_count} reference shapes, "
            f"but a draw holds {len(clouds)}. Generate {wanted}."
        )
    return clouds


def _kept(draw: NDArray[np.float32], count: int, protocol: Protocol) -> NDArray[np.float32]:
    """The shapes that are compared: all of them, or the first ``count`` that are not empty."""
    if protocol.empties == "worst":
        return draw
    full = draw[whole(draw)]
    if len(full) < count:
        raise HdbenchError(
            f"Only {len(full)} of {len(draw)} generated shapes have a surface, and the protocol '{protocol.name}' needs {count} "
            "after it drops the empty ones. Score with '--protocol strict', which counts empty shapes as the worst."
        )
    return full[:count]


def _compare(
    generated: NDArray[np.float32],
    reference: NDArray[np.float32],
    within: NDArray[np.float64],
    protocol: Protocol,
    threads: int | None,
) -> Comparison:
    return Comparison(
        generated=generated,
        reference=reference,
        between=chamfer_matrix(generated, reference, protocol.distance, threads),
        within_generated=chamfer_matrix(generated, precision=protocol.distance, threads=threads),
        within_reference=within,
        ties=protocol.ties,
    )


def _measure(comparison: Comparison, metrics: Sequence[Metric]) -> dict[str, float]:
    return {column: float(value) for metric in metrics for column, value in metric.measure(comparison).items()}


def _columns(comparison: Comparison, metrics: Sequence[Metric]) -> tuple[Column, ...]:
    """How each metric's first column is read; its other columns stand beside it as details."""
    found = []
    for metric in metrics:
        name, *details = metric.measure(comparison)
        found.append(
            Column(
                name=name,
                unit=metric.unit,
                direction=metric.direction,
                target=metric.target,
                definition=metric.definition,
                details=tuple(details),
            )
        )
    return tuple(found)


# ------------------------------------------------------------------------------------------------------------ intervals


def _replicates(comparisons: Sequence[Comparison], metrics: Sequence[Metric]) -> list[dict[str, float]]:
    """Mean over draws of every column, on halves: one half of the reference for all draws, one half of each draw."""
    return [_on_halves(comparisons, metrics, k) for k in range(REPLICATES)]


def _on_halves(comparisons: Sequence[Comparison], metrics: Sequence[Metric], replicate: int) -> dict[str, float]:
    reference = _half(len(comparisons[0].reference), "reference", replicate)
    rows = []
    for draw, comparison in enumerate(comparisons):
        generated = _half(len(comparison.generated), "generated", draw, replicate)
        rows.append(_measure(comparison.select(generated, reference), metrics))
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}


def _half(count: int, *path: int | str) -> NDArray[np.int64]:
    """A random half (rounded up) of the indices below ``count``, in order."""
    return np.sort(numpy_generator("half", count, *path).permutation(count)[: (count + 1) // 2])


def _estimate(draws: Sequence[float], replicates: Sequence[float], count: int) -> Estimate:
    """The mean over draws with its interval."""
    draws_sd = float(np.std(draws, ddof=1) / np.sqrt(len(draws))) if len(draws) > 1 and np.isfinite(draws).all() else np.nan
    return _with_width(float(np.mean(draws)), _spread(np.asarray(replicates), count), draws_sd, tuple(replicates))


def _spread(replicates: NDArray[np.float64], count: int) -> float:
    """Standard deviation of the whole's statistic from that of its halves; nan for fewer than four shapes or infinite values."""
    half = (count + 1) // 2
    if count < 4 or not np.isfinite(replicates).all():
        return float("nan")
    return float(replicates.std(ddof=1) * np.sqrt(half / (count - half)))


def _with_width(value: float, subsampling_sd: float, draws_sd: float, replicates: tuple[float, ...]) -> Estimate:
    known = [sd for sd in (subsampling_sd, draws_sd) if np.isfinite(sd)]
    half_width = NORMAL_95 * max(known) if known else float("nan")
    return Estimate(
        value=value, half_width=half_width, subsampling_sd=subsampling_sd, draws_sd=draws_sd, replicates=replicates
    )  # fmt: skip
