"""Against the authors' own code: luost26/diffusion-point-cloud at b037c5f, in the folder that HDBENCH_DPC_REPO names.

HDBENCH_DPC_REPO=~/diffusion-point-cloud pytest plugins/hdbench-dpc/tests/test_parity.py
"""

from __future__ import annotations

import argparse
import copy
import math
import os
import sys
from itertools import chain

import numpy as np
import pytest
import torch
from hdbench_dpc import sampling
from hdbench_dpc.checkpoint import read_checkpoint
from hdbench_dpc.config import NetworkConfig, SamplingConfig
from hdbench_dpc.model import Draw, FlowVAE

REPO = os.environ.get("HDBENCH_DPC_REPO", "")
ARGS = argparse.Namespace(
    model="flow", latent_dim=256, latent_flow_depth=14, latent_flow_hidden_dim=256, residual=True, num_steps=100, beta_1=1e-4,
    beta_T=0.02, sched_mode="linear", flexibility=0.0,
)  # fmt: skip
pytestmark = [pytest.mark.checkout, pytest.mark.skipif(not REPO, reason="HDBENCH_DPC_REPO names no checkout of DPC")]


@pytest.fixture(scope="module")
def pair():
    """Their model and ours with the same weights: theirs from their initialisation, made larger."""
    sys.path.insert(0, REPO)
    try:
        from models.vae_flow import FlowVAE as Theirs
    finally:
        sys.path.remove(REPO)
    torch.manual_seed(0)
    theirs = Theirs(ARGS).eval()
    for parameter in chain(theirs.diffusion.parameters(), theirs.flow.parameters()):
        parameter.data.mul_(1.1)
    ours = FlowVAE(NetworkConfig()).eval()
    ours.load_state_dict(theirs.state_dict())
    return theirs, ours.requires_grad_(False)


def seed_all(seed):
    torch.manual_seed(seed)
    np.random.seed(seed)


def close(found, expected):
    assert torch.allclose(found, expected, rtol=1e-5, atol=1e-5), float((found - expected).abs().max())


def test_names_are_in_the_same_order_with_the_same_shapes_and_buffers(pair):
    theirs, ours = (model.state_dict() for model in pair)
    assert list(theirs) == list(ours)
    close(FlowVAE(NetworkConfig()).diffusion.var_sched.sigmas_inflex, theirs["diffusion.var_sched.sigmas_inflex"])
    close(FlowVAE(NetworkConfig()).diffusion.var_sched.alpha_bars, theirs["diffusion.var_sched.alpha_bars"])


@torch.no_grad()
def test_the_network(pair):
    theirs, ours = pair
    points, codes, betas = torch.randn(3, 100, 3), torch.randn(3, 256), torch.tensor([1e-4, 0.01, 0.02])
    expected = theirs.diffusion.net(points, betas, codes)
    close(ours.diffusion.net(points, betas, codes), expected)
    for j in range(3):
        gated = ours.diffusion.net.for_codes(codes[j : j + 1], betas)
        close(gated(points[j : j + 1], gated.at(j)), expected[j : j + 1])


@torch.no_grad()
def test_the_flow_both_ways(pair):
    theirs, ours = pair
    z = torch.randn(8, 256)
    w, delta = theirs.flow(z, torch.zeros(8, 1))
    found, log_det = ours.flow(z)
    close(found, w)
    close(-log_det, delta[:, 0])
    close(ours.flow.inverse(z), theirs.flow(z, reverse=True))


@torch.no_grad()
@pytest.mark.parametrize("training", [False, True])
def test_the_encoder(pair, training):
    clouds = torch.randn(6, 200, 3)
    for found, expected in zip(*(model.train(training).encoder(clouds) for model in reversed(pair))):
        close(found, expected)
    for model in pair:
        model.eval()
    close(pair[1].encoder.bn4.running_var, pair[0].encoder.bn4.running_var)


def test_the_loss_and_its_gradients(pair):
    """Theirs adds log(2 pi) / 2 once per pair of dimensions, d^2 times, where the density has it d times: a constant."""
    theirs, ours = (copy.deepcopy(model).double().train().requires_grad_(True) for model in pair)
    clouds = torch.randn(4, 50, 3).double()
    seed_all(1)
    expected = theirs.get_loss(clouds, kl_weight=0.001)
    seed_all(1)
    code, when = torch.randn(4, 256), torch.from_numpy(np.random.choice(np.arange(1, 101), 4))
    draw = Draw(code.double(), torch.randn(4, 50, 3, dtype=torch.float64), when[:, None])
    found = ours.loss(clouds, draw, 0.001)
    close(found + 0.001 * 0.5 * math.log(2 * math.pi) * (256**2 - 256), expected)
    wanted = torch.autograd.grad(expected, list(theirs.parameters()))
    for gradient, gradient_of_theirs in zip(torch.autograd.grad(found, list(ours.parameters())), wanted):
        assert torch.allclose(gradient, gradient_of_theirs, rtol=1e-9, atol=1e-12)


@torch.no_grad()
@pytest.mark.parametrize("flexibility", [0.0, 1.0])
def test_a_whole_ancestral_chain_with_the_same_noise(pair, flexibility):
    theirs, ours = pair
    w = torch.randn(1, 256)
    torch.manual_seed(2)
    expected = theirs.sample(w.clone(), 300, flexibility)
    torch.manual_seed(2)
    start = torch.randn(1, 300, 3)
    config = SamplingConfig(flexibility=flexibility)
    found = sampling.chain(ours, ours.flow.inverse(w), start, lambda: torch.randn(1, 300, 3), config)
    assert float((found - expected).abs().max()) <= 1e-5 * max(1.0, float(expected.abs().max()))


@torch.no_grad()
def test_a_checkpoint_with_spectral_norms(pair, tmp_path):
    sys.path.insert(0, REPO)
    try:
        from models.flow import add_spectral_norm, spectral_norm_power_iteration
        from models.vae_flow import FlowVAE as Theirs
    finally:
        sys.path.remove(REPO)
    theirs = Theirs(ARGS).eval()
    add_spectral_norm(theirs)
    spectral_norm_power_iteration(theirs, n_power_iterations=2)
    torch.save({"args": ARGS, "state_dict": theirs.state_dict(), "others": None}, tmp_path / "GEN.pt")
    found = read_checkpoint(tmp_path / "GEN.pt")
    ours = FlowVAE(NetworkConfig()).eval()
    ours.load_state_dict(found.state)
    z = torch.randn(4, 256)
    close(ours.flow.inverse(z), theirs.flow(z, reverse=True))
    assert found.folded
