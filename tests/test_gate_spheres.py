"""How often the gate is right, at the scale of the tutorial's spheres: 200 test shapes, 3 draws of 200 samples.

Two degradations of a tenth (``gate_spheres``), and what was chosen for which reason:

*rough*: surfaces so rough that the expected MMD is 10 % higher, which the test checks on the means of its own repeats. MMD, COV
and 1-NNA are gated, the metrics of every table.
*broken*: 10 % of the samples come out at half their size. MMD looks from the reference shapes and has no reason to move; 1-NNA
and COV move by two and three points, less than the noise of 200 samples. So MMD-smp, which looks from the samples, is gated too.

Found (60 runs, six CPU minutes): MMD of rough runs is 10.3 % higher and 20 of 20 are caught; of 20 re-seeds 19 pass (over all 380
pairs 0.8 % fail, at an alpha of 1 %); of broken runs 19 of 20 are caught with MMD-smp, and 1 of 20 without it. What the gate
takes for the SD between runs is within 11 % of what it is in all four metrics of whole runs.

Every repeat holds a run against another whole run of its own, so repeats share neither the reference run's luck nor the sample's.
``pytest -m slow tests/test_gate_spheres.py -s`` prints the counts.
"""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest

from hdbench.gate.check import check
from hdbench.gate.measured import measured
from hdbench.tables.records import read_record
from hdbench.workers import Workers

_SPEC = spec_from_file_location("gate_spheres", Path(__file__).with_name("gate_spheres.py"))
spheres = module_from_spec(_SPEC)
_SPEC.loader.exec_module(spheres)

OF_EVERY_TABLE = spheres.METRICS[:3]
DAMAGE = {"whole": (), "rough": (f"rough={spheres.ROUGH}",), "broken": (f"broken={spheres.BROKEN}",)}


def runs_of(registry, out, pool, kind, repeats, count, draws):
    """Runs of one kind, each with a seed of its own."""
    first = 1000 * list(DAMAGE).index(kind)
    folders = [spheres.make(registry, out, pool, f"{kind}-{i}", first + i, count, draws, *DAMAGE[kind]) for i in range(repeats)]
    return [measured([read_record(folder)], spheres.METRICS) for folder in folders]


def failures(runs, references, metrics):
    """How many of the runs fail, each against the reference before its own."""
    return sum(not check(run, references[i - 1], metrics).passed for i, run in enumerate(runs))


def mean(runs, column):
    return np.mean([run.rows[0].estimates[column].value for run in runs])


def test_a_degradation_is_caught_and_a_reseed_passes(tmp_path):
    """The fast sibling: 30 test shapes, two draws, one repeat; MMD rises by four tenths here, so that so few suffice."""
    registry, small = spheres.install(tmp_path), (60, 2)
    with Workers(1) as pool:
        whole = runs_of(registry, tmp_path, pool, "whole", 2, *small)
        folder = spheres.make(registry, tmp_path, pool, "rough", 7, *small, f"rough={2 * spheres.ROUGH}")
    rough = measured([read_record(folder)], spheres.METRICS)
    assert failures(whole, whole, OF_EVERY_TABLE) == 0
    assert failures([rough], whole, OF_EVERY_TABLE) == 1


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_of_20_degradations_of_a_tenth_19_are_caught_and_of_20_reseeds_19_pass(tmp_path, capsys):
    registry = spheres.install(tmp_path)
    with Workers(1) as pool:
        runs = {kind: runs_of(registry, tmp_path, pool, kind, 20, 400, 3) for kind in DAMAGE}
    rise = mean(runs["rough"], "MMD") / mean(runs["whole"], "MMD")
    found = {
        (kind, metrics[-1]): failures(runs[kind], runs["whole"], metrics)
        for kind in DAMAGE
        for metrics in (OF_EVERY_TABLE, spheres.METRICS)
    }
    with capsys.disabled():
        print(f"\nMMD of rough over whole {rise:.3f}; failures of 20: {found}")  # noqa: T201
    assert rise == pytest.approx(1.10, abs=0.01)
    assert found["whole", "1nna-cd"] <= 1
    assert found["whole", "mmd-smp-cd"] <= 1
    assert found["rough", "1nna-cd"] >= 19
    assert found["broken", "mmd-smp-cd"] >= 19
