"""Rows of shapes against one reference: sizes made equal, what the reference alone decides computed once, failures named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hdbench.errors import HdbenchError
from hdbench.evidence import Sets, known_of_reference
from hdbench.interfaces import Metric
from hdbench.progress import Reporter
from hdbench.protocol import Protocol
from hdbench.score import Score, score
from hdbench.shape_set import ShapeSet
from hdbench.sizes import equalise


@dataclass(frozen=True, slots=True)
class Scored:
    """{title: the row's Score, or the reason why it has none}, and sentences about what was compared."""

    rows: Mapping[str, Score | HdbenchError]
    notes: tuple[str, ...]


def score_rows(
    rows: Mapping[str, Sequence[ShapeSet]],
    reference: ShapeSet,
    training: ShapeSet | None,
    protocol: Protocol,
    metrics: Sequence[Metric],
    *,
    seed: int,
    threads: int | None,
    device: str,
    reporter: Reporter,
) -> Scored:
    """Every row against the reference. HdbenchError where the protocol refuses the sizes of the sets, or the reference."""
    equal, compared, notes = equalise(rows, reference, protocol, seed)
    with reporter.stage("reference: distances and features", 1, 0):
        known = known_of_reference(Sets(compared, protocol, training, threads, device), metrics)
    scores: dict[str, Score | HdbenchError] = {}
    for title, draws in equal.items():
        with reporter.stage(f"{title}: score", 1, 0):
            try:
                scores[title] = score(draws, compared, protocol, metrics, training, known, threads, device)
            except HdbenchError as error:
                scores[title] = error
    return Scored(scores, notes)
