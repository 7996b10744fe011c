"""What a run folder says, flat enough for any logger: settings, numbers, training curves, pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hdbench.interfaces import Logged
from hdbench.store import load_tensors
from hdbench.tables.records import Record

TRAINING = ": train"  # how the labels of training stages end
CURVES = "curve."
PICTURES = (".png",)


def logged(record: Record) -> Logged:
    """A run folder as loggers get it; curves come from the store beside it, where it is."""
    return Logged(
        name=record.name,
        folder=record.folder,
        command=record.command,
        settings=_flat(record.configuration),
        values={row["title"]: _numbers(row["score"]) for row in record.rows if row["score"]},
        curves=curves_of(record),
        pictures=sorted(path for path in record.folder.iterdir() if path.suffix in PICTURES),
    )


def curves_of(record: Record) -> dict[str, dict[str, NDArray[np.float64]]]:
    """{row: {curve: [k]}} of the trainings whose stages are in the store beside the run folder."""
    found = {}
    for stage in record.stages:
        if stage["label"].endswith(TRAINING):
            curves = _curves(record.folder.parent / "store" / str(stage.get("stage", "")))
            if curves:
                found[stage["label"].removesuffix(TRAINING)] = curves
    return found


def _curves(stage: Path) -> dict[str, NDArray[np.float64]]:
    parts = sorted(stage.glob("part-*.safetensors"))
    tensors = load_tensors(parts[0]) if parts else {}
    kept = {name.removeprefix(CURVES): tensor for name, tensor in tensors.items() if name.startswith(CURVES)}
    return {name: tensor.double().numpy() for name, tensor in kept.items() if tensor.dim() == 1}


def _numbers(score: dict) -> dict[str, float]:
    """{column: value} of a row; what is not known (null) is left out."""
    values = {name: estimate["value"] for name, estimate in score["estimates"].items()}
    return {name: float(value) for name, value in values.items() if value is not None and np.isfinite(value)}


def _flat(settings: dict, prefix: str = "") -> dict[str, object]:
    """{dotted key: plain value}."""
    flat: dict[str, object] = {}
    for key, value in settings.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat
