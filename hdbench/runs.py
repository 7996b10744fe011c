"""The run folder: what a person opens afterwards. Configuration, provenance, tables, pictures and meshes of one run."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from textwrap import shorten
from typing import Any

import torch

from hdbench.errors import HdbenchError
from hdbench.flow import Data, Outcome, Result
from hdbench.meshing import export_glb
from hdbench.pictures import first_sequences, write_sequences, write_strips
from hdbench.plan import Plan
from hdbench.provenance import git_state, library_versions, machine
from hdbench.render import View, contact_sheet
from hdbench.shapes import Mesh
from hdbench.stages.measure import scored_tensors
from hdbench.store import FORMAT, read_json, save_tensors, write_atomically, write_json
from hdbench.tables.table import FORMATS, Table

SHOWN = 16  # shapes per row of the gallery: the first of each set, never chosen


def open_run(folder: Path, plan: Plan) -> None:
    """Make the folder, or take it up again. HdbenchError when it was written by another version of hdbench."""
    found = read_json(folder / "run.json")
    if found is not None and found.get("format") != FORMAT:
        raise HdbenchError(
            f"The run folder '{folder}' has format {found.get('format')}, this hdbench writes format {FORMAT}. "
            f"Choose another place with --out, or remove it."
        )
    import tomli_w

    write_atomically(folder / "config.toml", tomli_w.dumps(plain_config(plan)).encode())


def plain_config(plan: Plan) -> dict[str, Any]:
    """The full configuration as TOML can hold it."""
    return _without_none(plan.as_dict())


def _without_none(value: Any) -> Any:
    """TOML has no null: a setting that is None is left to its default, which is None."""
    if isinstance(value, dict):
        return {k: _without_none(v) for k, v in value.items() if v is not None}
    return value


def write_record(
    folder: Path, plan: Plan, result: Result, stages: list[dict[str, Any]], device: str, novelty: str | None
) -> None:
    """``run.json``: everything that a stranger needs to repeat or to doubt the numbers. ``novelty`` is where in the folder the
    record of every sample is."""
    data = result.data
    write_json(
        folder / "run.json",
        {
            "format": FORMAT,
            "kind": "run",
            "name": plan.name,
            "preset": plan.preset,
            "identity": plan.digest,
            "configuration": plan.as_dict(),
            "data": {
                "frames": data.frames, "train": len(data.split.train), "val": len(data.split.val), "test": len(data.split.test),
                "test_names": list(data.split.test), "left_out": data.left_out, "notes": data.notes,
            },
            "rows": [row_record(outcome, plan) for outcome in result.outcomes],
            "novelty": novelty,
            "digests": {record["label"]: record.get("digest") for record in stages},
            "stages": stages,
            **circumstances(plan, device),
        },
    )  # fmt: skip


def circumstances(plan: Plan, device: str) -> dict[str, Any]:
    """By which command, protocol, code, libraries and machine a folder came about."""
    return {
        "command": shlex.join(["hdbench", *sys.argv[1:]]),
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "protocol": {"name": plan.protocol.name, "hash": plan.protocol.hash, "sentence": plan.protocol.sentence()},
        "device": device,
        "libraries": library_versions(),
        "git": git_state(),
        "machine": machine(),
    }


def write_table(folder: Path, table: Table) -> None:
    """``table.txt``, ``.md``, ``.csv`` and ``.json``."""
    for name, ending in (("plain", "txt"), ("markdown", "md"), ("csv", "csv"), ("json", "json")):
        write_atomically(folder / f"table.{ending}", FORMATS[name](table).encode())


def row_record(outcome: Outcome, plan: Plan) -> dict[str, Any]:
    """A row's numbers, without the resampled statistics that its intervals come from (the store has them); how it was obtained,
    and what was odd about it."""
    score = outcome.score and {
        **outcome.score,
        "estimates": {k: {n: v for n, v in e.items() if n != "replicates"} for k, e in outcome.score["estimates"].items()},
    }
    return {
        "title": outcome.title, "method": outcome.method, "origin": outcome.origin, "requested": outcome.requested,
        "empty": outcome.empties, "provenance": provenance_of(outcome, plan), "note": outcome.note,
        "failure": outcome.failure, "score": score,
    }  # fmt: skip


def provenance_of(outcome: Outcome, plan: Plan) -> str:
    """How a method's row is obtained, as the plan says before anything is computed; nothing of reference rows."""
    return plan.notes.get(outcome.method, "") if outcome.origin == "ours" else ""


def table_digest(result: Result) -> str:
    """One digest over all values of the table: equal for the same command, whatever the machine did in between."""
    from hdbench.config import digest

    return digest([[o.title, o.failure, {k: e["value"] for k, e in (o.score or {"estimates": {}})["estimates"].items()}]
                   for o in result.outcomes])  # fmt: skip


def write_pictures(folder: Path, plan: Plan, result: Result) -> None:
    """``gallery.png``: the first test shapes, and the first samples of every method, as meshes where it makes them and as
    clouds where it does not; ``reference.png``: the same for the reference rows that have meshes."""
    write_strips(folder, plan, result)
    source = plan.source.build()
    truth, view = first_test_shapes(plan, result.data), replace(View(), up=source.up)
    for name, origin in (("gallery", "ours"), ("reference", "reference")):
        outcomes = [row for row in result.outcomes if row.origin == origin]
        if result.data.frames > 1 and source.holds == "meshes":
            write_sequences(folder / f"{name}.png", plan, result, outcomes)
            continue
        rows = [(row.title, _first_shapes(row, source.holds, origin)) for row in outcomes]
        rows = [(title, shapes) for title, shapes in rows if shapes]
        if rows or origin == "ours":
            contact_sheet([(f"Test shapes ({plan.data.source})", truth), *rows], folder / f"{name}.png", columns=8, view=view)


def first_test_shapes(plan: Plan, data: Data) -> list[Any]:
    """The first frames of the first test shapes, as pictures show them: meshes, or clouds [q, 3] where there is no more."""
    source, names = plan.source.build(), data.split.test[:SHOWN]
    if source.holds == "clouds":
        return list(data.select(names).load("clouds")[:, 0].numpy())
    return [source.place(source.shape(name)).frames[0] for name in names]


def _first_shapes(outcome: Outcome, holds: str, origin: str) -> list[Any]:
    """The first frames of a row's first samples: meshes, or clouds [q, 3] of data or methods that have no more."""
    meshes = first_meshes(outcome, SHOWN) if holds == "meshes" else []
    if meshes or not outcome.draws or (holds == "meshes" and origin != "ours"):
        return list(meshes)
    return list(outcome.draws[0].clouds.load("clouds")[:SHOWN, 0].numpy())


def first_meshes(outcome: Outcome, count: int) -> list[Mesh]:
    """The first frame of the first ``count`` samples of a row."""
    return [frames[0] for frames in first_sequences(outcome, count)]


def write_meshes(folder: Path, plan: Plan, result: Result) -> None:
    """``samples/METHOD/NNNN.glb``: the first draw of every method; of sequences its first SHOWN, which play. An empty sample has
    no file; ``run.json`` counts it. ``samples/reference``: the first SHOWN test shapes, placed as they are learnt."""
    source = plan.source.build()
    for index, name in enumerate(result.data.split.test[:SHOWN] if source.holds == "meshes" else ()):
        _write_glb(source.place(source.shape(name)).frames, folder / "samples" / "reference" / f"{index:04d}.glb")
    for outcome in result.outcomes:
        if outcome.origin == "ours" and outcome.meshes:
            place = folder / "samples" / outcome.method
            count = len(outcome.draws[0].clouds) if result.data.frames == 1 else SHOWN
            for index, frames in enumerate(first_sequences(outcome, min(count, len(outcome.draws[0].clouds)))):
                if not any(mesh.is_empty for mesh in frames):
                    _write_glb(frames, place / f"{index:04d}.glb")


def _write_glb(frames: Sequence[Mesh], path: Path) -> None:
    export_glb(frames if len(frames) > 1 else frames[0], path)


def write_clouds(folder: Path, result: Result) -> None:
    """``clouds/``: what was scored, for ``hdbench score`` and for other tools: the samples of every method by draw
    [draws, g, t, q, 3], the test shapes and the training shapes [n, t, q, 3], as they were sampled; of meshes also their
    figures, ``figures.NAME`` [draws, g] or [n]."""
    data = result.data
    for name, split in (("reference", data.split.test), ("train", data.split.train)):
        save_tensors(folder / "clouds" / f"{name}.safetensors", scored_tensors(data.select(split)), {})
    for outcome in result.outcomes:
        if outcome.origin == "ours" and outcome.draws:
            parts = [scored_tensors(draw.clouds) for draw in outcome.draws]
            draws = {name: torch.stack([part[name] for part in parts]) for name in parts[0]}
            save_tensors(folder / "clouds" / f"{outcome.method}.safetensors", draws, {"title": outcome.title})


def summary(data: Data) -> str:
    """How many shapes there are, and what was left out or mended, in a few lines."""
    split = data.split
    counts = f"{len(split.train)} train, {len(split.val)} validation, {len(split.test)} test"
    lines = [f"{len(data.clouds)} shapes: {counts}."]
    if data.left_out:
        lines.append(f"Left out: {len(data.left_out)}. " + " ".join(item["reason"] for item in data.left_out[:5]))
    lines += [f"Note: {shorten(note, 200, placeholder=' ...')}" for note in data.notes[:5]]
    if len(data.notes) > 5:
        lines.append(f"... and {len(data.notes) - 5} more notes in run.json.")
    return "\n".join(lines)
