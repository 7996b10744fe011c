"""The whole run at sphere scale: same command, same digest, whatever is killed and however many work on it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from hdbench.engine import Engine
from hdbench.flow import run
from hdbench.plan import make_plan
from hdbench.progress import Reporter
from hdbench.registry import Registry, builtin_commands
from hdbench.store import Store
from hdbench.workers import Workers

COMMAND = (
    "run", "--method", "sphere", "--baseline", "resample", "--data", "spheres", "-o", "count=40", "-o", "draws=2",
    "-o", "protocol.normalisation=none", "-o", "points=128",
)  # fmt: skip


def record(folder: Path) -> dict:
    """The record of the only run in a folder."""
    [found] = folder.glob("runs/*/run.json")
    return json.loads(found.read_text())


def start(folder: Path, *more: str) -> subprocess.Popen:
    command = [sys.executable, "-m", "hdbench", *COMMAND, *more]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(folder: Path, *more: str) -> dict:
    process = start(folder, *more)
    out, err = process.communicate(timeout=240)
    assert process.returncode == 0, err
    return record(folder) | {"stdout": out, "stderr": err}


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> tuple[Path, dict]:
    """A run that nobody interrupted, with two workers."""
    folder = tmp_path_factory.mktemp("whole")
    return folder, finish(folder, "--workers", "2")


def test_the_table_and_the_folder_are_what_a_user_needs(whole):
    folder, run = whole
    for title in ("Sphere", "Resampled training clouds", "training shapes (oracle)"):
        assert title in run["stdout"]
    assert "protocol" in run["stdout"]
    [place] = [path for path in (folder / "runs").iterdir() if path.name != "store"]
    tables = {f"table.{ending}" for ending in ("csv", "json", "md", "txt")}
    pictures = {"gallery.png", "interpolation.png", "trajectory.png"}
    expected = tables | pictures | {"clouds", "config.toml", "novelty", "run.json", "samples"}
    assert {path.name for path in place.iterdir()} == expected
    for shapes in ("sphere", "reference"):
        assert len(list((place / "samples" / shapes).glob("*.glb"))) == 6  # 15 % of 40
    assert run["data"]["frames"] == 1
    assert {"libraries", "machine", "git", "configuration", "stages", "command"} <= set(run)
    assert all({"seconds", "peak_memory_gib", "digest"} <= set(stage) for stage in run["stages"])


def test_one_worker_and_two_give_the_same_bits(whole, tmp_path):
    assert finish(tmp_path, "--workers", "1")["digests"] == whole[1]["digests"]


def test_a_second_run_computes_nothing(whole):
    folder, first = whole
    again = finish(folder, "--workers", "2")
    assert again["digests"] == first["digests"]
    assert [stage["label"] for stage in again["stages"] if stage["computed"]] == []


@pytest.mark.parametrize("parts", [1, 3, 6, 9, 12])
def test_kill_9_then_the_same_command_ends_in_the_same_bits(whole, tmp_path, parts):
    process = start(tmp_path, "--workers", "2")
    deadline = time.monotonic() + 120
    while len(list(tmp_path.glob("runs/store/*/part-*"))) < parts and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.kill()
    process.communicate()
    assert process.returncode == -9, "it was over before it could be killed: choose fewer parts"
    assert finish(tmp_path, "--workers", "2")["digests"] == whole[1]["digests"]


def test_reference_rows_are_of_the_shapes_that_they_name(tmp_path):
    """The reconstruction's sample j is the oracle's shape j through its field: here, a sphere of the same radius."""
    plan = make_plan(
        builtin_commands(Registry()).load(), ("sphere",), preset="tiny", data="spheres",
        overrides=("count=40", "draws=2", "protocol.normalisation=none", "points=128"),
    )  # fmt: skip
    with Workers(1) as workers, Reporter(quiet=True) as reporter:
        result = run(plan, Engine(Store(tmp_path), workers, reporter, seed=0), reference_rows=True)
    rows = {outcome.title: outcome for outcome in result.outcomes}
    for shapes, again in zip(rows["training shapes (oracle)"].draws, rows["Sphere: reconstruction"].draws):
        radii, fitted = (np.linalg.norm(draw.clouds.load("clouds").numpy(), axis=-1).mean((1, 2)) for draw in (shapes, again))
        assert fitted == pytest.approx(radii, abs=2e-3)
        assert np.ptp(radii) > 0.02


def test_another_seed_gives_other_bits(whole, tmp_path):
    assert finish(tmp_path, "--seed", "1")["digests"] != whole[1]["digests"]


def test_a_changed_sampler_refits_nothing(whole):
    folder, first = whole
    process = start(folder, "-o", "sampler.steps=20")
    _, err = process.communicate(timeout=240)
    assert process.returncode == 0, err
    runs = [json.loads(path.read_text()) for path in folder.glob("runs/*/run.json")]
    [changed] = [run for run in runs if run["identity"] != first["identity"]]
    computed = {stage["label"] for stage in changed["stages"] if stage["computed"]}
    assert computed == {
        "Sphere: sample", "Sphere: meshes", "Sphere: score", "Sphere: watch", "Sphere: between samples", "Sphere: strips",
    }  # fmt: skip
