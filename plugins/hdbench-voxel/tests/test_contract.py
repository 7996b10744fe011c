"""The contracts of the voxel baseline's components."""

from __future__ import annotations

from hdbench_voxel.encoder import VoxelConfig
from hdbench_voxel.unet import UNetConfig

from hdbench.testing import DenoiserContract, EncoderContract, RecipeContract
from hdbench.training import Training
from hdbench.weights import WeightLayout

TRAINING = Training(steps=4, batch=3, checkpoint_seconds=0.0)


class TestVoxel(EncoderContract):
    component = "voxel"
    frames = (1, 2)
    small = VoxelConfig(resolution=12, surface_points=256)


class TestSmoothVoxel(EncoderContract):
    component = "voxel"
    small = VoxelConfig(resolution=12, fill="centre", smooth=True)


class TestUNet(DenoiserContract):
    component = "unet3d"
    layout = WeightLayout(("occupancy",), ((1, 8, 8, 8),))
    small = UNetConfig(channels=8, mult=(1, 2), groups=4, training=TRAINING)


class TestUNetOfThePaper(DenoiserContract):
    component = "unet3d"
    layout = WeightLayout(("occupancy",), ((2, 8, 8, 8),))
    small = UNetConfig(
        channels=8, mult=(1, 2), groups=4, patch=1, attention=(2,), head_channels=8, resample="conv", keep_depth=True,
        training=TRAINING,
    )  # fmt: skip


class TestVoxelRecipe(RecipeContract):
    component = "voxel"
