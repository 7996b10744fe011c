"""Occupancy of 200 000 points beside libigl, on the embedded categories; both in one run, so that ratios hold on a busy machine.

    pytest benchmarks/bench_occupancy.py --benchmark-only --benchmark-group-by=group --benchmark-columns=min,median,rounds

HyperDiffusion labels 100 000 points near the surface and 100 000 uniform ones per shape with libigl's fast winding number.
"""

from __future__ import annotations

import numpy as np
import pytest

from hdbench.interfaces import QuerySpec
from hdbench.occupancy import inside
from hdbench.registry import Registry
from hdbench.sampling import evaluation_cloud, sample_field
from hdbench.shapes import Shape, normalise

COUNT = 100_000


@pytest.fixture(scope="module", params=["airplane", "car", "chair"])
def shape(request) -> Shape:
    cls = Registry().load().resolve("shapes", request.param)
    return normalise(cls(cls.Config(count=1)).shape(f"{request.param}-0000"))


@pytest.fixture(scope="module")
def points(shape) -> np.ndarray:
    seen = sample_field(shape, QuerySpec(near=COUNT, uniform=COUNT, sigmas=(0.01,)), 0)
    return np.concatenate([seen.near[0], seen.uniform[0]]).astype(np.float64)


@pytest.mark.parametrize("way", ["ours: signed crossings", "peer: libigl fast winding number"])
def test_label_200k_points(benchmark, shape, points, way):
    benchmark.group = f"200k points, {shape.name}, {len(shape.frames[0].faces)} faces"
    benchmark.extra_info["points"] = len(points)
    if way.startswith("ours"):
        found = benchmark(inside, shape.frames[0], points, True)
    else:
        found = benchmark.pedantic(_peer, (shape, points), rounds=2)
    assert (found == _peer(shape, points)).mean() > 0.9999


def _peer(shape: Shape, points: np.ndarray) -> np.ndarray:
    import igl

    return igl.fast_winding_number(shape.frames[0].vertices, shape.frames[0].faces, points) >= 0.5


def test_all_that_the_default_run_asks_of_a_shape(benchmark, shape):
    """8192 near, 8192 uniform and 4096 held-out points with labels, and a cloud of 2048; times 400 is the set."""
    spec = QuerySpec(near=8192, uniform=8192, sigmas=(0.01, 0.03), held_out=4096)
    benchmark.group = f"samples of one shape, {shape.name}"
    benchmark(lambda: (sample_field(shape, spec, 0), evaluation_cloud(shape, 2048, 0)))
