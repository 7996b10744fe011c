"""Plugins that hdbench's own repository offers, so that what is not installed can be named with its install line."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol


class Installed(Protocol):
    """What is read of a registry: its components by (kind, name)."""

    components: dict


@dataclass(frozen=True, slots=True)
class Known:
    """A distribution of the repository: what it is, and names that users ask for."""

    distribution: str
    summary: str
    names: tuple[str, ...]

    @property
    def install(self) -> str:
        """The next step."""
        return (
            f"Install it with 'pip install {self.distribution}' (from a checkout: 'pip install -e plugins/{self.distribution}')."
        )


KNOWN = (
    Known("hdbench-dpc", "DPC, diffusion over point clouds", ("dpc",)),
    Known("hdbench-external", "any repository, driven by a specification of a page", ("external",)),
    Known("hdbench-fpd", "Fréchet and kernel distances on PointNet++ features", ("fpd[procedural]", "fpd[modelnet40]")),
    Known("hdbench-hyperdiffusion", "HyperDiffusion: MLP fields, weight transformer", ("hyperdiffusion", "mlp", "transformer")),
    Known("hdbench-loggers", "TensorBoard, Weights & Biases, bundles for model hubs", ("tensorboard", "wandb", "hub")),
    Known("hdbench-pvd", "PVD, point-voxel diffusion", ("pvd",)),
    Known("hdbench-samplers", "DDIM, DDPM, DPM-Solver++, Heun", ("ddim", "ddpm", "dpm-solver++", "heun")),
    Known("hdbench-set-metrics", "MMD, COV, 1-NNA, JSD, novelty, validity, motion", ("mmd-cd", "cov-cd", "1nna-cd", "jsd")),
    Known("hdbench-shapegan", "ShapeGAN, signed distance fields from a GAN", ("shapegan",)),
    Known("hdbench-shapes", "procedural shapes, mesh folders, data sets", ("airplane", "car", "chair", "animals", "meshes")),
    Known("hdbench-sphere", "the tutorial: spheres, answers known", ("sphere", "spheres", "resample")),
    Known("hdbench-voxel", "voxel 3D-UNet diffusion", ("voxel",)),
)


def not_installed(registry: Installed, known: Iterable[Known] = KNOWN) -> list[Known]:
    """The known distributions of which no component is installed."""
    installed = {registered.distribution for registered in registry.components.values()}
    return [plugin for plugin in known if plugin.distribution not in installed]


def hint(registry: Installed, name: str, known: Iterable[Known] = KNOWN) -> str:
    """How to get a component of this name, or the empty string."""
    return next((f"'{name}' is {plugin.summary}. {plugin.install}" for plugin in not_installed(registry, known)
                 if name in plugin.names), "")  # fmt: skip
