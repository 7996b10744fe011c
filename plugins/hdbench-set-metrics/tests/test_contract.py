"""The contracts of the set metrics."""

from __future__ import annotations

from hdbench.testing import MetricContract


class TestMinimumMatchingDistance(MetricContract):
    component = "mmd-cd"


class TestCoverage(MetricContract):
    component = "cov-cd"


class TestNearestNeighbourAccuracy(MetricContract):
    component = "1nna-cd"
