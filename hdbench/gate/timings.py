"""Times as ratios: CPU seconds of every stage over the reference's, divided by how fast the machine is.

How fast it is, is the median of these ratios over the stages: then a stage stands out that became slower than the others, on
whatever machine. A stage of the same run may be taken instead (one whose code did not change), or a calibration: a fixed piece
of work, measured on the machine of the run and on that of the reference, which alone sees that all became slower.
"""

from __future__ import annotations

import math
import time
from statistics import median

from hdbench.errors import HdbenchError, unknown
from hdbench.gate.lines import Line
from hdbench.gate.measured import Measured

SLOWER = 1.5  # ratios beyond it fail: CPU times of equal work differ by a tenth or two on a shared machine
LEAST_SECONDS = 2.0  # stages below are noise
CALIBRATION = "calibration"
STAGES = "stages"


def timing_lines(run: Measured, reference: Measured, slower: float = SLOWER, relative_to: str = STAGES) -> list[Line]:
    """A line per stage that took at least two CPU seconds in the reference. Raises HdbenchError if nothing can be compared."""
    ratios = {
        label: run.timings[label] / seconds
        for label, seconds in reference.timings.items()
        if seconds >= LEAST_SECONDS and label in run.timings
    }
    if not ratios:
        raise HdbenchError("The run and the reference have no stage of two CPU seconds or more in common: times do not compare.")
    speed = _speed(run, reference, ratios, relative_to)
    return [
        _line(label, run.timings[label], reference.timings[label], ratio / speed, slower)
        for label, ratio in ratios.items()
        if label != relative_to
    ]


def _speed(run: Measured, reference: Measured, ratios: dict[str, float], relative_to: str) -> float:
    if relative_to == STAGES:
        return median(ratios.values())
    if relative_to != CALIBRATION:
        if relative_to not in ratios:
            raise unknown("stage of at least two CPU seconds", relative_to, [STAGES, CALIBRATION, *ratios])
        return ratios[relative_to]
    speed = run.calibration_seconds / reference.calibration_seconds
    if math.isnan(speed):
        raise HdbenchError(
            "The reference has no calibration, or this check was not given --calibrate. Use it for both, each on its machine."
        )
    return speed


def _line(label: str, seconds: float, before: float, ratio: float, slower: float) -> Line:
    return Line(
        row="time", name=label, value=seconds, reference=before, unit="s", worse=ratio, fails_from=slower, kind="time",
        verdict="fail" if ratio > slower else "pass",
    )  # fmt: skip


def calibrate() -> float:
    """CPU seconds of a fixed piece of work: products of matrices, sorting, and Python; the least of five."""
    import numpy as np

    numbers = np.random.default_rng(0).random((384, 384), np.float32)
    found = []
    for _ in range(5):
        start = time.process_time()
        for _ in range(20):
            np.sort(numbers @ numbers, axis=None)
        sum(i * i for i in range(400_000))
        found.append(time.process_time() - start)
    return min(found)
