"""The authors' own checkouts of DPC, PVD and ShapeGAN, trained a little and sampled through their specifications.

    HDBENCH_DPC_REPO=... HDBENCH_PVD_REPO=... HDBENCH_SHAPEGAN_REPO=... HDBENCH_FOREIGN_PYTHON=... pytest -m checkout

``HDBENCH_FOREIGN_PYTHON`` is an interpreter that has what 'hdbench doctor' asks for; without it, hdbench's own is used.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from hdbench.config import override
from hdbench.external.diagnosis import examine_baseline
from hdbench.interfaces import Session, TrainingSet
from hdbench.registry import Registry
from hdbench.sampling import evaluation_cloud

REPOS = {name: os.environ.get(f"HDBENCH_{name.upper()}_REPO", "") for name in ("dpc", "pvd", "shapegan")}
PYTHON = os.environ.get("HDBENCH_FOREIGN_PYTHON", "")
pytestmark = [pytest.mark.checkout, pytest.mark.slow, pytest.mark.timeout(3600)]


def wanted(name: str):
    return pytest.mark.skipif(not REPOS[name], reason=f"HDBENCH_{name.upper()}_REPO names no checkout")


def baseline(name: str, *settings: str):
    """The baseline, driving its checkout."""
    cls = Registry().load().resolve("baseline", name)
    given = (f"repo={REPOS[name]}", f"python={PYTHON}", *settings)
    return cls(override({name: cls.Config()}, tuple(f"{name}.{text}" for text in given))[name])


@pytest.fixture(scope="module")
def airplanes() -> TrainingSet:
    registry = Registry().load()
    cls = registry.resolve("shapes", "airplane")
    source = cls(cls.Config(count=8))
    shapes = {name: source.place(source.shape(name)) for name in source.names()}
    clouds = np.stack([evaluation_cloud(shape, 2048, seed=0) for shape in shapes.values()])
    return TrainingSet(tuple(shapes), torch.from_numpy(clouds), shapes.__getitem__)


def tree(folder: str) -> str:
    entries = [(str(p), p.stat().st_mtime_ns, p.read_bytes()) for p in sorted(Path(folder).rglob("*")) if p.is_file()]
    return hashlib.sha256(repr(entries).encode()).hexdigest()


def drive(built, training: TrainingSet, folder: Path, count: int):
    """(state, samples) with the checkout unchanged by it."""
    before = tree(built.config.repo)
    state = built.fit(training, Session(seed=0, folder=folder / "fit"))
    samples = built.sample(state, count, Session(seed=0, folder=folder / "sample"))
    assert tree(built.config.repo) == before
    return state, samples


@pytest.mark.parametrize("name", [pytest.param(name, marks=wanted(name)) for name in REPOS])
def test_the_doctor_finds_nothing_that_is_missing(name):
    failed = [finding for finding in examine_baseline(baseline(name)) if finding.level == "fail"]
    assert failed == []


@wanted("dpc")
def test_dpc_trains_and_samples_and_its_checkpoint_is_one_that_we_load(airplanes, tmp_path):
    state, samples = drive(baseline("dpc", "arguments=iterations=2,batch=4,validation=2"), airplanes, tmp_path, 3)
    assert samples.shape == (3, 1, 2048, 3)
    assert (samples.amax((1, 2)) - samples.amin((1, 2))).amax(1) == pytest.approx(torch.full((3,), 0.95), abs=1e-4)
    path = tmp_path / bytes(state["checkpoint.name"].numpy()).decode()
    path.write_bytes(bytes(state["checkpoint"].numpy()))
    native = type(baseline("dpc"))(override({"dpc": type(baseline("dpc")).Config()}, (f"dpc.checkpoint={path}",))["dpc"])
    assert native.sample(native.fit(airplanes, Session(seed=0)), 1, Session(seed=0)).isfinite().all()


@wanted("pvd")
def test_pvd_trains_and_samples_without_a_gpu_or_a_compiler(airplanes, tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    settings = "arguments=epochs=1,batch=2,steps=2,sample_batch=2"
    state, samples = drive(baseline("pvd", settings), airplanes, tmp_path, 2)
    assert bytes(state["checkpoint.name"].numpy()) == b"epoch_0.pth"
    assert bytes(state["category"].numpy()) == b"airplane"
    assert samples.shape == (2, 1, 2048, 3)
    assert samples.isfinite().all()


@wanted("shapegan")
def test_shapegans_released_airplanes_are_long_flat_and_wide(airplanes, tmp_path):
    """With its y axis up, a third as high as it is long or wide; the released generator, meshed at its level."""
    released = f"checkpoint={REPOS['shapegan']}/examples/gan_generator_voxels_airplanes.to"
    built = baseline("shapegan", released, "arguments=level=0.04,resolution=32")
    _, samples = drive(built, airplanes, tmp_path, 4)
    assert samples.shape == (4, 1, 2048, 3)
    sides = (samples.amax((1, 2)) - samples.amin((1, 2))).median(0).values
    assert sides.argmin() == 1
    assert "may hold shapes of this test set" in built.provenance()
