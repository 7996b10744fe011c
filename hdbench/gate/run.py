"""From paths to a verdict: what the command and the pytest fixture call."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hdbench.errors import HdbenchError
from hdbench.gate.check import check
from hdbench.gate.lines import ALPHA, Verdict
from hdbench.gate.measured import Measured, measured
from hdbench.gate.reference import read, to_json
from hdbench.gate.timings import SLOWER, STAGES, calibrate, timing_lines
from hdbench.store import write_atomically
from hdbench.tables.records import read_record


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What is gated and how strictly. ``metrics`` and ``rows`` (titles of methods): all of the reference if none is named;
    ``thresholds``: ``METRIC=VALUE``; ``alpha``: how often a re-seed may fail; the rest is of times (``hdbench.gate.timings``)."""

    metrics: Sequence[str] = ()
    rows: Sequence[str] = ()
    thresholds: Sequence[str] = ()
    alpha: float = ALPHA
    timings: bool = False
    slower: float = SLOWER
    relative_to: str = STAGES
    calibrate: bool = False


def gate(runs: Sequence[Path], against: Path, options: Options | None = None) -> Verdict:
    """Hold run folders (seeds of one configuration) against a reference file. Raises HdbenchError for what does not compare."""
    options = options or Options()
    _refuse_idle_settings(options)
    reference = read(against)
    metrics = options.metrics or reference.gated
    run = _measured(runs, metrics, options.calibrate)
    verdict = check(run, reference, metrics, tolerate=options.thresholds, alpha=options.alpha, rows=options.rows)
    verdict = replace(verdict, against=f"{against.name}: {verdict.against}")
    if not options.timings:
        return verdict
    return replace(verdict, lines=(*verdict.lines, *timing_lines(run, reference, options.slower, options.relative_to)))


def _refuse_idle_settings(options: Options) -> None:
    """A setting of times without times would be forgotten in silence."""
    if options.timings:
        return
    if options.slower != SLOWER or options.relative_to != STAGES or options.calibrate:
        raise HdbenchError("--slower, --relative-to and --calibrate are settings of --timings. Add it, or leave them out.")


def save_reference(runs: Sequence[Path], path: Path, metrics: Sequence[str], measure_machine: bool = False) -> None:
    """Write a reference from run folders: seeds of one configuration."""
    write_atomically(path, to_json(_measured(runs, metrics, measure_machine)).encode())


def _measured(runs: Sequence[Path], metrics: Sequence[str], measure_machine: bool) -> Measured:
    return measured([read_record(run) for run in runs], metrics, calibrate() if measure_machine else math.nan)
