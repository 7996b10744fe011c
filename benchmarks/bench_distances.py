"""Chamfer distances of 2048-point clouds beside their peers, interleaved, in CPU time per pair on one core.

Peers: the loop of PointFlow, DPC and HyperDiffusion (three batched matrix products, written from the formula); scipy's KD-tree.

    pytest benchmarks/bench_distances.py --benchmark-only -s
"""

from __future__ import annotations

import time
from statistics import median

import numpy as np
import pytest
import torch
from scipy.spatial import cKDTree

from hdbench.distances import chamfer_matrix

POINTS, SIDE, ROUNDS = 2048, 6, 5


def surfaces(count, seed):
    """Points on the surfaces of boxes of random proportions, two to a cloud: [n, 1, q, 3], of unit standard deviation."""
    rng = np.random.default_rng(seed)
    points = rng.uniform(-1, 1, (count, POINTS, 3))
    axis = rng.integers(0, 3, (count, POINTS, 1))
    np.put_along_axis(points, axis, np.sign(np.take_along_axis(points, axis, 2)), 2)
    long = rng.uniform(0.1, 1, (count, 1, 3))
    second = np.arange(POINTS)[None, :, None] % 3 == 0
    points *= np.where(second, long[:, :, [2, 0, 1]], long)
    return (points / points.std((1, 2), keepdims=True)).astype(np.float32)[:, None]


def released_loop(a, b):
    """Every cloud of ``a`` against a batch of ``b``: |x|^2 + |y|^2 - 2xy by matrix products, as published."""
    rows = []
    for cloud in a:
        x = cloud.expand(len(b), -1, -1).contiguous()
        xx, yy, zz = torch.bmm(x, x.mT), torch.bmm(b, b.mT), torch.bmm(x, b.mT)
        rx, ry = torch.diagonal(xx, dim1=1, dim2=2), torch.diagonal(yy, dim1=1, dim2=2)
        squared = rx[:, :, None] + ry[:, None, :] - 2 * zz
        rows.append(squared.min(1).values.mean(1) + squared.min(2).values.mean(1))
    return torch.stack(rows).numpy()


def trees(a, b):
    """Nearest neighbours in float64, each tree built once."""
    x, y = [cKDTree(c[0]) for c in a.astype(np.float64)], [cKDTree(c[0]) for c in b.astype(np.float64)]
    one = [[(q.query(p.data)[0] ** 2).mean() + (p.query(q.data)[0] ** 2).mean() for q in y] for p in x]
    return np.array(one)


def cpu_ms(work):
    start = time.process_time()
    result = work()
    return (time.process_time() - start) * 1e3 / SIDE**2, result


def test_chamfer_beside_its_peers(benchmark):
    torch.set_num_threads(1)
    a, b = surfaces(SIDE, 0), surfaces(SIDE, 1)
    x, y = torch.from_numpy(a[:, 0]), torch.from_numpy(b[:, 0])
    ways = {
        "hdbench": lambda: chamfer_matrix(a, b, threads=1),
        "hdbench gram": lambda: chamfer_matrix(a, b, "gram", threads=1),
        "scipy": lambda: trees(a, b),
        "released loop": lambda: released_loop(x, y),
    }
    chamfer_matrix(a[:1], b[:1])  # compiles
    chamfer_matrix(a[:1], b[:1], "gram")
    runs = [{name: cpu_ms(work) for name, work in ways.items()} for _ in range(ROUNDS)]
    cost = {name: median(run[name][0] for run in runs) for name in ways}
    found, exact = runs[0]["hdbench"][1], runs[0]["scipy"][1]
    error = float(np.abs(found / exact - 1).max())
    benchmark.extra_info.update({f"{name} ms/pair": round(ms, 3) for name, ms in cost.items()})
    benchmark.extra_info.update(ratio=round(cost["released loop"] / cost["hdbench"]), relative_error=error)
    print(benchmark.extra_info)
    benchmark.pedantic(ways["hdbench"], rounds=ROUNDS)
    assert error <= 1e-6
    assert cost["released loop"] >= 100 * cost["hdbench"]


@pytest.mark.parametrize("count", [60])
def test_one_method_against_the_test_split(benchmark, count):
    """What a row of the default table costs per draw: between and within generated, on all cores."""
    a, b = surfaces(count, 0), surfaces(count, 1)
    benchmark.pedantic(lambda: (chamfer_matrix(a, b), chamfer_matrix(a)), rounds=1, warmup_rounds=0)
