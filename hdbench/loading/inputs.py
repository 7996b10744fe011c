"""All sets of shapes of a job: read, described line by line, and checked against each other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations

import numpy as np

from hdbench.distances.chamfer import whole
from hdbench.errors import HdbenchError
from hdbench.loading.agreement import oddities, refuse_other_frames, shared_shapes
from hdbench.loading.choosing import Role
from hdbench.loading.load import load_draws
from hdbench.loading.of_source import load_part
from hdbench.loading.sources import Job, Source
from hdbench.loading.wording import plural, some
from hdbench.progress import Reporter
from hdbench.protocol import Protocol
from hdbench.shape_set import ShapeSet


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """The sets of shapes of a job, the reference shapes with other points where they were wanted and can be had, and what was
    said about each row's shapes."""

    rows: Mapping[str, Sequence[ShapeSet]]
    reference: ShapeSet
    training: ShapeSet | None
    again: ShapeSet | None
    remarks: Mapping[str, Sequence[str]]


def read(job: Job, announce: Callable[[str], None], reporter: Reporter, with_again: bool = False) -> Loaded:
    """All sets of a job. What was read and what is odd is announced line by line."""
    reference = _only(_read(job, job.reference, "reference", announce, reporter), job.reference, "reference")
    _refuse_empty(reference, job.reference)
    training = _training(job, reference, announce, reporter)
    rows, remarks = {}, {}
    for title, sources in job.rows.items():
        rows[title] = [draw for source in sources for draw in _read(job, source, "generated", announce, reporter)]
        remarks[title] = list(dict.fromkeys(_remarks(rows[title], reference, training, title, job.protocol)))
        for remark in remarks[title]:
            announce(f"  note: {remark}.")
    for remark in shared_shapes(reference, training, "the reference", "the training shapes") if training else ():
        announce(f"  note: {remark}: the split leaks.")
    return Loaded(rows, reference, training, _again(job, reporter) if with_again else None, remarks)


def _training(job: Job, reference: ShapeSet, announce: Callable[[str], None], reporter: Reporter) -> ShapeSet | None:
    """The training shapes; those that came out empty are nobody's neighbour and are left out."""
    if job.training is None:
        return None
    training = _only(_read(job, job.training, "train", announce, reporter), job.training, "train")
    refuse_other_frames(training, reference, "The training set")
    full = whole(training.clouds)
    if not full.all():
        announce(f"  note: {plural(int((~full).sum()), 'empty training shape')} left out.")
    return training.select(full)


def _again(job: Job, reporter: Reporter) -> ShapeSet | None:
    """The reference shapes with other points on their surfaces; None where the clouds hold too few."""
    try:
        return _draws(job, job.reference, "reference", reporter, again=True)[0]
    except HdbenchError:
        return None


def _refuse_empty(reference: ShapeSet, source: Source) -> None:
    empty = [reference.names[i] for i in np.flatnonzero(~whole(reference.clouds))]
    if empty:
        raise HdbenchError(
            f"{len(empty)} of {len(reference)} reference shapes in '{source}' are empty or cannot be read: {some(empty)}. "
            "Nothing can be near to them; leave them out of the reference."
        )


def _read(job: Job, source: Source, role: Role, announce: Callable[[str], None], reporter: Reporter) -> tuple[ShapeSet, ...]:
    draws = _draws(job, source, role, reporter)
    announce(f"{role}{f' {source.title!r}' if role == 'generated' else ''}: {source}")
    for note in dict.fromkeys(note for draw in draws for note in draw.notes):
        announce(f"  {note}")
    return draws


def _draws(job: Job, source: Source, role: Role, reporter: Reporter, again: bool = False) -> tuple[ShapeSet, ...]:
    with reporter.stage(f"read {source.path.name}", 1, 0) as move:
        if source.part:
            read_part = partial(load_part, source.part, role, points=job.protocol.points, seed=job.seed, take=job.protocol.take)
            return (read_part(again=again, progress=lambda done, total: move(done / total)),)
        draws = load_draws(
            source.path, key=source.key, role=role, points=job.protocol.points, take=job.protocol.take, seed=job.seed,
            frames=job.frames, again=again, progress=lambda done, total: move(done / total),
        )  # fmt: skip
    return tuple(draw.named() for draw in draws)


def _only(draws: tuple[ShapeSet, ...], source: Source, role: str) -> ShapeSet:
    if len(draws) > 1:
        raise HdbenchError(f"'{source}' holds {len(draws)} draws, but the {role} shapes are one set. Give an array [n, t, q, 3].")
    return draws[0]


def _remarks(
    draws: Sequence[ShapeSet], reference: ShapeSet, training: ShapeSet | None, title: str, protocol: Protocol
) -> Iterable[str]:
    """What makes one doubt that a row and the reference belong together. HdbenchError when they cannot."""
    what = f"'{title}'"
    for draw in draws:
        refuse_other_frames(draw, reference, what)
        yield from oddities(draw, reference, what, scaled=protocol.normalisation != "none")
        yield from shared_shapes(draw, reference, what, "the reference shapes")
        yield from shared_shapes(draw, training, what, "the training shapes") if training else ()
    if any(np.array_equal(a.clouds, b.clouds, equal_nan=True) for a, b in combinations(draws, 2)):
        yield f"two draws of {what} are the same shapes, so their spread says nothing"
