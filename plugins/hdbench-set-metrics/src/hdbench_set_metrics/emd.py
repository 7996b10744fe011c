"""MMD, COV and 1-NNA on Earth Mover's distances: the exact one, and the approximations of published tables.

PointFlow, PVD and LION print columns named EMD that come from two different approximations. They are here under names of
their own, to reproduce those tables; their values compare neither with each other nor with the exact distance.
"""

from __future__ import annotations

from hdbench_set_metrics.chamfer import Coverage, MinimumMatchingDistance, NearestNeighbourAccuracy
from hdbench_set_metrics.pairs import OnDistances

_MMD = "mean over reference shapes of {} to the nearest generated shape, times 100"
_COV = "share of reference shapes that are the nearest reference of some generated shape by {}"
_NNA = "leave-one-out accuracy of a nearest-neighbour classifier of generated against reference shapes by {}"

_EXACT = "the exact Earth Mover's distance (mean length of the best bijection)"
_POINTFLOW = "PointFlow's approximation of the Earth Mover's distance"
_PVD = "PVD's and LION's approximation of the mean squared Earth Mover's distance"


class _Exact(OnDistances):
    chamfer = "none"
    reads = ("emd",)
    suffix = "-EMD"
    cost = "an assignment per pair of shapes and frame: on one core about 3 ms at 512 points, 60 ms at 2048"


class _Approximate(OnDistances):
    chamfer = "none"
    reads = ("emd-approx",)
    suffix = "-EMD-approx"
    cost = "a soft matching per ordered pair of shapes and frame: on one core about 2 ms at 512 points, 30 ms at 2048"


class _ApproximateSquared(_Approximate):
    reads = ("emd-approx-squared",)
    suffix = "-EMD-approx-squared"


class MinimumMatchingEarthMover(_Exact, MinimumMatchingDistance):
    """MMD on exact Earth Mover's distances."""

    name = "mmd-emd"
    definition = _MMD.format(_EXACT)


class CoverageEarthMover(_Exact, Coverage):
    """COV on exact Earth Mover's distances."""

    name = "cov-emd"
    definition = _COV.format(_EXACT)


class AccuracyEarthMover(_Exact, NearestNeighbourAccuracy):
    """1-NNA on exact Earth Mover's distances."""

    name = "1nna-emd"
    definition = _NNA.format(_EXACT)


class MinimumMatchingApproximate(_Approximate, MinimumMatchingDistance):
    """MMD as PointFlow prints it."""

    name = "mmd-emd-approx"
    definition = _MMD.format(_POINTFLOW)


class CoverageApproximate(_Approximate, Coverage):
    """COV as PointFlow prints it."""

    name = "cov-emd-approx"
    definition = _COV.format(_POINTFLOW)


class AccuracyApproximate(_Approximate, NearestNeighbourAccuracy):
    """1-NNA as PointFlow prints it."""

    name = "1nna-emd-approx"
    definition = _NNA.format(_POINTFLOW)


class MinimumMatchingApproximateSquared(_ApproximateSquared, MinimumMatchingDistance):
    """MMD as PVD and LION print it."""

    name = "mmd-emd-approx-squared"
    definition = _MMD.format(_PVD)


class CoverageApproximateSquared(_ApproximateSquared, Coverage):
    """COV as PVD and LION print it."""

    name = "cov-emd-approx-squared"
    definition = _COV.format(_PVD)


class AccuracyApproximateSquared(_ApproximateSquared, NearestNeighbourAccuracy):
    """1-NNA as PVD and LION print it."""

    name = "1nna-emd-approx-squared"
    definition = _NNA.format(_PVD)
