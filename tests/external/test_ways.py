"""Three ways to a row: what each says of itself, what it depends on, and what is refused before anything is computed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh

from hdbench.errors import HdbenchError
from hdbench.external.baseline import OURS, ThreeWays, Ways
from hdbench.interfaces import Session, TrainingSet


@dataclass(frozen=True, slots=True, kw_only=True)
class ToyConfig(Ways):
    width: int = 3


class Toy(ThreeWays):
    """A baseline whose native form is known."""

    name, title, source, released, Config = "toy", "Toy", "nowhere", "Toy's own split", ToyConfig

    def native_fit(self, training, session):
        return {"given": torch.tensor(self.checkpoint() is not None)}

    def native_sample(self, state, count, session):
        return torch.full((count, 1, 8, 3), float(state["given"]))

    def native_provenance(self):
        return "One step."


def toy(**settings) -> Toy:
    return Toy(ToyConfig(**settings))


def training(points: int = 8, frames: int = 1) -> TrainingSet:
    clouds = torch.from_numpy(np.random.default_rng(0).normal(size=(4, frames, points, 3)).astype(np.float32))
    return TrainingSet(("a", "b", "c", "d"), clouds, None)


def drawn(baseline: Toy, count: int, points: int = 8, frames: int = 1):
    """(samples, notes)"""
    session = Session(seed=0)
    state = baseline.fit(training(points, frames), session)
    return baseline.sample(state, count, session), session.notes


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Ten clouds as DPC's test script leaves them: two of them zero, one with NaN."""
    clouds = np.random.default_rng(1).normal(size=(10, 20, 3)).astype(np.float32)
    clouds[[2, 5]], clouds[7, 3] = 0, np.nan
    np.save(tmp_path / "out.npy", clouds)
    return tmp_path / "out.npy"


# ------------------------------------------------------------------------------------------------------------ native


def test_native_is_the_plugins_own_with_or_without_a_checkpoint(tmp_path):
    (tmp_path / "w.pt").write_bytes(b"weights")
    assert drawn(toy(), 2)[0].max() == 0
    assert drawn(toy(checkpoint=str(tmp_path / "w.pt")), 2)[0].min() == 1
    assert toy().provenance() == "Native: trained on this run's training shapes. One step."


def test_a_checkpoint_is_known_by_its_hash_and_suspected_to_know_the_test_set(tmp_path):
    path = tmp_path / "w.pt"
    path.write_bytes(b"weights")
    known = hashlib.sha256(b"weights").hexdigest()
    said = toy(checkpoint=str(path)).provenance()
    assert f"checkpoint w.pt (sha256 {known[:12]})" in said
    assert "if it is the authors', on Toy's own split: that may hold shapes of this test set" in said
    assert toy(checkpoint=str(path)).fingerprint() == known
    assert toy().fingerprint() == ""
    toy(checkpoint=str(path), checkpoint_sha256=known[:10].upper()).provenance()
    with pytest.raises(HdbenchError, match=f"has the sha256 {known}, but abc is asked for"):
        toy(checkpoint=str(path), checkpoint_sha256="abc").provenance()
    path.write_bytes(b"others")
    assert toy(checkpoint=str(path)).fingerprint() != known


# ----------------------------------------------------------------------------------------------------------- samples


def test_samples_are_read_counted_and_said(out):
    clouds, notes = drawn(toy(samples=str(out)), 9)
    assert clouds.shape == (9, 1, 8, 3)
    assert clouds.isnan().flatten(1).all(1).nonzero().flatten().tolist() == [2, 5, 7]
    said = " ".join(notes)
    assert "The first 9 of 10 samples were taken." in said
    assert "2 of 10 shapes (2, 5)" in said  # zero clouds
    assert "1 of 10 shapes (7)" in said  # NaN


def test_too_few_samples_are_refused_with_the_way_out(out):
    with pytest.raises(HdbenchError, match=r"holds 10 samples, but 11 are asked for. '-o run.draws=1' asks for one set"):
        drawn(toy(samples=str(out)), 11)


def test_clouds_with_too_few_points_and_sequences_of_other_lengths_are_refused(out, tmp_path):
    with pytest.raises(HdbenchError, match="clouds of 20 points, fewer than the 64"):
        drawn(toy(samples=str(out)), 2, points=64)
    np.save(tmp_path / "moving.npy", np.random.default_rng(0).normal(size=(5, 6, 20, 3)).astype(np.float32))
    with pytest.raises(HdbenchError, match="6 frames with 20 points each, but shapes of 4 frames are wanted"):
        drawn(toy(samples=str(tmp_path / "moving.npy")), 2, frames=4)
    with pytest.raises(HdbenchError, match="6 frames per sample, but the training shapes have 1 frame"):
        drawn(toy(samples=str(tmp_path / "moving.npy")), 2)
    assert drawn(toy(samples=str(tmp_path / "moving.npy")), 2, frames=6)[0].shape == (2, 6, 8, 3)


def test_a_folder_of_meshes_gives_meshes_and_a_broken_one_is_empty(tmp_path):
    for k in range(4):
        trimesh.creation.icosphere(1, radius=0.1 * (k + 1)).export(tmp_path / f"{k}.obj")
    (tmp_path / "2.obj").write_text("nothing\n")
    meshes, notes = drawn(toy(samples=str(tmp_path)), 3)
    assert [frames[0].is_empty for frames in meshes] == [False, False, True]
    assert [np.ptp(frames[0].vertices) for frames in meshes[:2]] == pytest.approx([0.2, 0.4], rel=0.01)
    assert any("1 of 4 samples cannot be used and count as empty (2.obj)" in note for note in notes)


def test_samples_say_their_hash_and_what_they_were_trained_on(out):
    digest = hashlib.sha256(out.read_bytes()).hexdigest()
    assert toy(samples=str(out)).fingerprint() == digest
    said = toy(samples=str(out)).provenance()
    assert said.startswith(f"Samples: out.npy (sha256 {digest[:12]}), trained on a split that is not known: that may hold shapes")
    assert "Toy's own split" not in said  # nobody knows that these are the authors'
    assert "said to be trained on PC15k: that may" in toy(samples=str(out), training_split="PC15k").provenance()
    assert toy(samples=str(out), training_split=OURS).provenance().endswith("trained on this run's training shapes.")


def test_samples_that_are_not_there_are_refused_before_anything_is_computed(out):
    with pytest.raises(HdbenchError, match=r"There is no file or folder '.*outt.npy'. Did you mean '.*out.npy'"):
        toy(samples=f"{out.parent}/outt.npy").provenance()


# ---------------------------------------------------------------------------------------------------------- settings


@pytest.mark.parametrize(
    ("settings", "way"),
    [
        ({}, "native"), ({"samples": "x"}, "samples"), ({"repo": "x"}, "external"), ({"checkpoint": "x"}, "native"),
        ({"mode": "external", "checkpoint": "x"}, "external"),
    ],
)  # fmt: skip
def test_the_way_follows_from_what_is_given(settings, way):
    assert ToyConfig(**settings).way == way


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"mode": "native", "samples": "x"}, "'toy.samples' is for mode=samples, but mode=native is chosen"),
        ({"mode": "native", "repo": "x"}, "'toy.repo' is for mode=external, but mode=native is chosen"),
        ({"samples": "x", "checkpoint": "y"}, "either samples or a checkpoint"),
        ({"mode": "samples"}, "Write -o toy.samples=PATH"),
        ({"checkpoint_sha256": "abc"}, "needs toy.checkpoint=PATH"),
        ({"mode": "external"}, "cannot drive a foreign checkout"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(settings, message):
    with pytest.raises(HdbenchError, match=message):
        toy(**settings).provenance()
