"""Pictures of a run that are more than one frame of each sample: sequences over time, and strips (``hdbench.strips``)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from hdbench.flow import Outcome, Result
from hdbench.plan import Plan
from hdbench.render import View, contact_sheet, frame_sheet
from hdbench.shapes import Mesh
from hdbench.stages.decode import unpack
from hdbench.store import load_tensors

SEQUENCES = 6  # of each set, the first ones
COLUMNS = 8  # frames of each
KINDS = ("trajectory", "interpolation")


def first_sequences(outcome: Outcome, count: int) -> list[tuple[Mesh, ...]]:
    """All frames of the first ``count`` samples of a row; fewer, or none, where it has no meshes."""
    found: list[tuple[Mesh, ...]] = []
    for path in outcome.meshes:
        tensors = load_tensors(path)
        if len(found) >= count or "mesh.counts" not in tensors:
            break
        found += unpack(tensors)
    return found[:count]


def write_sequences(path: Path, plan: Plan, result: Result, outcomes: Sequence[Outcome]) -> None:
    """A line per sequence, time from left to right: the first test sequences, and the first samples of these rows."""
    source = plan.source.build()
    truth = [source.place(source.shape(name)).frames for name in result.data.split.test[:SEQUENCES]]
    rows = [(outcome.title, first_sequences(outcome, SEQUENCES)) for outcome in outcomes]
    shown = [(f"Test sequences ({plan.data.source})", truth), *((title, sequences) for title, sequences in rows if sequences)]
    frame_sheet(shown, path, columns=COLUMNS, view=replace(View(), up=source.up))


def write_strips(folder: Path, plan: Plan, result: Result) -> None:
    """``trajectory.png``: what samplers predict from noise to sample; ``interpolation.png``: what is between two fields, and
    between two samples. Each method has the colour that it has in the gallery."""
    view = replace(View(), up=plan.source.build().up)
    for kind in KINDS:
        ours = (outcome for outcome in result.outcomes if outcome.origin == "ours")
        strips = [(tone, strip) for tone, outcome in enumerate(ours, 1) for strip in outcome.strips if strip.kind == kind]
        rows = [(strip.title, [frames[0] for frames in unpack(load_tensors(strip.meshes))]) for _, strip in strips]
        if rows:
            columns, tones = max(len(meshes) for _, meshes in rows), [tone for tone, _ in strips]
            contact_sheet(rows, folder / f"{kind}.png", columns=columns, size=144, view=view, tones=tones)
