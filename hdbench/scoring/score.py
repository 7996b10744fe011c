"""Shapes -> values with intervals: generated draws against a reference set, under a protocol.

``hdbench.scoring.evidence`` makes the comparison that metrics see, ``hdbench.scoring.intervals`` says how far its numbers can
be trusted, and ``hdbench.scoring.permutation`` whether the two sets could be told apart at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hdbench.distances.chamfer import whole
from hdbench.errors import HdbenchError
from hdbench.interfaces import Comparison, Metric
from hdbench.plain import number
from hdbench.protocol import Protocol
from hdbench.scoring.evidence import Known, Sets, compare, known_of_reference, left_out, recorded
from hdbench.scoring.intervals import Estimate, estimate
from hdbench.scoring.intervals import difference as paired_difference
from hdbench.scoring.nearest import Nearest, of_generated, of_reference
from hdbench.scoring.permutation import combined, nearest_neighbour_p_value
from hdbench.scoring.replicates import Replicates, Statistic, replicate
from hdbench.shape_set import ShapeSet, as_shape_set
from hdbench.tables.table import Column, Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One method's numbers: an Estimate per column, how the columns are read, and what went into them (``numbers`` stores it).

    ``count`` is the number of generated shapes that were scored per draw, ``requested`` how many were made, ``empties`` the
    share of the made ones that came out empty, over all draws. ``p_value``: of the permutation test that generated and
    reference shapes are alike, by nearest neighbours in Chamfer distance. ``left_out``: {metric: why it was not computed}.
    ``nearest``, with a training set: which shapes are nearest to every sample, by draw, and to every reference shape.
    """

    estimates: dict[str, Estimate]
    columns: tuple[Column, ...]
    protocol_hash: str
    empties: float
    count: int
    requested: int
    reference_count: int
    draws: int
    p_value: float = float("nan")
    left_out: Mapping[str, str] = field(default_factory=dict)
    nearest: tuple[Nearest, ...] = field(default=(), compare=False, repr=False)
    nearest_of_reference: Nearest | None = field(default=None, compare=False, repr=False)


def score(
    generated_draws: Sequence[Any],
    reference: Any,
    protocol: Protocol,
    metrics: Sequence[Metric],
    training: Any = None,
    known: Known | None = None,
    threads: int | None = None,
    device: str = "cpu",
    intervals: bool = True,
) -> Score:
    """Score draws (generation seeds) of shapes against a reference: ShapeSets, or clouds [n, t, q, 3] (nan where empty).

    Clouds come as they were sampled: the protocol's normalisation is applied here, to all of them. ``training`` is what
    novelty is measured against. ``known`` is ``evidence.known_of_reference`` of the same sets and metrics; what is missing in
    it is computed. A metric that these sets do not allow is left out, with the reason. Without ``intervals`` distances that
    decide nothing are skipped: the same values, much sooner. Deterministic, and bit for bit the same for any number of
    ``threads``. Raises HdbenchError when a draw has not as many shapes as the protocol asks for, when too few are left after
    dropping the empty ones, or when a reference cloud is not finite.
    """
    sets = Sets(as_shape_set(reference), protocol, None if training is None else as_shape_set(training), threads, device,
                skip_pairs=not intervals and all(metric.chamfer != "all" for metric in metrics))  # fmt: skip
    _check_reference(sets)
    made = [_checked_draw(as_shape_set(draw), sets) for draw in generated_draws]
    if not made:
        raise HdbenchError("There is nothing to score: no draw of generated shapes was given.")
    reasons = left_out(made[0], sets, metrics)
    able = [metric for metric in metrics if metric.name not in reasons]
    also = recorded(sets)
    known = known_of_reference(sets, able, known, also)
    kept = [_kept(draw, sets) for draw in made]
    comparisons = [compare(draw.select(index), sets, able, known, also) for draw, index in zip(made, kept)]
    measured, refused = _measured(comparisons, able)
    able = [metric for metric in able if metric.name not in refused]
    draws = [_flat(values) for values in measured]
    again = [metric for metric in able if metric.resampled]
    replicates = _replicates(comparisons, again) if intervals else Replicates({}, len(sets.reference))
    return Score(
        estimates={name: estimate([draw[name] for draw in draws], replicates, name) for name in draws[0]},
        columns=_columns(measured[0], able),
        protocol_hash=protocol.hash,
        empties=float(1 - np.mean([whole(draw.clouds) for draw in made])),
        count=len(comparisons[0].generated),
        requested=len(made[0]),
        reference_count=len(sets.reference),
        draws=len(made),
        p_value=combined([_p_value(comparison) for comparison in comparisons]),
        left_out={**reasons, **refused},
        nearest=tuple(filter(None, map(of_generated, comparisons, kept))),
        nearest_of_reference=of_reference(comparisons[0]),
    )


def numbers(score: Score) -> dict[str, Any]:
    """All but the nearest shapes, as plain values."""
    plain = asdict(replace(score, nearest=(), nearest_of_reference=None))
    return {name: value for name, value in plain.items() if name not in ("nearest", "nearest_of_reference")}


def score_from(values: Mapping[str, Any]) -> Score:
    """The Score that ``numbers`` made plain, as the store or a JSON file gives it back: null is nan again."""
    estimates = {name: _estimate_from(known) for name, known in values["estimates"].items()}
    columns = tuple(Column(**{**column, "details": tuple(column["details"])}) for column in values["columns"])
    return Score(**{**values, "estimates": estimates, "columns": columns, "p_value": number(values["p_value"])})


def _estimate_from(known: Mapping[str, Any]) -> Estimate:
    figures = {name: number(value) for name, value in known.items() if name not in ("shapes", "replicates")}
    return Estimate(**figures, shapes=known["shapes"], replicates=tuple(map(tuple, known.get("replicates", ()))))


def row_of(title: str, score: Score, **about: Any) -> Row:
    """The row of a table; ``about`` are its other fields, such as its note."""
    return Row(
        title=title,
        protocol_hash=score.protocol_hash,
        values={name: (e.value, e.half_width) for name, e in score.estimates.items()},
        estimates=score.estimates,
        empties=score.empties,
        count=score.count,
        draws=score.draws,
        p_value=score.p_value,
        **about,
    )


def difference(first: Score, second: Score, column: str) -> Estimate:
    """``first`` minus ``second`` in one column, with an interval from the same parts of the same reference (paired).

    Raises HdbenchError for scores of different protocols or references.
    """
    same = (first.protocol_hash, first.reference_count) == (second.protocol_hash, second.reference_count)
    if not same or column not in first.estimates or column not in second.estimates:
        raise HdbenchError(f"Two scores can be subtracted in '{column}' only if protocol, reference and column are the same.")
    return paired_difference(first.estimates[column], second.estimates[column])


# ---------------------------------------------------------------------------------------------------------- from shapes


def _check_reference(sets: Sets) -> None:
    clouds = sets.clouds("reference")
    bad = np.flatnonzero(~whole(sets.reference.clouds) | ~whole(clouds))
    if len(clouds) == 0 or len(bad):
        raise HdbenchError(
            "There is no reference shape to score against. Give the test split at least one shape."
            if len(clouds) == 0
            else f"Reference clouds {bad[:5].tolist()} (of {len(clouds)}) are empty or have no extent. Leave these shapes out."
        )


def _checked_draw(draw: ShapeSet, sets: Sets) -> ShapeSet:
    wanted, frames = sets.protocol.generated_count(len(sets.reference)), sets.reference.frames
    if len(draw) != wanted:
        raise HdbenchError(
            f"The protocol '{sets.protocol.name}' compares {wanted} generated shapes with {len(sets.reference)} reference "
            f"shapes, but a draw holds {len(draw)}. Generate {wanted}."
        )
    if draw.frames != frames:
        raise HdbenchError(f"Sequences of {draw.frames} frames cannot be compared with sequences of {frames} frames.")
    return draw


def _kept(draw: ShapeSet, sets: Sets) -> NDArray[np.int64]:
    """Positions of the shapes that are compared: all of them, or the first ``count`` that are not empty."""
    protocol, count = sets.protocol, len(sets.reference)
    if protocol.empties != "drop":
        return np.arange(len(draw))
    full = np.flatnonzero(whole(draw.clouds))
    if len(full) < count:
        raise HdbenchError(
            f"Only {len(full)} of {len(draw)} generated shapes have a surface, and the protocol '{protocol.name}' needs {count} "
            "after it drops the empty ones. Score with '--protocol strict', which counts empty shapes as the worst."
        )
    return full[:count]


def _columns(values: Mapping[str, Mapping[str, float]], metrics: Sequence[Metric]) -> tuple[Column, ...]:
    """How each metric's first column is read; its other columns stand beside it as details."""
    found = []
    for metric in metrics:
        name, *details = values[metric.name]
        found.append(
            Column(
                name=name,
                metric=metric.name,
                unit=metric.unit,
                direction=metric.direction,
                target=metric.target,
                definition=metric.definition,
                details=tuple(details),
            )
        )
    return tuple(found)


# ------------------------------------------------------------------------------------------------------------- numbers


def _measured(comparisons: Sequence[Comparison], metrics: Sequence[Metric]) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """{metric: {column: value}} of every draw, and why these sets do not allow the other metrics (too few shapes, ...)."""
    found: list[dict[str, Any]] = [{} for _ in comparisons]
    refused: dict[str, str] = {}
    for metric in metrics:
        try:
            values = [metric.measure(comparison) for comparison in comparisons]
        except HdbenchError as error:
            refused[metric.name] = str(error)
            continue
        for row, own in zip(found, values):
            row[metric.name] = {column: float(value) for column, value in own.items()}
    return found, refused


def _flat(values: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """{column: value}; HdbenchError when two metrics claim one column."""
    flat: dict[str, float] = {}
    for metric, own in values.items():
        taken = own.keys() & flat.keys()
        if taken:
            raise HdbenchError(f"The metric '{metric}' gives a column '{taken.pop()}' that another metric gives already.")
        flat |= own
    return flat


def _replicates(comparisons: Sequence[Comparison], metrics: Sequence[Metric]) -> Replicates:
    """All columns on parts of both sets."""

    def statistic(comparison: Comparison) -> Statistic:
        return lambda generated, reference: _on_part(comparison.select(generated, reference), metrics)

    counts = [len(comparison.generated) for comparison in comparisons]
    return replicate([statistic(comparison) for comparison in comparisons], counts, len(comparisons[0].reference))


def _on_part(comparison: Comparison, metrics: Sequence[Metric]) -> dict[str, float]:
    """The columns of the metrics that the part allows; one that finds it too small gets no interval."""
    return _flat(_measured([comparison], metrics)[0][0])


def _p_value(comparison: Comparison) -> float:
    return nearest_neighbour_p_value(
        comparison.within_generated, comparison.between, comparison.within_reference, comparison.ties
    )  # fmt: skip
