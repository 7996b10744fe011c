"""What one does with imported files: draw fields from a denoiser, and make meshes of fields."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from math import ceil
from multiprocessing import get_context
from pathlib import Path

import torch
from torch import Tensor

from hdbench.config import from_dict, override
from hdbench.device import choose
from hdbench.interfaces import Session
from hdbench.meshing import export_glb
from hdbench.progress import Reporter
from hdbench.refs import Ref
from hdbench.registry import Registry
from hdbench.schedule import Schedule
from hdbench.stages.diffuse import TILE
from hdbench.stages.diffuse import sample as sample_tile
from hdbench_hyperdiffusion.content import sha256
from hdbench_hyperdiffusion.library import Denoiser, Fields, read_denoiser, write_fields
from hdbench_hyperdiffusion.mlp import MLPConfig, MLPEncoder
from hdbench_hyperdiffusion.official.denoiser import config_of
from hdbench_hyperdiffusion.official.export import file_name
from hdbench_hyperdiffusion.official.fields import load_fields
from hdbench_hyperdiffusion.transformer import WeightTransformer


def sample_to(
    registry: Registry, path: Path, target: Path, count: int, sampler: str, overrides: tuple[str, ...], seed: int,
    device: str | None,
) -> str:  # fmt: skip
    """Draw ``count`` fields and write them; sample j is the one that a run with this seed and denoiser draws as its j-th."""
    denoiser = read_denoiser(path)
    schedule = Schedule(**denoiser.schedule)
    drawn_by = sampler_of(registry, sampler, overrides, schedule)
    session = Session(seed=seed, device=torch.device(choose(device, None).device))
    trained = path / "part-00000.safetensors" if path.is_dir() else path
    network = Ref("denoiser", "transformer", f"{WeightTransformer.__module__}:{WeightTransformer.__name__}", config_of(denoiser))
    tiles = ceil(count / TILE)
    with Reporter() as reporter, reporter.stage("sample", tiles, 0) as bar:
        rows = []
        for tile in range(tiles):
            rows.append(sample_tile(session, network, drawn_by, schedule, trained, tile)[0]["weights"])
            bar(tile + 1)
    fields = _fields(torch.cat(rows)[:count], denoiser)
    write_fields(target, fields, {"name": path.name, "sha256": sha256(path), "sampler": sampler, "seed": str(seed)})
    return f"{count} fields by {sampler} {drawn_by.config}\nwritten {target}  sha256 {sha256(target)}"


def sampler_of(registry: Registry, name: str, overrides: tuple[str, ...], schedule: Schedule) -> Ref:
    """The sampler with these settings; unless told otherwise, ``ddim`` takes all steps of the schedule, as the released code."""
    target = registry.find("sampler", name).offer.target
    config = registry.resolve("sampler", name).Config()
    if name == "ddim":
        config = from_dict(config, {"steps": schedule.steps})
    return Ref("sampler", name, target, override(config, overrides))


def _fields(weights: Tensor, denoiser: Denoiser) -> Fields:
    layout = MLPEncoder(MLPConfig(**denoiser.encoder)).layout(denoiser.frames)
    names = tuple(f"sample-{k:04d}" for k in range(len(weights)))
    return Fields(names, weights, layout, denoiser.encoder, denoiser.frames)


def decode_to(
    path: Path, folder: Path, resolution: int, level: float, count: int | None, frames: int, workers: int | None
) -> str:
    """Write a mesh per field, or per frame of a field. A field without a surface has no file; it is counted."""
    fields = load_fields(path, frames)
    jobs = [(fields.config, row, fields.frames, resolution, level, folder / file_name(name))
            for name, row in list(zip(fields.names, fields.weights))[:count]]  # fmt: skip
    empty = 0
    with Reporter() as reporter, reporter.stage("decode", len(jobs), 0) as bar:
        for done, is_empty in enumerate(_decoded(jobs, workers or os.cpu_count() or 1), start=1):
            empty += is_empty
            bar(done)
    without = f"; {empty} without a surface have no file" if empty else ""
    return f"written {len(jobs) - empty} meshes of {resolution}^3 at level {level:g} in {folder}{without}"


Job = tuple[MLPConfig, Tensor, int, int, float, Path]


def _decoded(jobs: list[Job], workers: int) -> Iterator[bool]:
    """Whether each is empty, in order; here, or in processes of their own."""
    if min(workers, len(jobs)) == 1:
        yield from map(decode_one, jobs)
        return
    with ProcessPoolExecutor(min(workers, len(jobs)), get_context("spawn"), _quiet) as pool:
        yield from pool.map(decode_one, jobs)


def _quiet() -> None:
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)


def decode_one(job: Job) -> bool:
    """Decode a field and write its meshes; whether a frame has no surface, and nothing was written."""
    config, weights, frames, resolution, level, place = job
    meshes = MLPEncoder(config).decode(weights, frames, resolution, level)
    if any(mesh.is_empty for mesh in meshes):
        return True
    for k, mesh in enumerate(meshes):
        export_glb(mesh, place.with_name(f"{place.name}.glb") if frames == 1 else place / f"frame_{k:03d}.glb")
    return False
