"""What ``hdbench weights import`` and ``export`` do, and the sentences that say what was found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import sqrt
from pathlib import Path

import torch
from torch import Tensor

from hdbench.errors import HdbenchError
from hdbench.progress import Reporter
from hdbench_hyperdiffusion.content import sha256
from hdbench_hyperdiffusion.library import (
    Denoiser,
    Fields,
    is_ours,
    kind_of,
    read_denoiser,
    read_fields,
    write_denoiser,
    write_fields,
)
from hdbench_hyperdiffusion.official.denoiser import ANCHOR, denoiser_of
from hdbench_hyperdiffusion.official.export import export_denoiser, export_fields
from hdbench_hyperdiffusion.official.fields import load_fields
from hdbench_hyperdiffusion.official.files import read_torch, tensors_of


def imported(path: Path, target: Path, heads: int, frames: int) -> list[str]:
    """Import ``path`` to the file ``target``; returns what is said of it, line by line."""
    if recognised(path) == "denoiser":
        denoiser = denoiser_of(path, heads, frames)
        write_denoiser(target, denoiser, source_of(path))
        said = said_of_denoiser(denoiser)
    else:
        with Reporter() as reporter, reporter.stage("read the fields", 1, 0) as bar:
            fields = load_fields(path, frames, lambda done, total: bar(done / total))
        write_fields(target, fields, source_of(path))
        said = said_of_fields(fields)
    return [*said, f"source  {path}  sha256 {sha256(path)}", f"written {target}  sha256 {sha256(target)}"]


def exported(path: Path, target: Path) -> str:
    """Export what ``path`` holds to ``target``; returns what is said of it."""
    if not is_ours(path):
        raise HdbenchError(
            f"'{path}' is no file of hdbench's. Give one of 'hdbench weights import' or a folder of a run's store."
        )
    if kind_of(path) == "denoiser":
        export_denoiser(read_denoiser(path), target)
        return f"written {target}  sha256 {sha256(target)}"
    files = export_fields(read_fields(path), target)
    return f"written {len(files)} files in {target}, such as {files[0].name}"


def recognised(path: Path) -> str:
    """``fields`` or ``denoiser``, by content. HdbenchError, with the nearest tensors, for anything else."""
    if is_ours(path):
        return kind_of(path)
    if path.is_dir():
        return "fields"
    names = list(tensors_of(read_torch(path), path))
    if any(name.endswith(ANCHOR) for name in names):
        return "denoiser"
    if any(name.startswith("layers.") for name in names):
        return "fields"
    raise HdbenchError(
        f"'{path}' holds neither a fitted MLP (layers.0.weight, ...) nor a denoiser of HyperDiffusion (model.{ANCHOR}, ...): "
        f"its {len(names)} tensors are {', '.join(names[:4])}, ..."
    )


def source_of(path: Path) -> dict[str, str]:
    """Where something is from, for the header of its file."""
    return {"name": path.name, "sha256": sha256(path)}


def said_of_fields(fields: Fields) -> list[str]:
    """What they are, how many, and the range of every tensor."""
    encoder, count = fields.encoder, len(fields.names)
    kind = "3D" if fields.frames == 1 else f"4D, {fields.frames} frames"
    size = f"{encoder['depth']} x {encoder['hidden']} units, {encoder['octaves']} octaves, {fields.layout.size:,} weights"
    shown = ", ".join(fields.names[:3]) + (", ..." if count > 3 else "")
    lines = [f"{count} fitted {'MLP' if count == 1 else 'MLPs'} ({kind}): {size} each", f"names   {shown}"]
    lines += _table((name, [part]) for name, part in fields.layout.split(fields.weights).items())
    if count > 1:
        still = int((fields.weights == fields.weights[0]).all(0).sum())
        lines.append(f"{still:,} weights ({100 * still / fields.layout.size:.2f} %) are the same in all of them")
    if broken := [fields.names[k] for k in (~fields.weights.isfinite().all(1)).nonzero().flatten().tolist()]:
        lines.append(f"not finite: {len(broken)}, such as {', '.join(broken[:3])}")
    return lines


def said_of_denoiser(denoiser: Denoiser) -> list[str]:
    """What it is, what it denoises, and the range of every group of tensors."""
    network, schedule = denoiser.network, denoiser.schedule
    count = sum(value.numel() for name, value in denoiser.state.items() if not name.endswith("frequencies"))
    size = f"width {network['width']}, {network['layers']} blocks, {network['heads']} heads, {count:,} parameters"
    kind = "3D" if denoiser.frames == 1 else f"4D, {denoiser.frames} frames"
    return [
        f"a denoiser of the weights of fields: {size}",
        f"fields  {kind}: MLPs of {denoiser.encoder['depth']} x {denoiser.encoder['hidden']} units",
        f"noise   {schedule['steps']} {schedule['kind']} steps, betas {schedule['beta_start']:g} to {schedule['beta_end']:g}",
        *_table(_groups(denoiser.state)),
    ]


def _groups(state: Mapping[str, Tensor]) -> Iterable[tuple[str, list[Tensor]]]:
    """Tensors by the first two parts of their names."""
    groups: dict[str, list[Tensor]] = {}
    for name, value in state.items():
        groups.setdefault(".".join(name.split(".")[:2]), []).append(value)
    return groups.items()


def _table(rows: Iterable[tuple[str, Sequence[Tensor]]]) -> list[str]:
    """Name, size, least, largest, mean and spread of some tensors, looked at one at a time."""
    lines = [f"{'tensor':38} {'numbers':>13} {'min':>10} {'max':>10} {'mean':>10} {'std':>10}"]
    for name, tensors in rows:
        count = sum(tensor.numel() for tensor in tensors)
        mean = sum(tensor.sum(dtype=torch.float64).item() for tensor in tensors) / count
        spread = sqrt(sum((tensor - mean).square_().sum(dtype=torch.float64).item() for tensor in tensors) / count)
        low, high = min(tensor.min().item() for tensor in tensors), max(tensor.max().item() for tensor in tensors)
        lines.append(f"{name:38} {count:>13,} {low:>10.4g} {high:>10.4g} {mean:>10.4g} {spread:>10.4g}")
    return lines
