"""Look at every shape once: can it be used, what does its surface look like, has it been seen before?"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from hdbench.clouds import Cloud, draw, place_cloud
from hdbench.errors import ShapeError
from hdbench.interfaces import Session, ShapeSource
from hdbench.loading.oddities import cloud_digest
from hdbench.refs import Ref
from hdbench.sampling import evaluation_cloud
from hdbench.seeds import seed_of
from hdbench.shapes import Shape, geometry_digest
from hdbench.stages.decode import figures


def survey(session: Session, source: Ref, names: tuple[str, ...], points: int) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Clouds [k, t, points, 3] of the usable shapes; info: their names, digests and notes, and what was left out and why."""
    shapes: ShapeSource = source.build()
    if shapes.holds == "clouds":
        return _survey_clouds(session, shapes, names, points)
    clouds, meshes, usable, left_out = [], [], [], []
    for done, name in enumerate(names):
        try:
            shape, notes = shapes.shape_with_notes(name)
            shape = shapes.place(shape)
            clouds.append(evaluation_cloud(shape, points, session.seed))
            meshes.append(shape.frames)
            usable.append(_facts(shape, notes))
        except ShapeError as error:
            left_out.append({"name": name, "reason": str(error)})
        session.progress(done + 1, len(names))
    stacked = torch.from_numpy(np.stack(clouds)) if clouds else torch.zeros(0, 1, points, 3)
    return {"clouds": stacked, **figures(meshes)}, {"shapes": usable, "left_out": left_out}


def _survey_clouds(
    session: Session, source: ShapeSource, names: tuple[str, ...], points: int
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The same of shapes that come as clouds: points of theirs, and no figures of meshes."""
    clouds, usable, left_out = [], [], []
    for done, name in enumerate(names):
        try:
            cloud, notes = source.cloud(name)
            clouds.append(draw(place_cloud(cloud), points, session.seed))
            usable.append(_facts_of_cloud(cloud, notes))
        except ShapeError as error:
            left_out.append({"name": name, "reason": str(error)})
        session.progress(done + 1, len(names))
    stacked = torch.from_numpy(np.stack(clouds)) if clouds else torch.zeros(0, 1, points, 3)
    return {"clouds": stacked}, {"shapes": usable, "left_out": left_out}


def _facts_of_cloud(cloud: Cloud, notes: list[str]) -> dict[str, Any]:
    digest, frames = cloud_digest(cloud.points).hex(), len(cloud.points)
    return {"name": cloud.name, "digest": digest, "notes": notes, "frames": frames, "faces": 0, "stock": cloud.stock}


def resample(session: Session, source: Ref, names: tuple[str, ...], points: int) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Other points [k, t, points, 3] on the same shapes: how much a metric varies with the choice of points alone."""
    shapes: ShapeSource = source.build()
    if shapes.holds == "clouds":
        others = [draw(place_cloud(shapes.cloud(name)[0]), points, session.seed, again=True) for name in names]
        return {"clouds": torch.from_numpy(np.stack(others))}, {"empty": 0}
    seed = seed_of(session.seed, "resample")
    clouds = [evaluation_cloud(shapes.place(shapes.shape(name)), points, seed) for name in names]
    return {"clouds": torch.from_numpy(np.stack(clouds))}, {"empty": 0}


def _facts(shape: Shape, notes: list[str]) -> dict[str, Any]:
    """What the run's record keeps of a usable shape."""
    faces = sum(len(mesh.faces) for mesh in shape.frames)
    digest = geometry_digest(shape, placed=True)
    return {"name": shape.name, "digest": digest, "notes": notes, "frames": len(shape.frames), "faces": faces}
