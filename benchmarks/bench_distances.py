"""Chamfer distances of clouds of 2048 points beside their peers, interleaved in one run, in CPU time of one core.

Peers: the loop of PointFlow, DPC and HyperDiffusion (three batched matrix products, written from the formula), and scipy's
KD-tree in float64, which is also the oracle of the relative error.

    pytest benchmarks/bench_distances.py --benchmark-only -o addopts=--import-mode=importlib -s
"""

from __future__ import annotations

import time
from functools import cache
from statistics import median

import numpy as np
import pytest
import torch
from scipy.spatial import cKDTree

from hdbench.distances.chamfer import chamfer_matrix, pair_distances, sequence_leaves
from hdbench.distances.nearest import nearest_pairs
from hdbench.distances.pair_search import only_nearest
from hdbench.points import NORMALISATIONS
from hdbench.registry import Registry
from hdbench.sampling import evaluation_cloud
from hdbench.shapes import normalise

POINTS, SIDE, ROUNDS = 2048, 24, 5
PEER_ROWS = 2  # of the released loop, which takes a second for 12 pairs


@cache
def airplanes(count):
    """Embedded airplanes as the tables see them: [n, 1, q, 3], centred, of unit standard deviation."""
    shapes = Registry().load().resolve("shapes", "airplane")
    source = shapes(shapes.Config(count=count))
    clouds = np.stack([evaluation_cloud(normalise(source.shape(name)), POINTS, 0) for name in source.names()])
    return NORMALISATIONS["shape_unit"](clouds)


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


def cpu_seconds(work):
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def peer_of(a, b):
    """The released loop on a few rows, and how many pairs that are."""
    torch.set_num_threads(1)
    x, y = torch.from_numpy(a[:PEER_ROWS, 0]), torch.from_numpy(b[:SIDE, 0])
    return (lambda: released_loop(x, y)), len(x) * len(y)


def relative_error(a, b):
    return float(np.abs(chamfer_matrix(a, b, threads=1) / trees(a, b) - 1).max())


def test_chamfer_beside_its_peers(benchmark):
    """``hdbench`` prepares its 48 clouds anew in every call; ``pairs alone`` has them prepared."""
    clouds = airplanes(2 * SIDE)
    a, b = clouds[:SIDE], clouds[SIDE:]
    first, second = sequence_leaves(a, 1), sequence_leaves(b, 1)
    every = np.divmod(np.arange(SIDE * SIDE), SIDE)
    loop, loop_pairs = peer_of(a, b)
    ways = {
        "hdbench": (lambda: chamfer_matrix(a, b, threads=1), SIDE**2),
        "pairs alone": (lambda: pair_distances(first, second, 1, *every, 1), SIDE**2),
        "gram": (lambda: chamfer_matrix(a[:4], b, "gram", threads=1), 4 * SIDE),
        "scipy": (lambda: trees(a[:4], b), 4 * SIDE),
        "released loop": (loop, loop_pairs),
    }
    for work, _ in ways.values():
        work()  # compiles
    runs = [{name: cpu_seconds(work)[0] * 1e3 / pairs for name, (work, pairs) in ways.items()} for _ in range(ROUNDS)]
    cost = {name: median(run[name] for run in runs) for name in ways}
    error = {shift: relative_error(a[:4] + np.float32(shift), b + np.float32(shift)) for shift in (0, 100)}
    benchmark.extra_info.update({f"{name} ms/pair": round(ms, 4) for name, ms in cost.items()})
    for peer in ("released loop", "scipy"):
        benchmark.extra_info[f"{peer} / hdbench"] = round(cost[peer] / cost["hdbench"])
        benchmark.extra_info[f"{peer} / pairs alone"] = round(cost[peer] / cost["pairs alone"])
    benchmark.extra_info["relative error, at offset 100"] = error
    print(benchmark.extra_info)
    benchmark.pedantic(ways["hdbench"][0], rounds=ROUNDS)
    assert max(error.values()) <= 1e-6
    assert cost["released loop"] >= 100 * cost["hdbench"]
    assert cost["scipy"] >= 10 * cost["hdbench"]


@pytest.mark.parametrize(("count", "least"), [(200, 1000), (600, 1000)])
def test_nearest_pairs_beside_the_released_loop(benchmark, count, least):
    """All that MMD, COV and 1-NNA need. The peer computes 3 n^2 ordered pairs, at the cost measured here on a few of them."""
    clouds = airplanes(2 * count)
    generated, reference = clouds[:count], clouds[count:]
    loop, loop_pairs = peer_of(generated, reference)
    nearest_pairs(generated[:20], reference[:20], threads=1)  # compiles
    runs = [(cpu_seconds(loop)[0] / loop_pairs, *cpu_seconds(lambda: nearest_pairs(generated, reference, threads=1)))]
    runs += [(cpu_seconds(loop)[0] / loop_pairs, *cpu_seconds(lambda: nearest_pairs(generated, reference, threads=1)))]
    per_pair, seconds, found = median(run[0] for run in runs), median(run[1] for run in runs), runs[0][2]
    ratio, pruning = 3 * count**2 * per_pair / seconds, found.pruning
    benchmark.extra_info.update(seconds=round(seconds, 2), peer_ms_per_pair=round(per_pair * 1e3, 1), ratio=round(ratio))
    benchmark.extra_info.update(pruning._asdict(), entered_share=round(pruning.entered / pruning.pairs, 4))
    print(benchmark.extra_info)
    benchmark.pedantic(lambda: nearest_pairs(generated, reference, threads=1), rounds=1)
    assert ratio >= least
    assert seconds <= 30
    if count <= 200:
        np.testing.assert_array_equal(found.between, only_nearest(chamfer_matrix(generated, reference, threads=1), 1, 1))


@pytest.mark.parametrize("count", [60])
def test_one_method_against_the_test_split(benchmark, count):
    """What a row of the default table costs per draw: between and within generated, on all cores."""
    a, b = airplanes(2 * count)[:count], airplanes(2 * count)[count:]
    benchmark.pedantic(lambda: (chamfer_matrix(a, b), chamfer_matrix(a)), rounds=1, warmup_rounds=0)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("count", [606])
def test_the_test_split_of_the_paper_on_a_gpu(benchmark, count):
    """The three full matrices of 606 + 606 airplanes, within two seconds of wall time."""
    clouds = airplanes(2 * count)
    a, b = clouds[:count], clouds[count:]
    chamfer_matrix(a[:2], b[:2], device="cuda")  # compiles
    np.testing.assert_allclose(chamfer_matrix(a[:8], b[:8], device="cuda"), chamfer_matrix(a[:8], b[:8]), rtol=1e-6)
    start = time.perf_counter()
    chamfer_matrix(a, b, device="cuda"), chamfer_matrix(a, device="cuda"), chamfer_matrix(b, device="cuda")
    seconds = time.perf_counter() - start
    print({"seconds": seconds, "us per pair": seconds * 1e6 / (count**2 + count * (count - 1))})
    benchmark.pedantic(lambda: chamfer_matrix(a, b, device="cuda"), rounds=3)
    assert seconds < 2
