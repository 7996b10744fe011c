"""Runs of the tutorial's spheres, whole or damaged, for the test of the gate: what is damaged, and by how much.

``rough``: every surface point is moved along its radius by a normal deviate of ROUGH, so that the expected MMD is a tenth higher.
``broken``: every tenth sample (drawn by its own weight) comes out at half its radius, which no real sphere has.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

from hdbench.engine import Engine
from hdbench.flow import Result, method_rows, references, score, shared_distances, survey
from hdbench.plan import make_plan
from hdbench.progress import Reporter
from hdbench.registry import Registry
from hdbench.runs import write_record
from hdbench.store import Store
from hdbench.workers import Workers

ROUGH, BROKEN = 0.0163, 0.1
METRICS = ("mmd-cd", "cov-cd", "1nna-cd", "mmd-smp-cd")
SETTINGS = ("data.train=0.5", "data.val=0", "protocol.normalisation=none", "protocol.points=256", f"metrics={','.join(METRICS)}")

PLUGIN = '''
"""An encoder that damages what it decodes."""

from dataclasses import dataclass

import numpy as np

from hdbench.hookspecs import Offer, hookimpl
from hdbench.seeds import numpy_generator
from hdbench.shapes import Mesh
from hdbench_sphere.field import RadiusConfig, RadiusEncoder


@dataclass(frozen=True, slots=True, kw_only=True)
class Config(RadiusConfig):
    rough: float = 0.0
    broken: float = 0.0


class Damaged(RadiusEncoder):
    name = "damaged"
    Config = Config

    def decode(self, weights, frames, resolution, level):
        whole = super().decode(weights, frames, resolution, level)
        return tuple(self._damaged(mesh, float(weight)) for mesh, weight in zip(whole, weights))

    def _damaged(self, mesh, weight):
        generator = numpy_generator("damage", weight.hex())
        scale = 0.5 if generator.random() < self.config.broken else 1.0
        noise = self.config.rough / weight * generator.standard_normal((len(mesh.vertices), 1))
        return Mesh(mesh.vertices * scale * (1 + noise), mesh.faces)


@hookimpl
def hdbench_components():
    return [Offer("encoder", "damaged", "damaged_spheres:Damaged", "damage", "a test")]
'''


def install(folder: Path) -> Registry:
    """A registry that knows the damaged encoder, whose module is written to ``folder``."""
    (folder / "damaged_spheres.py").write_text(PLUGIN)
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    import importlib

    module: ModuleType = importlib.import_module("damaged_spheres")
    registry = Registry().load()
    registry.add(module, "damaged", "tests", "0")
    return registry


def make(registry: Registry, out: Path, pool: Workers, name: str, seed: int, count: int, draws: int, *damage: str) -> Path:
    """One run folder, without pictures and without control rows."""
    changes = (*SETTINGS, f"shapes.count={count}", f"run.draws={draws}", f"run.seed={seed}", "encoder=damaged", *damage)
    plan = make_plan(registry, ("sphere",), preset="tiny", data="spheres", overrides=changes)
    engine = Engine(Store(out / "store"), pool, Reporter(quiet=True), seed)
    data = survey(plan, engine)
    against = references(plan, data)
    shared = shared_distances(plan, engine, against)
    rows = [score(engine, row, against, shared) for row in method_rows(plan, engine, data, "sphere", False)]
    write_record(out / name, plan, Result(data, rows), engine.records, "cpu", None)
    return out / name
