"""The authors' files: read tensor for tensor, without running what is in them; and refused with a reason when they are others."""

from __future__ import annotations

import argparse
import os
from dataclasses import replace

import pytest
import torch
from hdbench_dpc.baseline import DPC
from hdbench_dpc.checkpoint import read_checkpoint, widths_of
from hdbench_dpc.config import DPCConfig, NetworkConfig, SamplingConfig
from hdbench_dpc.model import FlowVAE
from torch.nn.utils import spectral_norm

from hdbench.errors import HdbenchError
from hdbench.interfaces import Session, TrainingSet

ARGS = {
    "model": "flow",
    "latent_dim": 6,
    "flexibility": 0.5,
    "residual": True,
    "max_iters": float("inf"),
    "categories": ["airplane"],
}
TRAINING = TrainingSet(("a", "b"), torch.rand(2, 1, 40, 3), lambda name: None)


@pytest.fixture
def write(tmp_path, model):
    """A file as train_gen.py leaves it, with the given parts replaced."""

    def write(args=ARGS, others=None, **changed):
        state = {**model.state_dict(), **changed.pop("state", {})}
        content = {"args": argparse.Namespace(**args), "state_dict": state, "others": others, **changed}
        torch.save(content, tmp_path / "GEN_airplane.pt")
        return tmp_path / "GEN_airplane.pt"

    return write


def test_every_tensor_arrives_as_it_is(write, model):
    found = read_checkpoint(write(others={"optimizer": {"state": {0: {"step": torch.tensor(3.0)}}}, "scheduler": {}}))
    expected = model.state_dict()
    assert found.state.keys() == expected.keys()
    assert all(torch.equal(found.state[name], value) for name, value in expected.items())
    assert (found.flexibility, found.residual, found.folded) == (0.5, True, False)


def test_files_of_older_code_are_read_by_their_tensors(write):
    found = read_checkpoint(write(args={"model": "flow", "dataset_dir": "./data"}))
    assert (found.flexibility, found.residual) == (0.0, True)


def test_widths_are_those_of_the_tensors(model, small):
    assert widths_of(model.state_dict()) == small
    gaussian = replace(small, flow_depth=0, flow_hidden=1)
    assert widths_of(FlowVAE(gaussian).state_dict()) == gaussian


def test_the_baseline_samples_the_file(write, model):
    baseline = DPC(DPCConfig(checkpoint=str(write()), sampling=SamplingConfig(kind="ddim", steps=3)))
    state = baseline.fit(TRAINING, Session(seed=0))
    own = DPC(DPCConfig(sampling=SamplingConfig(kind="ddim", steps=3)))
    facts = {name: value for name, value in state.items() if name.startswith("dpc.")}
    expected = own.sample(model.state_dict() | facts, 2, Session(seed=0))
    assert torch.equal(baseline.sample(state, 2, Session(seed=0)), expected)
    assert expected.shape == (2, 1, 40, 3)


def test_the_flexibility_is_the_files_unless_another_is_asked_for(write):
    def clouds(path, **settings):
        baseline = DPC(DPCConfig(checkpoint=str(path), sampling=SamplingConfig(**settings)))
        return baseline.sample(baseline.fit(TRAINING, Session(seed=0)), 1, Session(seed=0))

    path = write()
    assert torch.equal(clouds(path), clouds(path, flexibility=0.5))
    assert not torch.equal(clouds(path), clouds(path, flexibility=0.0))


def test_another_file_is_another_row(write):
    path = write()
    baseline = DPC(DPCConfig(checkpoint=str(path)))
    before = baseline.fingerprint()
    assert before[:12] in baseline.provenance()
    assert "may hold shapes of this test set" in baseline.provenance()
    write(state={"encoder.fc3_m.bias": torch.zeros(6)})
    os.utime(path, ns=(1, 1))
    assert baseline.fingerprint() != before


def test_spectral_norms_are_divided_out(write, model):
    normed = spectral_norm(torch.nn.Linear(3, 9), n_power_iterations=20)
    for _ in range(5):
        normed(torch.zeros(1, 3))
    parts = {f"flow.chain.1.net_s_t.0.{name}": value for name, value in normed.state_dict().items()}
    found = read_checkpoint(write(state=parts))
    assert found.folded
    assert torch.linalg.matrix_norm(found.state["flow.chain.1.net_s_t.0.weight"], 2) == pytest.approx(1, rel=1e-4)
    assert torch.allclose(found.state["flow.chain.1.net_s_t.0.weight"], normed.eval().weight, atol=1e-6)
    assert "flow.chain.1.net_s_t.0.weight_u" not in found.state
    assert "divided out" in DPC(DPCConfig(checkpoint=str(write(state=parts)))).provenance()


class Guest:
    """Not a class that a checkpoint may bring along."""


def refused(path):
    with pytest.raises(HdbenchError) as error:
        DPC(DPCConfig(checkpoint=str(path))).provenance()
    return str(error.value)


def test_what_is_no_generator_is_refused_before_anything_is_computed(write, tmp_path, model):
    without = {name: value for name, value in model.state_dict().items() if not name.startswith("flow.")}
    assert "may be DPC's autoencoder" in refused(write(args={"latent_dim": 6}, state_dict=without))
    assert "holds no 'state_dict'" in refused(write(state_dict=None))
    assert "without running its code" in refused(write(others=Guest()))
    assert "Unexpected key" in refused(write(state={"decoder.weight": torch.zeros(2)}))
    assert "size mismatch" in refused(write(state={"diffusion.net.layers.1._hyper_gate.weight": torch.zeros(12, 7)}))
    missing = {name: value for name, value in model.state_dict().items() if name != "encoder.fc3_m.bias"}
    assert "it has no 'encoder.fc3_m.bias'" in refused(write(state_dict=missing))


def test_files_that_are_cut_off_or_missing_are_refused(write, tmp_path):
    path = write()
    path.write_bytes(path.read_bytes()[:5000])
    assert "without running its code" in refused(path)
    path.unlink()
    assert "GEN_airplane.pt" in refused(path)


def test_the_full_network_is_read_too(tmp_path):
    full = FlowVAE(NetworkConfig())
    torch.save({"args": argparse.Namespace(**ARGS), "state_dict": full.state_dict(), "others": None}, tmp_path / "a.pt")
    assert widths_of(read_checkpoint(tmp_path / "a.pt").state) == NetworkConfig()
