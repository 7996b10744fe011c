"""Some shapes of a source, or all, read as a run reads them: what they look like, what was mended, what cannot be used."""

from __future__ import annotations

import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from hdbench.errors import ShapeError
from hdbench.interfaces import ShapeSource
from hdbench.loading.oddities import cloud_digest
from hdbench.measures.validity import mesh_figures
from hdbench.seeds import numpy_generator
from hdbench.shapes import geometry_digest

SOME = 48  # shapes that are looked at unless all are wanted
LEAST = 3  # of them, however long they take
SECONDS = 3.0


@dataclass(slots=True)
class Looked:
    """What was found: ``count`` shapes read of which ``lost`` {name: reason} cannot be used, figures of the others, and groups of
    names whose geometry is the same."""

    count: int = 0
    lost: dict[str, str] = field(default_factory=dict)
    figures: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    mended: Counter[str] = field(default_factory=Counter)
    digests: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    @property
    def usable(self) -> int:
        return self.count - len(self.lost)

    @property
    def copies(self) -> list[list[str]]:
        """Groups of names whose geometry is the same, sorted."""
        return sorted(sorted(names) for names in self.digests.values() if len(names) > 1)


def look_at(
    source: ShapeSource, names: Sequence[str], every: bool, progress: Callable[[int, int], None] = lambda done, total: None
) -> Looked:
    """Look at shapes in a random order that is always the same: all of them, or as many as a few seconds allow."""
    order = [names[k] for k in numpy_generator(0, "data check").permutation(len(names))]
    chosen, started, looked = order if every else order[:SOME], time.monotonic(), Looked()
    for name in chosen:
        if not every and looked.count >= LEAST and time.monotonic() - started > SECONDS:
            break
        looked.count += 1
        try:
            (_look_at_mesh if source.holds == "meshes" else _look_at_cloud)(source, name, looked)
        except ShapeError as error:
            looked.lost[name] = str(error)
        progress(looked.count, len(chosen))
    return looked


def _look_at_mesh(source: ShapeSource, name: str, looked: Looked) -> None:
    shape, notes = source.shape_with_notes(name)
    source.place(shape)
    figures = mesh_figures(shape.frames)
    corners = np.concatenate([mesh.triangles.reshape(-1, 3) for mesh in shape.frames])
    looked.figures["watertight"].append(figures["watertight"])
    looked.figures["pieces"].append(figures["components"])
    looked.figures["faces"].append(float(np.mean([len(mesh.faces) for mesh in shape.frames])))
    _keep(looked, name, len(shape.frames), corners, geometry_digest(shape), notes)


def _look_at_cloud(source: ShapeSource, name: str, looked: Looked) -> None:
    cloud, notes = source.cloud(name)
    looked.figures["points"].append(cloud.points.shape[1])
    _keep(looked, name, len(cloud.points), cloud.points.reshape(-1, 3), cloud_digest(cloud.points).hex(), notes)


def _keep(looked: Looked, name: str, frames: int, points: np.ndarray, digest: str, notes: Sequence[str]) -> None:
    low, high = points.min(0), points.max(0)
    looked.figures["frames"].append(frames)
    looked.figures["longest side"].append(float((high - low).max()))
    looked.figures["box diagonal"].append(float(np.linalg.norm(high - low)))
    looked.figures["centre off 0"].append(float(np.abs(low + high).max() / 2))
    looked.mended.update({_kind(note) for note in notes})
    looked.digests[digest].append(name)


def _kind(note: str) -> str:
    """A note without its numbers, so that those of one kind are counted together."""
    return re.sub(r"-?\d+(\.\d+)?(e[-+]\d+)?", "N", note)
