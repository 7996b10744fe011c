"""The contracts of the extractors and of the metrics on their features."""

from __future__ import annotations

import pytest
import torch
from hdbench_fpd.pointnet2 import PointNet2
from hdbench_fpd.weights import added, write

from hdbench.seeds import seed_of
from hdbench.testing import FeaturesContract, MetricContract


class TestProcedural(FeaturesContract):
    component = "procedural"


class TestFrechetPointCloudDistance(MetricContract):
    component = "fpd[procedural]"


class TestFrechetAtInfinity(MetricContract):
    component = "fpd-inf[procedural]"


class TestKernelPointCloudDistance(MetricContract):
    component = "kpd[procedural]"


class TestPrecision(MetricContract):
    component = "precision[procedural]"


class TestRecall(MetricContract):
    component = "recall[procedural]"


class TestDensity(MetricContract):
    component = "density[procedural]"


class TestCoverage(MetricContract):
    component = "coverage[procedural]"


class AddedWeights:
    """A checkpoint of random weights, as a user would have added one."""

    @pytest.fixture(autouse=True)
    def _added(self, tmp_path, monkeypatch):
        monkeypatch.setenv("HDBENCH_HOME", str(tmp_path))
        torch.manual_seed(seed_of("contract"))
        write(PointNet2().state_dict(), added("modelnet40"), {"fingerprint": "random"})


class TestModelNet40(AddedWeights, FeaturesContract):
    component = "modelnet40"


class TestFrechetPointCloudDistanceModelNet40(AddedWeights, MetricContract):
    component = "fpd[modelnet40]"


class TestFrechetAtInfinityModelNet40(AddedWeights, MetricContract):
    component = "fpd-inf[modelnet40]"


class TestKernelPointCloudDistanceModelNet40(AddedWeights, MetricContract):
    component = "kpd[modelnet40]"


class TestPrecisionModelNet40(AddedWeights, MetricContract):
    component = "precision[modelnet40]"


class TestRecallModelNet40(AddedWeights, MetricContract):
    component = "recall[modelnet40]"


class TestDensityModelNet40(AddedWeights, MetricContract):
    component = "density[modelnet40]"


class TestCoverageModelNet40(AddedWeights, MetricContract):
    component = "coverage[modelnet40]"
