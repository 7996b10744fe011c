"""The contract of the baseline."""

from __future__ import annotations

from hdbench_dpc.config import DPCConfig, NetworkConfig, SamplingConfig, TrainingConfig

from hdbench.testing import BaselineContract

NETWORK = NetworkConfig(latent=6, pointnet=(8, 8, 8, 16), heads=(8, 8), flow_depth=2, flow_hidden=8, pointwise=(8, 16, 8))
TRAINING = TrainingConfig(steps=3, batch=2, points=32, times=4, checkpoint_seconds=0.0)


class TestDPC(BaselineContract):
    component = "dpc"
    small = DPCConfig(network=NETWORK, training=TRAINING)


class TestAcceleratedDPC(BaselineContract):
    component = "dpc"
    small = DPCConfig(network=NETWORK, training=TRAINING, sampling=SamplingConfig(kind="ddim", steps=5))
