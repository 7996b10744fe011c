"""The voxel baseline: occupancy grids of 24^3 cells, diffused by a 3D UNet."""

from __future__ import annotations

from collections.abc import Iterable

from hdbench.hookspecs import Offer, hookimpl

PAPER = "Erkoc et al. 2023, section 4.1; Rgtemze/HyperDiffusion@fd2c581"


@hookimpl
def hdbench_components() -> Iterable[Offer]:
    """The encoder, the denoiser and the recipe of the voxel baseline."""
    return (
        Offer("encoder", "voxel", "hdbench_voxel.encoder:VoxelEncoder", "an occupancy grid, -1 outside, +1 inside", PAPER),
        Offer("denoiser", "unet3d", "hdbench_voxel.unet:UNet3D", "a 3D UNet over occupancy grids", PAPER),
        Offer("recipe", "voxel", "hdbench_voxel.recipe:BOOK", "voxel diffusion, the paper's baseline", PAPER),
    )
