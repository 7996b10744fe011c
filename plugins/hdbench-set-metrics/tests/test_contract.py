"""The contracts of the set metrics."""

from __future__ import annotations

from hdbench.testing import MetricContract


class TestMinimumMatchingDistance(MetricContract):
    component = "mmd-cd"


class TestCoverage(MetricContract):
    component = "cov-cd"


class TestNearestNeighbourAccuracy(MetricContract):
    component = "1nna-cd"


class TestMatchingDistanceOfSamples(MetricContract):
    component = "mmd-smp-cd"


class TestMinimumMatchingEarthMover(MetricContract):
    component = "mmd-emd"


class TestCoverageEarthMover(MetricContract):
    component = "cov-emd"


class TestAccuracyEarthMover(MetricContract):
    component = "1nna-emd"


class TestMinimumMatchingApproximate(MetricContract):
    component = "mmd-emd-approx"


class TestCoverageApproximate(MetricContract):
    component = "cov-emd-approx"


class TestAccuracyApproximate(MetricContract):
    component = "1nna-emd-approx"


class TestMinimumMatchingApproximateSquared(MetricContract):
    component = "mmd-emd-approx-squared"


class TestCoverageApproximateSquared(MetricContract):
    component = "cov-emd-approx-squared"


class TestAccuracyApproximateSquared(MetricContract):
    component = "1nna-emd-approx-squared"


class TestJensenShannonDivergence(MetricContract):
    component = "jsd"


class TestVendi(MetricContract):
    component = "vendi-cd"


class TestDataCopying(MetricContract):
    component = "zu"


class TestCopyingInCells(MetricContract):
    component = "ct"
    shapes = 48  # two cells


class TestAuthenticShare(MetricContract):
    component = "authpct"


class TestCopies(MetricContract):
    component = "copies"


class TestNoveltyRatio(MetricContract):
    component = "novelty-cd"


class TestWeightRatio(MetricContract):
    component = "weight-nn-ratio"


class TestWatertight(MetricContract):
    component = "watertight"


class TestOnePiece(MetricContract):
    component = "one-piece"


class TestGenus(MetricContract):
    component = "genus"


class TestVolume(MetricContract):
    component = "volume"


class TestMotionSpeed(MetricContract):
    component = "motion-speed"


class TestMotionAccuracy(MetricContract):
    component = "1nna-motion"
