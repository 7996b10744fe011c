"""The presets of the voxel baseline: ``paper`` is the released configuration, the others are sized for a CPU.

Sources: HyperDiffusion's configuration for cars and chairs (Rgtemze/HyperDiffusion, commits 9068a9a to 3368e29) for
``paper``; where it is silent (epochs, learning rate) the numbers are those of its weight diffusion.
"""

from __future__ import annotations

from hdbench.recipes import Meshing, Recipe, RecipeBook
from hdbench.training import Training
from hdbench_voxel.encoder import VoxelConfig
from hdbench_voxel.unet import UNetConfig

_COMPONENTS = {"encoder": "voxel", "denoiser": "unet3d", "sampler": "ddim"}

_TINY = Recipe(
    components=_COMPONENTS,
    encoder=VoxelConfig(),
    denoiser=UNetConfig(training=Training(steps=1000, lr=2e-3, batch=16, ema=0.99)),
    sampler={"steps": 25},
)

_SMALL = Recipe(
    components=_COMPONENTS,
    encoder=VoxelConfig(surface_points=20_000),
    denoiser=UNetConfig(channels=32, training=Training(steps=3000, lr=2e-3, batch=16, ema=0.995)),
    sampler={"steps": 50},
)

_PAPER = Recipe(
    components=_COMPONENTS,
    encoder=VoxelConfig(surface_points=50_000),
    denoiser=UNetConfig(
        channels=32,
        mult=(1, 2, 4),
        blocks=2,
        groups=32,
        patch=1,
        attention=(2, 4),
        resample="conv",
        keep_depth=True,
        training=Training(
            steps=0, epochs=6000, batch=32, lr=2e-4, warmup=0, decay="staircase", betas=(0.9, 0.999), clip=0.0, ema=0.0,
            checkpoint_seconds=300.0,
        ),
    ),
    sampler={"steps": 500},
    meshing=Meshing(level=0.0),
)  # fmt: skip

_OURS = "Not the paper's settings: an isotropic UNet of {} channels on 2 x 2 x 2 cells. '--preset paper' has the recovered ones."

# Points per frame: a body of thin limbs has less surface than a wing, and there are many frames.
_SEQUENCES = {"tiny": {"encoder": {"surface_points": 4096}}}

BOOK = RecipeBook(
    "Voxel Baseline",
    {"tiny": _TINY, "small": _SMALL, "paper": _PAPER},
    {"tiny": _OURS.format(16), "small": _OURS.format(32)},
    _SEQUENCES,
)
