"""torch-fidelity's numbers, through its extension points and by its functions, beside ours."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hdbench_fpd import manifold
from hdbench_fpd.extractors import NoSettings, ProceduralFeatures
from hdbench_fpd.frechet import frechet
from hdbench_fpd.kernel import kernel_distance

from hdbench.interfaces import Session
from hdbench.points import unit_sphere

SIZES = [(400, 380, 64), (80, 90, 256)]  # more samples than features, and fewer


def features(n, m, d):
    rng = np.random.default_rng(d)
    scale = 1 / np.sqrt(np.arange(1, d + 1))
    return np.maximum(rng.normal(size=(n, d)) * scale, 0), np.maximum(rng.normal(0.1, 1.2, size=(m, d)) * scale, 0)


@pytest.mark.parametrize(("n", "m", "d"), SIZES)
def test_frechet_distance_equals_torch_fidelity(n, m, d):
    from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric

    x, y = features(n, m, d)
    theirs = fid_statistics_to_metric(*(fid_features_to_statistics(torch.from_numpy(f)) for f in (x, y)), verbose=False)
    assert frechet(x, y) == pytest.approx(theirs["frechet_inception_distance"], rel=1e-6)


@pytest.mark.parametrize(("n", "m", "d"), SIZES)
def test_kernel_distance_equals_torch_fidelity(n, m, d):
    from torch_fidelity.metric_kid import kid_features_to_metric

    x, y = (f[: min(n, m)] for f in features(n, m, d))
    settings = {"kid_subsets": 1, "kid_subset_size": min(n, m), "verbose": False}
    theirs = kid_features_to_metric(torch.from_numpy(x), torch.from_numpy(y), **settings)
    assert kernel_distance(x, y) == pytest.approx(theirs["kernel_inception_distance_mean"], rel=1e-9)


@pytest.mark.parametrize("k", [1, 3, 5])
@pytest.mark.parametrize(("n", "m", "d"), SIZES)
def test_precision_and_recall_equal_torch_fidelity(n, m, d, k):
    from torch_fidelity.metric_prc import prc_features_to_metric

    x, y = features(n, m, d)
    theirs = prc_features_to_metric(torch.from_numpy(x), torch.from_numpy(y), prc_neighborhood=k, verbose=False)
    between = manifold.squared_distances(x, y)
    ours = manifold.precision(between, manifold.radii_of(y, k)), manifold.recall(between, manifold.radii_of(x, k))
    assert ours == pytest.approx((theirs["precision"], theirs["recall"]), abs=1e-6)  # theirs are means in single precision
    assert 0 < ours[0] < 1


def clouds(seed):
    rng = np.random.default_rng(seed)
    directions = rng.normal(size=(10, 300, 3))
    return unit_sphere(
        (directions / np.linalg.norm(directions, axis=2, keepdims=True) * rng.uniform(0.2, 1, (10, 1, 3))).astype("f4")
    )


def test_calculate_metrics_on_clouds_gives_our_numbers():
    from hdbench_fpd.fidelity import fidelity

    generated, reference = clouds(0), clouds(1)
    found = fidelity(generated, reference, neighbours=3)
    x, y = (ProceduralFeatures(NoSettings()).extract(c, Session(0)) for c in (generated, reference))
    between = manifold.squared_distances(x, y)
    assert found["FPD"] == pytest.approx(frechet(x, y), rel=1e-4)  # eigenvalues of a product of rank 9 in 256 dimensions
    assert found["KPD"] == pytest.approx(kernel_distance(x, y), rel=1e-6)
    assert found["precision"] == pytest.approx(manifold.precision(between, manifold.radii_of(y, 3)), abs=1e-6)
    assert found["recall"] == pytest.approx(manifold.recall(between, manifold.radii_of(x, 3)), abs=1e-6)


def test_registering_twice_is_no_error():
    import importlib

    from hdbench_fpd import fidelity
    from torch_fidelity.registry import FEATURE_EXTRACTORS_REGISTRY

    importlib.reload(fidelity)
    assert set(fidelity.NAMES.values()) <= set(FEATURE_EXTRACTORS_REGISTRY)


def test_metrics_do_not_import_torch_fidelity():
    import subprocess
    import sys

    code = "import sys, hdbench_fpd.metrics, hdbench_fpd.extractors; sys.exit('torch_fidelity' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
