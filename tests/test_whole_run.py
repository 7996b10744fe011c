"""The main job as the README has it: small enough for every commit, and whole on demand (-m slow, minutes)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

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
    assert runs[0]["data"]["train"] == 16
    assert len(runs[0]["data"]["test_names"]) == 3


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
