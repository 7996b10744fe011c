"""The main job as the README has it: small enough for every commit, and whole on demand (-m slow, minutes)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hdbench.loading import load_draws
from hdbench.store import load_tensors

METHODS = ("run", "--method", "hyperdiffusion", "--baseline", "voxel")
SMALL = (
    "count=20", "run.draws=1", "encoder.fit.steps=40", "encoder.mean.steps=40", "hyperdiffusion.denoiser.training.steps=4",
    "voxel.denoiser.training.steps=3", "min_iou_near=0", "min_iou_uniform=0", "points=256",
)  # fmt: skip


def record(folder: Path) -> dict:
    [found] = folder.glob("*/run.json")
    return json.loads(found.read_text())


def test_hyperdiffusion_beside_voxel_gives_the_same_bits_for_one_worker_and_two(hdbench, tmp_path):
    settings = [argument for assignment in SMALL for argument in ("-o", assignment)]
    runs = []
    for workers in ("1", "2"):
        done = hdbench(*METHODS, *settings, "--workers", workers, "--out", f"out-{workers}")
        assert done.returncode == 0, done.stderr
        runs.append(record(tmp_path / f"out-{workers}"))
    assert runs[0]["digests"] == runs[1]["digests"]
    assert [row["title"] for row in runs[0]["rows"]] == ["training shapes (oracle)", "HyperDiffusion", "Voxel Baseline"]
    oracle, *methods = (row["provenance"] for row in runs[0]["rows"])
    assert not oracle
    assert all(said.startswith("Not the paper's settings") and "Changed: " in said for said in methods)
    assert runs[0]["data"]["train"] == 16
    assert len(runs[0]["data"]["test_names"]) == 3


SEQUENCES = (
    "count=8", "frames=3", "run.draws=1", "encoder.fit.steps=40", "encoder.mean.steps=40", "near=512", "uniform=512",
    "hyperdiffusion.denoiser.training.steps=4", "voxel.denoiser.training.steps=3", "voxel.encoder.resolution=12",
    "voxel.denoiser.patch=1", "min_iou_near=0", "min_iou_uniform=0", "points=64", "hyperdiffusion.meshing.resolution=24",
    "hyperdiffusion.sampler.steps=4", "voxel.sampler.steps=3",
)  # fmt: skip


def test_sequences_go_the_same_way_and_can_be_looked_at(hdbench, tmp_path):
    settings = [argument for assignment in SEQUENCES for argument in ("-o", assignment)]
    done = hdbench(*METHODS, "--data", "animals", *settings, "--workers", "1", timeout=900)
    assert done.returncode == 0, done.stderr
    [folder] = [path.parent for path in tmp_path.glob("runs/*/run.json")]
    rows = {row["title"]: row for row in record(tmp_path / "runs")["rows"]}
    assert set(rows) == {"training shapes (oracle)", "HyperDiffusion", "Voxel Baseline"}
    assert "HyperDiffusion                  15.5" in done.stdout.replace("15.5*", "15.5")  # Table 2 of the paper
    assert all(np.isfinite(rows["HyperDiffusion"]["score"]["estimates"][name]["value"]) for name in ("MMD", "1-NNA", "Speed"))
    clouds = load_tensors(folder / "clouds" / "hyperdiffusion.safetensors")["clouds"]
    assert clouds.shape == (1, 1, 3, 64, 3)  # draws, 15 % of 8, frames, points
    with Image.open(folder / "gallery.png") as picture:
        assert picture.width == 2 * (160 // 8) + 3 * 160  # a column per frame
    assert {"trajectory.png", "interpolation.png"} <= {path.name for path in folder.iterdir()}
    samples = load_draws(folder / "samples" / "hyperdiffusion", points=64)
    assert [draw.clouds.shape[:2] for draw in samples] == [(1, 3)]


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_default_run_means_something(hdbench, tmp_path):
    done = hdbench(*METHODS, "--reference-rows", timeout=1800)
    assert done.returncode == 0, done.stderr
    rows = {row["title"]: row["score"]["estimates"]["1-NNA"]["value"] for row in record(tmp_path / "runs")["rows"]}
    assert rows["HyperDiffusion"] <= 67
    assert rows["Voxel Baseline"] >= rows["HyperDiffusion"] + 15
    assert rows["HyperDiffusion: weight-space Gaussian"] > rows["HyperDiffusion"]
    assert abs(rows["HyperDiffusion: reconstruction"] - rows["training shapes (oracle)"]) <= 5
