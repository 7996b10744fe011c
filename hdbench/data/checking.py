"""A path -> a report: the sources say what they see, files are glanced at, some shapes are read."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from hdbench.data.judging import judge
from hdbench.data.looking import look_at
from hdbench.data.on_disk import glance, odd_names
from hdbench.data.report import Report
from hdbench.data.sightings import Seen, look
from hdbench.errors import HdbenchError
from hdbench.interfaces import ShapeSource
from hdbench.loading.load import check_path, exists
from hdbench.loading.wording import plural
from hdbench.registry import Registry
from hdbench.shapes import Split, split_by_fraction

Progress = Callable[[int, int], None]
FIRST = 20  # files of clouds that are read to see whether they are any
LIKELY = ("dpc", "pvd")  # baselines of clouds to name first, where they are installed


def check(registry: Registry, path: Path, every: bool = False, progress: Progress = lambda done, total: None) -> Report:
    """What lies at ``path``; ``every`` shape is read, or as many as a few seconds allow. HdbenchError for a path that does not
    exist."""
    report = Report(str(path))
    try:
        report.seen = look(registry, path)
    except HdbenchError as error:
        if not exists(path):
            raise
        report.problems.append(str(error))
        return report
    if not report.seen:
        check_path(path)
        _as_shapes_to_score(path, report, progress)
    elif len(report.seen) > 1:
        report.use = [f"hdbench data check {shlex.quote(report.seen[0].sighting.path)}"]
    else:
        _look_closer(registry, report, every, progress)
    return report


def _look_closer(registry: Registry, report: Report, every: bool, progress: Progress) -> None:
    [seen] = report.seen
    report.remarks += seen.sighting.remarks
    try:
        source = seen.build()
        names = source.names()
        split = _split(source, names, report)
    except HdbenchError as error:
        report.problems.append(str(error))
        return
    part_of = {name: part for part in report.parts for name in getattr(split, part)} if report.prescribed else {}
    used = [name for name in names if name in part_of] if report.prescribed else list(names)
    report.of = len(used)
    report.looked = look_at(source, used, every, progress)
    judge(report, glance(seen.sighting.files), part_of)
    report.remarks += odd_names(seen.sighting.files)
    report.use = _commands(registry, seen, report.prescribed)


def _split(source: ShapeSource, names: Sequence[str], report: Report) -> Split:
    """The split of the data or of a run, filed in the report. HdbenchError when a run would refuse it."""
    prescribed = source.split()
    report.prescribed = prescribed is not None
    split = prescribed or split_by_fraction(tuple(names))
    report.parts = {part: len(getattr(split, part)) for part in ("train", "val", "test")}
    return split


def _commands(registry: Registry, seen: Seen, split: bool) -> list[str]:
    """How to run it, and how to score against it."""
    data = shlex.quote(seen.data)
    if seen.cls.holds == "meshes":
        return [f"hdbench run --method hyperdiffusion --data {data}"]
    installed = registry.names("baseline")
    baseline = next((name for name in (*LIKELY, *installed) if name in installed), "NAME")
    sets = f"--reference {data}/test --train {data}/train" if split else f"--reference {data}"
    return [f"hdbench run --baseline {baseline} --data {data}", f"hdbench score --generated SAMPLES.npy {sets}"]


def _as_shapes_to_score(path: Path, report: Report, progress: Progress) -> None:
    """What no source of a run reads may still be a set of shapes for ``hdbench score``."""
    from hdbench.loading.folders import read_clouds
    from hdbench.loading.listing import list_folder
    from hdbench.loading.load import load_shapes
    from hdbench.loading.run_folder import is_run

    quoted = shlex.quote(str(path))
    if is_run(path):
        report.remarks.append("A run folder of hdbench: its samples, test and training shapes can be scored.")
        report.use = [f"hdbench score --generated {quoted}"]
        return
    try:
        if path.is_dir():
            listing = list_folder(path, None)
            some_files = replace(listing, files=listing.files[:FIRST])
            report.remarks.append(f"{plural(len(listing.files), 'shape')} ({listing.kind} files); runs do not read them.")
            report.remarks += [f"{note}." for note in read_clouds(some_files, None, "reference", progress).notes[1:]]
        else:
            shapes = load_shapes(path, points=1, take="first", role="reference")
            report.remarks += [f"{note}." for note in shapes.notes if not note.startswith(("1 points", "the first 1"))]
    except HdbenchError as error:
        report.problems.append(str(error))
        return
    report.use = [f"hdbench score --generated SAMPLES.npy --reference {quoted}"]
