"""Ours in the authors' layout: a .pth file per field, a Lightning checkpoint per denoiser.

Only what their code computes in the same way is written: encodings with scale 1 (and the frame's number as its coordinate), and
denoisers with a token for the time, without biases in their projections, of weights as they are.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from hdbench.errors import HdbenchError
from hdbench.schedule import Schedule
from hdbench.store import write_atomically
from hdbench_hyperdiffusion.library import Denoiser, Fields
from hdbench_hyperdiffusion.official.denoiser import BUFFERS, RELEASED

LIGHTNING = "1.5.10"  # the version whose checkpoints are written


def export_fields(fields: Fields, folder: Path) -> list[Path]:
    """Write ``occ_<name>_jitter_0_model_final.pth`` for each field. HdbenchError for an encoding that the authors' code lacks."""
    scale, time = fields.encoder["scale"], fields.encoder["time"]
    if scale != 1 or (fields.frames > 1 and time != "index"):
        raise HdbenchError(
            f"These fields cannot be written in the authors' layout: their encoding has encoder.scale {scale:g} and encoder.time "
            f"'{time}', the authors' code has 1 and 'index'. Fit with '-o encoder.scale=1 -o encoder.time=index'."
        )
    paths = [folder / f"occ_{file_name(name)}_jitter_0_model_final.pth" for name in fields.names]
    if len(set(paths)) < len(paths):
        raise HdbenchError("Two fields would have the same file name. Rename one of them.")
    for row, path in enumerate(paths):
        layers = fields.layout.split(fields.weights[row : row + 1])
        _save(OrderedDict((name, value[0].clone()) for name, value in layers.items()), path)
    return paths


def file_name(name: str) -> str:
    """The name of a shape as that of a file: names may hold folders."""
    return re.sub(r"[^\w.-]", "_", name)


def export_denoiser(denoiser: Denoiser, path: Path) -> None:
    """Write a checkpoint whose ``state_dict`` has ``model.*`` and the schedule's buffers. HdbenchError for another network."""
    _refuse_other_networks(denoiser)
    state = OrderedDict(_buffers(denoiser))
    state.update((f"model.{name}", value.clone()) for name, value in denoiser.state.items())
    content = {"epoch": 0, "global_step": 0, "pytorch-lightning_version": LIGHTNING, "state_dict": state}
    _save(content | {"callbacks": {}, "optimizer_states": [], "lr_schedulers": []}, path)


def _refuse_other_networks(denoiser: Denoiser) -> None:
    wrong = [f"denoiser.{key}={denoiser.network[key]}" for key, value in RELEASED.items() if denoiser.network[key] != value]
    if wrong:
        wanted = " ".join(f"-o denoiser.{key}={str(value).lower()}" for key, value in RELEASED.items())
        raise HdbenchError(f"This denoiser is not the authors' network ({', '.join(wrong)}). Train one with '{wanted}'.")
    mean, scale = denoiser.space["space.mean"], denoiser.space["space.scale"]
    if bool(mean.any()) or bool((scale != 1).any()) or any("basis" in key for key in denoiser.space):
        raise HdbenchError(
            "This denoiser works in a space of its own, the authors' code on weights as they are. Train one with '-o space=raw'."
        )
    kind, prediction = denoiser.schedule["kind"], denoiser.schedule["prediction"]
    if (kind, prediction) != ("linear", "x0") or denoiser.schedule.get("zero_terminal"):
        raise HdbenchError(
            f"This denoiser was trained with schedule.kind '{kind}' and schedule.prediction '{prediction}'; "
            "the authors' code has 'linear' and 'x0'."
        )


def _buffers(denoiser: Denoiser) -> Mapping[str, Tensor]:
    """The four buffers that the authors' code expects: as they were imported, or the betas of the schedule four times."""
    if all(name in denoiser.extra for name in BUFFERS):
        return {name: denoiser.extra[name] for name in BUFFERS}
    schedule = Schedule(**denoiser.schedule)
    betas = torch.linspace(schedule.beta_start, schedule.beta_end, schedule.steps, dtype=torch.float64)
    return {name: betas.clone() for name in BUFFERS}


def _save(content: Any, path: Path) -> None:
    buffer = BytesIO()
    torch.save(content, buffer)
    write_atomically(path, buffer.getvalue())
