"""Whole chains against loops over numpy arrays, and samples that do not know their company."""

from __future__ import annotations

from dataclasses import replace

import dpc_in_loops as loops
import numpy as np
import pytest
import torch
from hdbench_dpc import sampling
from hdbench_dpc.baseline import DPC, placed
from hdbench_dpc.config import DPCConfig, NetworkConfig, SamplingConfig
from hdbench_dpc.model import FlowVAE

from hdbench.interfaces import Session
from hdbench.seeds import torch_generator

ANCESTRAL = SamplingConfig(flexibility=0.3)
DDIM = SamplingConfig(kind="ddim", steps=7)


@pytest.fixture
def tame(model):
    """The model with a denoiser that is nearly the identity: of a wild one, errors of float32 grow without bound."""
    for layer in model.diffusion.net.layers:
        layer._layer.weight.data.mul_(0.5)
    return model.eval()


def drawn(model, count, config=ANCESTRAL, session=None):
    session = session or Session(seed=5)
    state = model.state_dict() | {
        "dpc.flexibility": torch.tensor(0.0),
        "dpc.residual": torch.tensor(True),
        "dpc.points": torch.tensor(32),
    }
    return DPC(DPCConfig(sampling=config)).sample(state, count, session)


def test_an_ancestral_chain_is_the_formula(tame, normal):
    parameters = {name: value.double().numpy() for name, value in tame.state_dict().items()}
    w, start, fresh = normal(1, 6), normal(1, 4, 3), normal(99, 1, 4, 3)
    turn = iter(fresh)
    with torch.no_grad():
        found = sampling.chain(tame, tame.flow.inverse(w), start, lambda: next(turn), ANCESTRAL)[0]
    expected = loops.sampled(parameters, *(x.double().numpy() for x in (w[0], start[0], fresh[:, 0])), 0.3)
    assert np.abs(expected).max() < 100
    assert found.numpy() == pytest.approx(expected, abs=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("config", [ANCESTRAL, DDIM])
def test_a_sample_has_the_same_bits_in_any_company(tame, config):
    alone, many = drawn(tame, 1, config), drawn(tame, 7, config)
    assert torch.equal(alone[0], many[0])
    assert not torch.equal(many[0], many[1])


@pytest.mark.parametrize("config", [ANCESTRAL, DDIM])
def test_tiles_of_a_gpu_and_of_a_cpu_give_one_answer(tame, config, monkeypatch):
    single = drawn(tame, 5, config)
    monkeypatch.setitem(sampling.CLOUDS, "cpu", 4)
    monkeypatch.setitem(sampling.POINTS, "cpu", 8)
    assert torch.allclose(drawn(tame, 5, config), single, atol=1e-5)
    assert torch.equal(drawn(tame, 1, config)[0], drawn(tame, 4, config)[0])  # the tile is filled up


def test_both_samplers_start_at_the_same_code_and_points(tame):
    exact = FlowVAE(NetworkConfig(latent=6, flow_depth=0, pointwise=(4,))).eval()
    exact.diffusion.net.residual = False
    for parameter in exact.parameters():
        parameter.data.zero_()
    generator = torch_generator(5, "sample", 0)
    torch.randn(6, generator=generator)
    start = torch.randn(32, 3, generator=generator)
    kept = float(exact.diffusion.var_sched.alpha_bars[100])
    found = sampling.clouds(exact, DDIM, 32, 5, 0, 1)[0]  # without predicted noise, x_0 = x_t / sqrt(alpha_bar_t)
    assert torch.allclose(found, start / kept**0.5, atol=1e-4)


def test_a_killed_sampling_goes_on_to_the_same_bits(tame, monkeypatch):
    monkeypatch.setattr("hdbench_dpc.baseline.KEEP_EVERY", 0.0)
    saved = []
    whole = drawn(tame, 5, session=Session(seed=5, save=saved.append))
    assert [len(kept["clouds"]) for kept in saved] == [1, 2, 3, 4]
    assert torch.equal(drawn(tame, 5, session=Session(seed=5, load=lambda: saved[2])), whole)


def test_samples_lie_in_the_box_and_broken_ones_are_empty(normal):
    clouds = torch.stack([3 + 2 * normal(50, 3), normal(50, 3)])
    clouds[1, 7, 2] = torch.inf
    boxed = placed(clouds)
    low, high = boxed[0].min(0).values, boxed[0].max(0).values
    assert torch.allclose(low + high, torch.zeros(3), atol=1e-6)
    assert float((high - low).max()) == pytest.approx(0.95)
    assert boxed[1].isnan().all()


def test_the_number_of_points_is_that_of_the_training_clouds_or_as_asked(tame):
    assert drawn(tame, 1).shape == (1, 1, 32, 3)
    assert drawn(tame, 1, replace(DDIM, points=50)).shape == (1, 1, 50, 3)
