"""What a comparison holds: the parts that metrics say they read, each by a provider.

A provider says why its part cannot be had, computes once what depends on the reference alone (all methods share it), and then
the part for one set of generated shapes:

    ""               squared Chamfer distances, always there            emd, emd-approx, emd-approx-squared    other distances
    grid             points per cell of a cloud (Features)              features/NAME    features of an extractor
    train            nearest training shapes (Neighbours)               weights          the same in weight space
    cells            part of shape space, nearest training shape in it (Figures)
    meshes, motion   figures per shape (Figures)
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from hdbench.distances.chamfer import chamfer_matrix, whole
from hdbench.distances.nearest import nearest_neighbours, nearest_pairs
from hdbench.errors import HdbenchError, unknown
from hdbench.interfaces import Comparison, FeatureExtractor, Features, Figures, Metric, Neighbours, Pairs, Part, Session
from hdbench.points import NORMALISATIONS
from hdbench.protocol import Protocol
from hdbench.registry import Registry
from hdbench.shape_set import ShapeSet

Known = Mapping[str, NDArray[Any]]  # what depends on the reference alone, by "part/array"

NEIGHBOURS = 3  # nearest training shapes that are kept of every shape: the paper's figure 8 shows three


@dataclass(frozen=True, slots=True, eq=False)
class Sets:
    """What generated shapes are held against, and under which protocol; ``device`` computes distances and features.

    With ``skip_pairs`` distances that are nobody's nearest may be infinite: enough for values, too little for intervals.
    """

    reference: ShapeSet
    protocol: Protocol
    training: ShapeSet | None = None
    threads: int | None = None
    device: str = "cpu"
    skip_pairs: bool = False
    prepared: dict[str, NDArray[np.float32]] = field(default_factory=dict)

    def clouds(self, which: Literal["reference", "training"]) -> NDArray[np.float32]:
        """Normalised clouds [n, t, q, 3] of the reference or of the training shapes, made once."""
        if which not in self.prepared:
            shapes = self.reference if which == "reference" else self.training
            assert shapes is not None
            self.prepared[which] = prepare(shapes.clouds, self.protocol)
        return self.prepared[which]


def prepare(clouds: Any, protocol: Protocol, normalisation: str | None = None) -> NDArray[np.float32]:
    """Clouds [n, t, q, 3] as the protocol wants them; empty samples stay nan, or become zeros where the protocol says so."""
    array, name = np.asarray(clouds, dtype=np.float32), normalisation or protocol.normalisation
    ready = array if name == "none" else NORMALISATIONS[name](array)
    if protocol.empties == "zeros":
        ready = np.where(whole(ready)[:, None, None, None], ready, np.float32(0))
    return cast(NDArray[np.float32], ready)


def known_of_reference(
    sets: Sets, metrics: Sequence[Metric], before: Known | None = None, also: Sequence[str] = ()
) -> dict[str, NDArray[Any]]:
    """What the parts of these metrics owe to the reference (and training) shapes alone: compute it once, hand it to every row.

    What is known ``before`` is kept and not computed again. ``also`` names parts that are wanted whether a metric reads them or
    not.
    """
    known: dict[str, NDArray[Any]] = dict(before or {})
    for name in parts_read(metrics, also):
        part = provider(name)
        if not _own(known, name) and part.missing(sets.reference, sets) is None:
            known |= {f"{name}/{key}": value for key, value in part.of_reference(sets).items()}
    return known


def compare(generated: ShapeSet, sets: Sets, metrics: Sequence[Metric], known: Known, also: Sequence[str] = ()) -> Comparison:
    """One set of generated shapes against the reference, with all parts that ``metrics`` read, and ``also`` others."""
    clouds = prepare(generated.clouds, sets.protocol)
    parts = {name: provider(name).part(generated, clouds, sets, _own(known, name)) for name in parts_read(metrics, also)}
    chamfer = cast(Pairs, parts.pop(""))
    return Comparison(
        generated=clouds,
        reference=sets.clouds("reference"),
        between=chamfer.between,
        within_generated=chamfer.within_generated,
        within_reference=chamfer.within_reference,
        ties=sets.protocol.ties,
        parts=parts,
    )


def left_out(generated: ShapeSet, sets: Sets, metrics: Sequence[Metric]) -> dict[str, str]:
    """{name of a metric: why it cannot be computed on these sets}."""
    reasons = {name: provider(name).missing(generated, sets) for name in parts_read(metrics)}
    found = {metric.name: [reasons[name] for name in metric.reads if reasons[name]] for metric in metrics}
    return {name: str(why[0]) for name, why in found.items() if why}


def extractors_of(metrics: Sequence[Metric]) -> tuple[str, ...]:
    """Name and fingerprint of every feature extractor that these metrics read: features of other weights are other numbers."""
    names = [name.partition("/")[2] for name in parts_read(metrics) if name.startswith("features/")]
    found = []
    for name in names:
        try:
            found.append(f"{name} {ShapeFeatures(name).extractor.fingerprint()}")
        except HdbenchError:  # without its weights; the metrics that read it are left out, with the reason
            continue
    return tuple(found)


def feature_notes(metrics: Sequence[Metric]) -> list[str]:
    """The line under a table that says which weights its features are of."""
    found = extractors_of(metrics)
    return [f"Features are of the weights: {', '.join(found)}."] if found else []


def parts_read(metrics: Sequence[Metric], also: Sequence[str] = ()) -> list[str]:
    """The parts that these metrics read, and others; Chamfer distances (named by the empty string) first."""
    return list(dict.fromkeys(["", *(name for metric in metrics for name in metric.reads), *also]))


def recorded(sets: Sets) -> tuple[str, ...]:
    """The parts that the record of every sample needs, whether a metric reads them or not: the nearest training shapes."""
    return ("train",) if provider("train").missing(sets.reference, sets) is None else ()


def _own(known: Known, name: str) -> Known:
    return {key.removeprefix(f"{name}/"): value for key, value in known.items() if key.rpartition("/")[0] == name}


# ----------------------------------------------------------------------------------------------------------- providers


class Provider(ABC):
    """Computes one part of a comparison."""

    @abstractmethod
    def missing(self, generated: ShapeSet, sets: Sets) -> str | None:
        """Why the part cannot be had, or None if it can."""

    def of_reference(self, sets: Sets) -> dict[str, NDArray[Any]]:
        """What depends on the reference and training shapes alone."""
        return {}

    @abstractmethod
    def part(self, generated: ShapeSet, clouds: NDArray[np.float32], sets: Sets, known: Known) -> Part:
        """The part for these generated shapes, whose normalised clouds are ``clouds``."""


def provider(name: str) -> Provider:
    """The provider of a part; HdbenchError with the nearest name if there is none."""
    kind, _, of = name.partition("/")
    if kind == "features" and of:
        return ShapeFeatures(of)
    if name not in PROVIDERS:
        raise unknown("part of a comparison", name, [*PROVIDERS, "features/NAME"])
    return PROVIDERS[name]


class Distances(Provider):
    """A distance between sequences of clouds: the full matrices."""

    def missing(self, generated: ShapeSet, sets: Sets) -> str | None:
        return None

    def of_reference(self, sets: Sets) -> dict[str, NDArray[Any]]:
        return {"within": self.matrix(sets.clouds("reference"), None, sets)}

    def part(self, generated: ShapeSet, clouds: NDArray[np.float32], sets: Sets, known: Known) -> Part:
        between, within = self.matrix(clouds, sets.clouds("reference"), sets), self.matrix(clouds, None, sets)
        return Pairs(between, within, known["within"])

    @abstractmethod
    def matrix(self, a: NDArray[np.float32], b: NDArray[np.float32] | None, sets: Sets) -> NDArray[np.float64]:
        """Distances [n, m]; of ``a`` to itself without ``b``."""


class Chamfer(Distances):
    """Squared, mean + mean. Where only nearest neighbours count, the other pairs are skipped."""

    def part(self, generated: ShapeSet, clouds: NDArray[np.float32], sets: Sets, known: Known) -> Part:
        if not self._skips(sets):
            return super().part(generated, clouds, sets, known)
        found = nearest_pairs(clouds, sets.clouds("reference"), threads=sets.threads, device=sets.device)
        return Pairs(found.between, found.within_generated, found.within_reference)

    def of_reference(self, sets: Sets) -> dict[str, NDArray[Any]]:
        return {} if self._skips(sets) else super().of_reference(sets)

    def _skips(self, sets: Sets) -> bool:
        return sets.skip_pairs and sets.protocol.distance == "exact"

    def matrix(self, a: NDArray[np.float32], b: NDArray[np.float32] | None, sets: Sets) -> NDArray[np.float64]:
        return chamfer_matrix(a, b, sets.protocol.distance, sets.threads, device=sets.device)


class EarthMover(Distances):
    """The mean distance under the best assignment, or one of the approximations that papers print."""

    def __init__(self, variant: Literal["exact", "approx", "approx-squared"]) -> None:
        self.variant = variant

    def matrix(self, a: NDArray[np.float32], b: NDArray[np.float32] | None, sets: Sets) -> NDArray[np.float64]:
        from hdbench.distances.emd import emd_matrix

        return emd_matrix(a, b, self.variant, sets.protocol.emd_points or a.shape[2], sets.threads)


class PerShape(Provider):
    """A vector of features for every shape of both sets."""

    def of_reference(self, sets: Sets) -> dict[str, NDArray[Any]]:
        return {"reference": self.vectors(sets.reference, sets)}

    def part(self, generated: ShapeSet, clouds: NDArray[np.float32], sets: Sets, known: Known) -> Part:
        return Features(self.vectors(generated, sets), known["reference"])

    def vectors(self, shapes: ShapeSet, sets: Sets) -> NDArray[np.float64]:
        """[n, d]; nan for empty samples."""
        clouds = prepare(shapes.clouds, sets.protocol, self.normalisation(sets.protocol))
        full = whole(clouds)
        found = self.of_clouds(clouds[full], sets)
        out = np.full((len(clouds), found.shape[1]), np.nan)
        out[full] = found
        return out

    @abstractmethod
    def normalisation(self, protocol: Protocol) -> str:
        """The normalisation of the clouds that it looks at."""

    @abstractmethod
    def of_clouds(self, clouds: NDArray[np.float32], sets: Sets) -> NDArray[np.float64]:
        """Vectors [n, d] of finite clouds [n, t, q, 3]."""


class ShapeFeatures(PerShape):
    """The features of an extractor that a plugin offers."""

    def __init__(self, name: str) -> None:
        cls = Registry().load().resolve("features", name)
        self.extractor: FeatureExtractor = cls(cls.Config())

    def missing(self, generated: ShapeSet, sets: Sets) -> str | None:
        if generated.frames > 1:
            return "features are of single shapes, these are sequences"
        try:
            self.extractor.fingerprint()
        except HdbenchError as error:
            return str(error)
        return None

    def normalisation(self, protocol: Protocol) -> str:
        return self.extractor.normalisation if protocol.features_on == "own" else protocol.normalisation

    def of_clouds(self, clouds: NDArray[np.float32], sets: Sets) -> NDArray[np.float64]:
        import torch

        return self.extractor.extract(clouds[:, 0], Session(0, torch.device(sets.device)))


class Grid(PerShape):
    """How many points of a shape lie in each cell of a 28^3 grid, for the Jensen-Shannon divergence."""

    def missing(self, generated: ShapeSet, sets: Sets) -> str | None:
        return None

    def normalisation(self, protocol: Protocol) -> str:
        return "shape_bbox_half" if protocol.grid == "box" else protocol.normalisation

    def of_clouds(self, clouds: NDArray[np.float32], sets: Sets) -> NDArray[np.float64]:
        from hdbench.measures.grid import cell_counts

        return cell_counts(clouds)


class Training(Provider):
    """The nearest training shapes by Chamfer distance."""

    def missing(self, generated: ShapeSet, sets: Sets) -> str | None:
        return None if sets.training is not None and len(sets.training) > NEIGHBOURS else _NO_TRAINING

    def of_reference(self, sets: Sets) -> dict[str, NDArray[Any]]:
        training = sets.clouds("training")
        distances, index = self._nearest(sets.clouds("reference"), training, NEIGHBOURS, sets)
        others, _ = self._nearest(training, None, 1, sets)
        return {"reference": distances, "reference_index": index, "training": others[:, 0]}

    def part(self, generated: ShapeSet, clouds: NDArray[np.float32], sets: Sets, known: Known) -> Part:
        return Neighbours(*self._nearest(clouds, sets.clouds("training"), NEIGHBOURS, sets), **known)

    def _nearest(self, a: Any, b: Any, k: int, sets: Sets) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        return nearest_neighbours(a, b, k, threads=sets.threads, device=sets.device)


_NO_TRAINING = f"it needs more than {NEIGHBOURS} training shapes (--train)"


class InCells(Provider):
    """In which cell of shape space every shape lies (``cell``; nan where empty), and how far the nearest training shape of that
    cell is (``distance``; infinite where empty)."""

    def missing(self, generated: ShapeSet, sets: Sets) -> str | None:
        return provider("train").missing(generated, sets)

    def of_reference(self, sets: Sets) -> dict[str, NDArray[Any]]:
        from hdbench.measures.cells import make_cells

        training = self._whole(sets)
        cells = make_cells(training, sets.clouds("reference"), sets.threads, sets.device)
        known = {f.name: getattr(cells, f.name) for f in fields(cells)}
        known["training_cell"] = self._cells_of(training, sets, known)
        found = self._figures(sets.clouds("reference"), sets, known)
        return known | {f"reference_{name}": values for name, values in found.items()}

    def part(self, generated: ShapeSet, clouds: NDArray[np.float32], sets: Sets, known: Known) -> Part:
        reference = {name: known[f"reference_{name}"] for name in ("cell", "distance")}
        return Figures(self._figures(clouds, sets, known), reference)

    def _figures(self, clouds: NDArray[np.float32], sets: Sets, known: Known) -> dict[str, NDArray[np.float64]]:
        full, training = np.flatnonzero(whole(clouds)), self._whole(sets)
        cell, distance = np.full(len(clouds), np.nan), np.full(len(clouds), np.inf)
        cell[full] = self._cells_of(clouds[full], sets, known)
        for here in np.unique(cell[full]):
            mine, theirs = np.flatnonzero(cell == here), training[known["training_cell"] == here]
            distance[mine] = nearest_neighbours(clouds[mine], theirs, 1, threads=sets.threads, device=sets.device)[0][:, 0]
        return {"cell": cell, "distance": distance}

    def _cells_of(self, clouds: NDArray[np.float32], sets: Sets, known: Known) -> NDArray[np.int64]:
        from hdbench.measures.cells import Cells, describe

        cells = Cells(known["landmarks"], known["centres"], known["cell_of"])
        if not len(clouds):
            return np.empty(0, np.int64)
        return cells.of(describe(clouds, self._whole(sets)[cells.landmarks], sets.threads, sets.device))

    def _whole(self, sets: Sets) -> NDArray[np.float32]:
        training = sets.clouds("training")
        return training[whole(training)]


class Weights(Provider):
    """The nearest training weights by Euclidean distance."""

    def missing(self, generated: ShapeSet, sets: Sets) -> str | None:
        if sets.training is None or sets.training.weights is None or generated.weights is None:
            return "it needs the weights of generated and of training shapes, so a method of neural fields"
        return None if len(sets.training) > NEIGHBOURS else _NO_TRAINING

    def part(self, generated: ShapeSet, clouds: NDArray[np.float32], sets: Sets, known: Known) -> Part:
        training = cast(ShapeSet, sets.training).weights
        among = _euclidean(training, training)
        np.fill_diagonal(among, np.inf)
        nearest = _lowest(_euclidean(generated.weights, training), NEIGHBOURS)
        return Neighbours(*nearest, *self._of_reference(sets.reference, training), among.min(1))

    def _of_reference(self, reference: ShapeSet, training: Any) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Test shapes are rarely fitted: without weights they are at unknown distances."""
        if reference.weights is not None:
            return _lowest(_euclidean(reference.weights, training), NEIGHBOURS)
        return np.full((len(reference), NEIGHBOURS), np.nan), np.full((len(reference), NEIGHBOURS), -1)


def _euclidean(a: Any, b: Any) -> NDArray[np.float64]:
    from scipy.spatial.distance import cdist

    return cdist(np.asarray(a, np.float64), np.asarray(b, np.float64))


def _lowest(distances: NDArray[np.float64], count: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    index = np.argsort(distances, axis=1, kind="stable")[:, :count]
    return np.take_along_axis(distances, index, 1), index


class MeshFigures(Provider):
    """Is it watertight, in how many pieces, of which genus and volume: where the shapes came as meshes."""

    def missing(self, generated: ShapeSet, sets: Sets) -> str | None:
        return "it needs meshes, and the generated shapes are clouds" if generated.figures is None else None

    def part(self, generated: ShapeSet, clouds: NDArray[np.float32], sets: Sets, known: Known) -> Part:
        return Figures(generated.figures or {}, sets.reference.figures or {})


class Motion(Provider):
    """How the frames of a sequence differ."""

    def missing(self, generated: ShapeSet, sets: Sets) -> str | None:
        return "it needs sequences, and these shapes have a single frame" if generated.frames < 2 else None

    def of_reference(self, sets: Sets) -> dict[str, NDArray[Any]]:
        from hdbench.measures.motion import motion_figures

        return motion_figures(sets.clouds("reference"))

    def part(self, generated: ShapeSet, clouds: NDArray[np.float32], sets: Sets, known: Known) -> Part:
        from hdbench.measures.motion import motion_figures

        return Figures(motion_figures(clouds), known)


PROVIDERS: dict[str, Provider] = {
    "": Chamfer(),
    "emd": EarthMover("exact"),
    "emd-approx": EarthMover("approx"),
    "emd-approx-squared": EarthMover("approx-squared"),
    "grid": Grid(),
    "train": Training(),
    "cells": InCells(),
    "weights": Weights(),
    "meshes": MeshFigures(),
    "motion": Motion(),
}
