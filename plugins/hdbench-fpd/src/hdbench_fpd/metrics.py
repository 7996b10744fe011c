"""Metrics on features of shapes, each on the features of the embedded network and on those of a ModelNet40 checkpoint.

``fpd[procedural]`` and ``fpd[modelnet40]`` are different quantities: no number of the one says anything of the other. Values are
nan where the sets are too small: 2 shapes for the distances, 5 for FPD at infinity, more than k for the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, cast

import numpy as np

from hdbench.config import check
from hdbench.interfaces import Comparison, Features, Metric, Vector
from hdbench_fpd import cases, manifold
from hdbench_fpd.empties import Samples, mixed, samples
from hdbench_fpd.frechet import frechet, frechet_infinity
from hdbench_fpd.kernel import distance_to_outlier, kernel_distance

_ONCE = "the features, once per shape (0.02 s on a core)"


@dataclass(frozen=True, slots=True, kw_only=True)
class NoSettings:
    """Nothing to set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbourhood:
    """``k``: a ball reaches to the k-th nearest neighbour."""

    k: int = 5

    def __post_init__(self) -> None:
        check(1 <= self.k <= 1000, "k", "in 1..1000", self.k)


class OnFeatures(Metric):
    """A metric on the features of one extractor; a subclass names the extractor, which is a part of its columns' names."""

    extractor: ClassVar[str] = "procedural"
    label: ClassVar[str]
    chamfer = "none"

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.reads = (f"features/{cls.extractor}",)

    def measure(self, comparison: Comparison) -> dict[str, float]:
        """The value, under the label with the extractor in brackets, and details."""
        part = cast(Features, comparison.parts[self.reads[0]])
        return {f"{name}[{self.extractor}]": value for name, value in self.values(samples(part)).items()}

    def values(self, seen: Samples) -> dict[str, float]:
        """The value by its label, and details."""
        return {self.label: self.value(seen)}

    def value(self, seen: Samples) -> float:
        """The value."""
        raise NotImplementedError


# ------------------------------------------------------------------------------------------------------------ distances


class FrechetPointCloudDistance(OnFeatures):
    """FPD. Biased upwards in small sets: an oracle is far from 0, so only values at equal numbers of shapes compare."""

    name = "fpd[procedural]"
    label = "FPD"
    source = "Shu et al. 2019 (FPD); Heusel et al. 2017; torch-fidelity 0.4"
    Config = NoSettings
    direction = "lower"
    range = (0.0, np.inf)
    unit = "raw"
    definition = "Fréchet distance between Gaussians fitted to the PointNet++ features of generated and of reference shapes"
    cost = _ONCE

    def value(self, seen: Samples) -> float:
        """FPD; nan for fewer than two shapes in a set."""
        enough = min(len(seen.generated), len(seen.reference)) >= 2
        others = frechet(seen.generated, seen.reference) if enough else np.nan
        return mixed(others, frechet_worst(seen), seen.empty)

    @classmethod
    def vectors(cls) -> Sequence[Vector]:
        """Gaussians whose distance is known."""
        return cases.frechet(cls.extractor)


def frechet_worst(seen: Samples) -> float:
    """FPD of a set of nothing but empty samples; infinite for a reference of one shape."""
    spread = float(seen.reference.var(0, ddof=1).sum()) if len(seen.reference) > 1 else np.inf
    return spread + seen.squared_offset()


class FrechetAtInfinity(OnFeatures):
    """FPD extrapolated to infinitely many shapes, which removes the bias; comparable between sets of different sizes."""

    name = "fpd-inf[procedural]"
    label = "FPD-inf"
    source = "Chong and Forsyth 2020; both sets are sub-sampled"
    Config = NoSettings
    direction = "lower"
    range = (-np.inf, np.inf)
    unit = "raw"
    definition = "FPD at 1/n = 0, on a line through FPD of sub-samples of both sets; n: shapes of the smaller set, d: features"
    cost = "75 Fréchet distances, under a second per set"
    resampled = False

    def values(self, seen: Samples) -> dict[str, float]:
        """``FPD-inf``, and the details ``n`` and ``d``: the line needs n well above the number of features that matter."""
        count = min(len(seen.generated), len(seen.reference))
        others = frechet_infinity(seen.generated, seen.reference) if count >= 5 else np.nan
        value = mixed(others, frechet_worst(seen), seen.empty)
        return {self.label: value, f"{self.label} n": float(count), f"{self.label} d": float(seen.reference.shape[1])}


class KernelPointCloudDistance(OnFeatures):
    """KPD: unbiased, so 0 for an oracle on average, and negative for half of them."""

    name = "kpd[procedural]"
    label = "KPD"
    source = "Binkowski et al. 2018 (KID); Zhang et al. 2023 (KPD); torch-fidelity 0.4"
    Config = NoSettings
    direction = "lower"
    range = (-np.inf, np.inf)
    unit = "raw"
    definition = "unbiased squared maximum mean discrepancy of the features with the kernel (x.y / d + 1)^3; 0 for an oracle"
    cost = _ONCE

    def value(self, seen: Samples) -> float:
        """KPD; nan for fewer than two shapes in a set."""
        if len(seen.reference) < 2:
            return np.nan
        others = kernel_distance(seen.generated, seen.reference) if len(seen.generated) >= 2 else np.nan
        return mixed(others, distance_to_outlier(seen.reference, seen.squared_offset()), seen.empty)

    @classmethod
    def vectors(cls) -> Sequence[Vector]:
        """Sets of two whose distance is known."""
        return cases.kernel(cls.extractor)


# ---------------------------------------------------------------------------------------------------------------- balls


class OnBalls(OnFeatures):
    """A metric on balls around features, in percent; higher is better."""

    Config = Neighbourhood
    direction = "higher"
    range = (0.0, 100.0)
    unit = "%"
    cost = _ONCE

    def value(self, seen: Samples) -> float:
        """The share; 0 when nothing but empty samples is left, nan for sets of at most k shapes."""
        k, share = self.config.k, 1 - seen.empty
        if share == 0:
            return 0.0
        if min(len(seen.reference), len(seen.generated)) <= k:
            return np.nan if seen.empty == 0 else 0.0
        between = manifold.squared_distances(seen.generated, seen.reference)
        return 100 * self.share(between, seen, k)

    def share(self, between: manifold.Values, seen: Samples, k: int) -> float:
        """The share, for squared distances [g, r]."""
        raise NotImplementedError

    @classmethod
    def vectors(cls) -> Sequence[Vector]:
        """Ten numbers on a line, copied and far away."""
        return cases.balls(cls.extractor, cls.label)


class Precision(OnBalls):
    """How many generated shapes look like a reference shape."""

    name = "precision[procedural]"
    label = "precision"
    source = "Kynkaanniemi et al. 2019; torch-fidelity 0.4"
    definition = "share of generated shapes whose features lie within the k-th nearest neighbour of some reference shape, k = 5"

    def share(self, between: manifold.Values, seen: Samples, k: int) -> float:
        """Empty samples lie in no ball."""
        return (1 - seen.empty) * manifold.precision(between, manifold.radii_of(seen.reference, k))


class Recall(OnBalls):
    """How many reference shapes look like a generated one."""

    name = "recall[procedural]"
    label = "recall"
    source = "Kynkaanniemi et al. 2019; torch-fidelity 0.4"
    definition = "share of reference shapes whose features lie within the k-th nearest neighbour of some generated shape, k = 5"

    def share(self, between: manifold.Values, seen: Samples, k: int) -> float:
        """Of the samples that are not empty, times their share."""
        return (1 - seen.empty) * manifold.recall(between, manifold.radii_of(seen.generated, k))


class Density(OnBalls):
    """Precision that counts balls, so that one outlier of the reference cannot vouch for everything; about 100 % is real data."""

    name = "density[procedural]"
    label = "density"
    source = "Naeem et al. 2020"
    range = (0.0, np.inf)
    definition = "number of reference shapes, over k = 5, within whose k-th nearest neighbour a generated shape lies, on average"

    def share(self, between: manifold.Values, seen: Samples, k: int) -> float:
        """Empty samples lie in no ball."""
        return (1 - seen.empty) * manifold.density(between, manifold.radii_of(seen.reference, k), k)


class Coverage(OnBalls):
    """How much of the reference has a generated shape nearby; its balls are those of the reference, so outliers do not count."""

    name = "coverage[procedural]"
    label = "coverage"
    source = "Naeem et al. 2020"
    definition = "share of reference shapes within whose k-th nearest neighbour, k = 5, some generated shape lies"

    def share(self, between: manifold.Values, seen: Samples, k: int) -> float:
        """Empty samples lie in no ball."""
        return manifold.coverage(between, manifold.radii_of(seen.reference, k))


# ------------------------------------------------------------------------------------------------------- on ModelNet40


class FrechetPointCloudDistanceModelNet40(FrechetPointCloudDistance):
    name, extractor = "fpd[modelnet40]", "modelnet40"


class FrechetAtInfinityModelNet40(FrechetAtInfinity):
    name, extractor = "fpd-inf[modelnet40]", "modelnet40"


class KernelPointCloudDistanceModelNet40(KernelPointCloudDistance):
    name, extractor = "kpd[modelnet40]", "modelnet40"


class PrecisionModelNet40(Precision):
    name, extractor = "precision[modelnet40]", "modelnet40"


class RecallModelNet40(Recall):
    name, extractor = "recall[modelnet40]", "modelnet40"


class DensityModelNet40(Density):
    name, extractor = "density[modelnet40]", "modelnet40"


class CoverageModelNet40(Coverage):
    name, extractor = "coverage[modelnet40]", "modelnet40"
