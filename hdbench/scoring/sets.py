"""Rows of shapes against one reference: sizes made equal, what the reference alone decides computed once, failures named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hdbench.errors import HdbenchError
from hdbench.interfaces import Metric
from hdbench.loading.inputs import Loaded
from hdbench.progress import Reporter
from hdbench.protocol import Protocol
from hdbench.scoring.evidence import Known, Sets, feature_notes, known_of_reference, recorded
from hdbench.scoring.score import Score, score
from hdbench.scoring.sizes import equalise
from hdbench.shape_set import ShapeSet


@dataclass(frozen=True, slots=True)
class Scored:
    """{title: the row's Score, or the reason why it has none}, sentences about what was compared, and the control rows: how each
    is to be read. ``compared``, ``reference`` and ``training`` are the sets themselves, as they were compared."""

    rows: Mapping[str, Score | HdbenchError]
    notes: tuple[str, ...]
    controls: Mapping[str, str]
    compared: Mapping[str, Sequence[ShapeSet]]
    reference: ShapeSet
    training: ShapeSet | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How rows are scored: ``seed`` of what is chosen, with ``intervals`` or values alone, with rows of ``controls`` or not."""

    seed: int = 0
    threads: int | None = None
    device: str = "cpu"
    intervals: bool = True
    controls: bool = False


def score_rows(sets: Loaded, protocol: Protocol, metrics: Sequence[Metric], settings: Settings, reporter: Reporter) -> Scored:
    """Every row against the reference. HdbenchError where the protocol refuses the sizes of the sets."""
    rows, reference, notes = equalise(sets.rows, sets.reference, protocol, settings.seed)
    controls = _controls(sets, reference, protocol, settings) if settings.controls else {}
    skip = not settings.intervals and all(metric.chamfer != "all" for metric in metrics)
    against = Sets(reference, protocol, sets.training, settings.threads, settings.device, skip)
    with reporter.stage("reference: distances and features", 1, 0):
        known = known_of_reference(against, metrics, also=recorded(against))
    scores: dict[str, Score | HdbenchError] = {}
    compared = {**rows, **{title: [made] for title, made in controls.items()}}
    for title, draws in compared.items():
        with reporter.stage(f"{title}: score", 1, 0):
            scores[title] = _score(draws, against, metrics, known, settings)
    how_to_read = {title: made if isinstance(made, str) else "; ".join(made.notes) for title, made in controls.items()}
    sets_of = {title: [draw for draw in draws if isinstance(draw, ShapeSet)] for title, draws in compared.items()}
    return Scored(scores, (*notes, *feature_notes(metrics)), how_to_read, sets_of, reference, sets.training)


def _score(
    draws: Sequence[ShapeSet | str], against: Sets, metrics: Sequence[Metric], known: Known, settings: Settings
) -> Score | HdbenchError:
    """One row's numbers, or why there are none."""
    if isinstance(draws[0], str):
        return HdbenchError(draws[0])
    try:
        return score(
            draws, against.reference, against.protocol, metrics, against.training, known, settings.threads, settings.device,
            settings.intervals,
        )  # fmt: skip
    except HdbenchError as error:
        return error


def _controls(sets: Loaded, reference: ShapeSet, protocol: Protocol, settings: Settings) -> Mapping[str, ShapeSet | str]:
    """Sets that nobody trained a network for; where the reference was sub-sampled, its other points are of the same shapes."""
    from hdbench.scoring.controls import control_sets

    again = None if sets.again is None else equalise(sets.rows, sets.again, protocol, settings.seed)[1]
    return control_sets(reference, sets.training, settings.seed, again)
