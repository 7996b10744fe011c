"""PVD, the point-voxel diffusion of Zhou, Du and Wu: one of the paper's baselines, in pure PyTorch."""

from __future__ import annotations

from collections.abc import Iterable

from hdbench.hookspecs import Offer, hookimpl

SOURCE = "Zhou et al. 2021 (arXiv 2104.03670); alexzhou907/PVD@9747265"


@hookimpl
def hdbench_components() -> Iterable[Offer]:
    """The baseline."""
    return (Offer("baseline", "pvd", "hdbench_pvd.baseline:PVD", "diffusion of point clouds by a point-voxel network", SOURCE),)
