"""DPC, the diffusion of point clouds by Luo and Hu: one of the paper's baselines, in pure PyTorch."""

from __future__ import annotations

from collections.abc import Iterable

from hdbench.hookspecs import Offer, hookimpl

SOURCE = "Luo and Hu 2021 (arXiv 2103.01458); luost26/diffusion-point-cloud@b037c5f"


@hookimpl
def hdbench_components() -> Iterable[Offer]:
    """The baseline."""
    return (
        Offer("baseline", "dpc", "hdbench_dpc.baseline:DPC", "diffusion of points, given a latent shape from a flow", SOURCE),
    )
