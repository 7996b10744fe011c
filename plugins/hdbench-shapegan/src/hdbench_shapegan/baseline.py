"""ShapeGAN as a baseline: fit both networks to signed distances, or take a trained generator; codes to meshes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from hdbench.external.baseline import ThreeWays
from hdbench.external.given import content_hash
from hdbench.interfaces import Session, TrainingSet
from hdbench.seeds import seed_of, torch_generator
from hdbench.shapes import Mesh
from hdbench_shapegan import training_data as data
from hdbench_shapegan.adversarial import Duel, Fields, GridFields, PointFields, new_discriminator, renewed, train_stage
from hdbench_shapegan.autodecoder import spread, start
from hdbench_shapegan.checkpoints import Given, interpret, read_generator
from hdbench_shapegan.distances import grid_points
from hdbench_shapegan.generators import Generator, SDFGenerator, SDFNet, generator_of
from hdbench_shapegan.progressing import Journal
from hdbench_shapegan.settings import PRESETS, ShapeGANConfig
from hdbench_shapegan.surface import mesh_of

GENERATOR, READING = "generator.", "reading"  # the parts of its state; the latter is (unit, level, ball)


class ShapeGAN(ThreeWays):
    """Codes from N(0, I) -> signed distance fields -> meshes in the box."""

    name = "shapegan"
    source = "Kleineberg et al. 2020 (arXiv 2002.00349); marian42/shapegan@090a6a8, branch point_sdf@c57a460"
    title = "ShapeGAN"
    Config = ShapeGANConfig
    produces = "meshes"
    presets = PRESETS
    wrapped = "hdbench_shapegan:external.toml"
    released = "the authors' ShapeNet split"
    config: ShapeGANConfig

    def row(self) -> str:
        """``ShapeGAN``, or ``ShapeGAN (DeepSDF start)`` where its shapes owe most to an autodecoder's training."""
        begun = self.config.way == "native" and not self.config.checkpoint and self.config.start.steps
        return f"{self.title} (DeepSDF start)" if begun else self.title

    def fitted_with(self) -> ShapeGANConfig:
        """All but how its fields are contoured."""
        plain = ShapeGANConfig()
        return replace(
            self.config, resolution=plain.resolution, evaluation=plain.evaluation, domain=plain.domain, axes=plain.axes
        )

    def native_provenance(self) -> str:
        """Which discriminator, how long it was trained, and at which distance the surface is taken."""
        config = self.config
        if given := self._given():
            return f"Generator '{given.name}': an output of 1 is a distance of {given.unit:g}, surface at {given.level:g}."
        config.refuse_misfits()
        return f"{_KINDS[config.variant]}; {_recipe(config)}"

    def native_fit(self, training: TrainingSet, session: Session) -> dict[str, Tensor]:
        """The generator's tensors, and how its values are read."""
        if given := self._given():
            return _state(given.generator, given.unit, given.level, given.ball)
        generator = self._trained(training, session)
        unit = self.config.truncation if self.config.variant == "voxel" else 1.0
        return _state(generator, unit, self.config.level or 0.0, ball=False)

    def native_sample(self, state: Mapping[str, Tensor], count: int, session: Session) -> list[tuple[Mesh, ...]]:
        """Meshes; the code of sample j is drawn by its own generator. A field without a surface gives an empty mesh."""
        parts = {key.removeprefix(GENERATOR): value for key, value in state.items() if key.startswith(GENERATOR)}
        generator = generator_of(parts).to(session.device)
        unit, level, ball = state[READING].tolist()
        meshes: list[tuple[Mesh, ...]] = []
        for j in range(count):
            code = torch.randn(generator.latent, generator=torch_generator(session.seed, "sample", j)).to(session.device)
            mesh = mesh_of(
                generator, code, resolution=self.config.resolution, level=level, unit=unit, ball=self._ball(bool(ball)),
                sparse=self.config.evaluation == "sparse",
            )  # fmt: skip
            meshes.append((turned(mesh, self.config.axes),))
            session.progress(j + 1, count)
        return meshes

    def _ball(self, known: bool) -> bool:
        return known if self.config.domain == "auto" else self.config.domain == "ball"

    def _given(self) -> Given | None:
        path: Path | None = self.checkpoint()
        if path is None:
            return None
        return interpret(read_generator(path), path, content_hash(path), self.config.unit, self.config.level)

    def _trained(self, training: TrainingSet, session: Session) -> Generator:
        config, seed = self.config, session.seed
        config.refuse_misfits()
        generator, discriminator = self._networks(seed)
        lengths = (config.start.steps, *config.stages.lengths(len(training.names)))
        journal = Journal(session, lengths, config.checkpoint_seconds)
        if config.start.steps and journal.resume(0)[0] < config.start.steps:
            points, distances = data.near_surfaces(training, config.start.pool, seed)
            cut = config.truncation if config.variant == "voxel" else np.inf
            distances = distances.clamp_(-cut, cut) / (cut if config.variant == "voxel" else 1.0)
            generator.to(session.device)
            start(generator, points.to(session.device), distances.to(session.device), config.start, seed, journal)
        duel = Duel.begin(generator.to(session.device), discriminator.to(session.device), config.adversarial)
        for stage, (size, batch) in enumerate(zip(config.stages.sizes, config.stages.batches)):
            if journal.resume(stage + 1)[0] >= lengths[stage + 1]:
                continue  # a later stage was begun, and its checkpoint has everything
            if config.variant == "voxel" and stage:
                duel.learners = renewed(duel)  # each resolution is a training of its own
            train_stage(duel, self._fields(training, size, session), size, batch, stage, seed, journal)
        duel.finish()
        return generator

    def _networks(self, seed: int) -> tuple[Generator, torch.nn.Module]:
        """Untrained ones, a function of the seed."""
        config = self.config
        with torch.random.fork_rng():
            torch.manual_seed(seed_of(seed, "networks") % 2**63)
            kind = SDFNet if config.variant == "voxel" else SDFGenerator
            generator = kind(config.latent, config.hidden)
            if config.initial == "spread":
                spread(generator)
            return generator, new_discriminator(config.variant, config.adversarial)

    def _fields(self, training: TrainingSet, size: int, session: Session) -> Fields:
        if self.config.variant == "voxel":
            grid = torch.from_numpy(grid_points(size)).float().to(session.device)
            return GridFields(grid, data.on_grid(training, size, self.config.truncation).to(session.device))
        pool = max(size, min(data.CLOUD, POOL_PER_POINT * size))
        points, distances = data.at_uniform_points(training, pool, session.seed)
        return PointFields(points.to(session.device), distances.to(session.device), size)


POOL_PER_POINT = 8  # points measured per point of a step, up to the released 64^3
_RECIPE = ("latent", "hidden", "initial", "truncation", "stages", "adversarial", "start")  # what decides how it is trained
_KINDS = {"voxel": "3D-CNN discriminator on grids", "point": "PointNet discriminator on points"}


def _recipe(config: ShapeGANConfig) -> str:
    """How it is trained, and where that departs from the released recipe."""
    released = ShapeGANConfig(variant=config.variant)
    if all(getattr(config, name) == getattr(released, name) for name in _RECIPE):
        return "the released schedule."
    stages, sizes = config.stages, ", ".join(f"{size}{'^3' if config.variant == 'voxel' else ''}" for size in config.stages.sizes)
    length = f"{'/'.join(map(str, stages.steps))} steps" if stages.steps else f"{'/'.join(map(str, stages.epochs))} epochs"
    start, how = config.start.steps, config.adversarial.optimiser + (", running average" if config.adversarial.ema else "")
    before = f"begun as a DeepSDF autodecoder ({start} steps), to which its shapes owe most, then " if start else ""
    return (
        f"{before}adversarial training (WGAN-GP, {how}) for {length} on {sizes}; {config.hidden} wide, {config.latent} latent. "
        "Not the released recipe: '--preset paper' is."
    )


def _state(generator: Generator, unit: float, level: float, ball: bool) -> dict[str, Tensor]:
    parts = {f"{GENERATOR}{name}": value.detach().cpu().clone() for name, value in generator.state_dict().items()}
    return parts | {READING: torch.tensor([unit, level, float(ball)], dtype=torch.float64)}


def turned(mesh: Mesh, axes: tuple[str, ...]) -> Mesh:
    """The mesh with coordinates along these axes of its own; faces keep looking outwards."""
    if axes == ("x", "y", "z"):
        return mesh
    matrix = np.zeros((3, 3))
    for row, axis in enumerate(axes):
        matrix[row, "xyz".index(axis[-1])] = -1 if axis.startswith("-") else 1
    faces = mesh.faces if np.linalg.det(matrix) > 0 else mesh.faces[:, ::-1]
    return Mesh(mesh.vertices @ matrix.T, np.ascontiguousarray(faces))
