"""A small network with every part, and its parameters as float64 arrays."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from hdbench_dpc.config import NetworkConfig
from hdbench_dpc.model import FlowVAE

sys.path.insert(0, str(Path(__file__).parent))  # for `dpc_in_loops`

torch.set_num_threads(1)
SMALL = NetworkConfig(latent=6, pointnet=(5, 6, 7, 8), heads=(7, 5), flow_depth=3, flow_hidden=9, pointwise=(8, 12, 8))


@pytest.fixture
def small() -> NetworkConfig:
    return SMALL


@pytest.fixture
def model() -> FlowVAE:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        built = FlowVAE(SMALL)
        for parameter in built.parameters():  # larger than PyTorch's initial ones, so that every term counts
            parameter.data.add_(0.2 * torch.randn(parameter.shape))
        return built


@pytest.fixture
def parameters(model):
    return {name: value.double().numpy() for name, value in model.state_dict().items()}


@pytest.fixture
def normal():
    generator = torch.Generator().manual_seed(1)
    return lambda *shape: torch.randn(shape, generator=generator)
