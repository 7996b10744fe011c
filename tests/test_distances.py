"""Chamfer distances: closed forms, fixed vectors, a KD-tree as oracle, and what must not depend on threads."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from scipy.spatial import cKDTree

from hdbench.distances.chamfer import chamfer, chamfer_matrix
from hdbench.errors import HdbenchError


def oracle(a, b):
    """Float64 through scipy's KD-tree."""
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    return (cKDTree(b).query(a)[0] ** 2).mean() + (cKDTree(a).query(b)[0] ** 2).mean()


def clouds(*shape, offset=0.0, seed=0):
    return (np.random.default_rng(seed).normal(size=(*shape, 3)) + offset).astype(np.float32)


def released_code(x, y):
    """distChamfer of AtlasNet, PointFlow, DPC and HyperDiffusion, from its formula; minima averaged in float64."""
    xx, yy, zz = torch.bmm(x, x.mT), torch.bmm(y, y.mT), torch.bmm(x, y.mT)
    rx, ry = torch.diagonal(xx, dim1=1, dim2=2), torch.diagonal(yy, dim1=1, dim2=2)
    squared = rx[:, :, None] + ry[:, None, :] - 2 * zz
    return (squared.amin(1).double().mean(1) + squared.amin(2).double().mean(1)).numpy()


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ([[0, 0, 0]], [[3, 4, 0]], 50),
        ([[0, 0, 0], [1, 0, 0]], [[0, 0, 0], [1, 0, 0], [0, 2, 0]], 4 / 3),
        ([[0, 0, 0], [2, 0, 0]], [[1, 0, 0], [1, 0, 0]], 2),
        ([[0, 0, 0], [0, 0, 0], [3, 0, 0]], [[0, 0, 0], [3, 0, 0], [3, 0, 0]], 0),  # blind to multiplicity
    ],
)
@pytest.mark.parametrize("precision", ["exact", "gram"])
def test_chamfer_of_a_few_points(a, b, expected, precision):
    assert chamfer(a, b, precision) == pytest.approx(expected, rel=1e-6)


def test_chamfer_of_concentric_spheres_is_twice_the_squared_gap():
    directions = clouds(500)[..., :] / np.linalg.norm(clouds(500), axis=1, keepdims=True)
    assert chamfer(0.5 * directions, 0.6 * directions) == pytest.approx(2 * 0.1**2, rel=1e-5)


@pytest.mark.parametrize("offset", [0.0, 10.0, 1e4])
def test_exact_distances_keep_six_digits_anywhere_in_space(offset):
    a, b = clouds(2, 1, 700, offset=offset), clouds(2, 1, 701, offset=offset, seed=1)
    expected = [[oracle(x[0], y[0]) for y in b] for x in a]
    np.testing.assert_allclose(chamfer_matrix(a, b), expected, rtol=1e-6)


def test_double_precision_far_from_the_origin_is_centred_before_it_is_rounded():
    a, b = clouds(50).astype(np.float64), clouds(60, seed=1).astype(np.float64)
    assert chamfer(a + 1e6, b + 1e6) == pytest.approx(oracle(a, b), rel=1e-6)


@pytest.mark.parametrize("counts", [(1, 1), (3, 18), (17, 16), (64, 65), (100, 1)])
def test_any_number_of_points(counts):
    a, b = clouds(counts[0]), clouds(counts[1], seed=1)
    assert chamfer(a, b) == pytest.approx(oracle(a, b), rel=1e-6)


def test_distances_are_symmetric_zero_to_itself_and_blind_to_the_order_of_points():
    a, b = clouds(300), clouds(200, seed=1)
    assert chamfer(a, b) == chamfer(b, a)
    assert chamfer(a, a) == 0.0
    assert chamfer(a[::-1], b) == pytest.approx(chamfer(a, b), rel=1e-12)


def test_a_far_outlier_and_repeated_points_change_nothing_but_the_mean():
    a = np.concatenate([clouds(40), np.full((1, 3), 1e5, np.float32)])
    b = np.repeat(clouds(10, seed=1), 7, axis=0)
    assert chamfer(a, b) == pytest.approx(oracle(a, b), rel=1e-6)


def test_coordinates_beyond_all_reason_do_not_run_away():
    assert chamfer(clouds(40) * np.float32(1e18), clouds(40, seed=1)) > 1e30


def test_what_fills_up_the_boxes_is_never_visited():
    """Boxes are listed by sixteens, the surplus ones lie at 1e18: a cloud there must not find what is not in the other."""
    near, there = clouds(20), np.full((20, 3), 1e18, np.float32)
    assert chamfer_matrix(there[None, None], np.stack([near, there])[:, None]) == pytest.approx(np.array([[6e36, 0]]), rel=1e-6)


def test_the_symmetric_matrix_is_the_full_one():
    a = clouds(6, 2, 100)
    np.testing.assert_array_equal(chamfer_matrix(a), chamfer_matrix(a, a))


@pytest.mark.parametrize("precision", ["exact", "gram"])
def test_threads_do_not_change_a_bit(precision):
    a, b = clouds(9, 1, 100), clouds(11, 1, 130, seed=1)
    alone = chamfer_matrix(a, b, precision, threads=1)
    for threads in (2, 3, 8):
        np.testing.assert_array_equal(chamfer_matrix(a, b, precision, threads=threads), alone)
    np.testing.assert_array_equal([[chamfer(x[0], y[0], precision) for y in b] for x in a], alone)


def test_sequences_are_averaged_over_frames_in_order():
    def sequence(*xs):
        return np.array([[[[x, 0, 0]] for x in xs]], dtype=np.float32)

    assert chamfer_matrix(sequence(0, 0), sequence(1, 3)) == pytest.approx(10)
    assert chamfer_matrix(sequence(0, 1), sequence(1, 0)) == pytest.approx(2)


def test_an_empty_sample_is_infinitely_far_from_everything_but_itself():
    a = clouds(3, 2, 20)
    a[1, 1, 5, 2] = np.nan
    within = chamfer_matrix(a)
    assert np.isinf(within[1, [0, 2]]).all()
    assert np.isinf(within[[0, 2], 1]).all()
    assert within[1, 1] == 0.0
    assert np.isfinite(within[np.ix_([0, 2], [0, 2])]).all()
    assert np.isinf(chamfer_matrix(a, clouds(4, 2, 20))[1]).all()
    assert np.isinf(chamfer(a[1, 1], a[1, 1]))


@pytest.mark.parametrize("offset", [0.0, 10.0])
def test_gram_rounds_where_the_released_code_rounds(offset):
    a, b = clouds(4, 1, 256, offset=offset), clouds(4, 1, 256, seed=1, offset=offset)
    released = released_code(torch.from_numpy(a[:, 0]), torch.from_numpy(b[:, 0]))
    np.testing.assert_allclose(np.diag(chamfer_matrix(a, b, "gram")), released, rtol=1e-6 * (1 + offset**2))


def test_gram_may_be_negative_and_exact_may_not():
    a = (0.03 * clouds(1000) + 100).astype(np.float32)
    assert chamfer(a, a, "gram") < 0
    assert chamfer(a, a) == 0


@pytest.mark.parametrize("shape", [(3, 3), (2, 1, 0, 3), (2, 1, 5, 2)])
def test_clouds_of_another_form_are_refused(shape):
    with pytest.raises(HdbenchError, match=r"\[n, t, q, 3\]"):
        chamfer_matrix(np.zeros(shape), np.zeros(shape))


def test_sequences_of_different_lengths_are_refused():
    with pytest.raises(HdbenchError, match="2 frames"):
        chamfer_matrix(clouds(1, 2, 5), clouds(1, 3, 5))


def test_an_unknown_device_is_refused():
    with pytest.raises(HdbenchError, match="no device named 'gpu'"):
        chamfer_matrix(clouds(2, 1, 5), device="gpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")
def test_a_gpu_that_is_not_there_is_refused_with_the_next_step():
    with pytest.raises(HdbenchError, match="Leave the device out"):
        chamfer_matrix(clouds(2, 1, 5), device="cuda")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_agrees_with_the_cpu():
    a, b = clouds(20, 2, 700, offset=100), clouds(30, 2, 2048, offset=100, seed=1)
    a[3] = np.nan
    np.testing.assert_allclose(chamfer_matrix(a, b, device="cuda"), chamfer_matrix(a, b), rtol=1e-6)
    np.testing.assert_allclose(chamfer_matrix(a, device="cuda"), chamfer_matrix(a), rtol=1e-6)


def run_python(code, **environment):
    """Run code in a process of its own; its standard output."""
    settings = os.environ | environment
    return subprocess.run(
        [sys.executable, "-c", code], env=settings, capture_output=True, text=True, check=True, timeout=240
    ).stdout


LARGE = """
import resource
import numpy as np
import hdbench.distances.chamfer

hdbench.distances.chamfer.exact_pairs = lambda a, b, frames, rows, columns, limits, bounds, out: out.fill(1)
rng = np.random.default_rng(0)
a, b = (rng.random((2000, 1, 2048, 3), dtype=np.float32) for _ in range(2))
assert hdbench.distances.chamfer.chamfer_matrix(a, b, threads=2).sum() == 4e6
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems count peak memory in other units")
def test_a_matrix_of_2000_by_2000_shapes_of_2048_points_stays_under_two_gib():
    """Everything but the inner loop, which needs a kilobyte: sets, leaves, lists of pairs, the matrix. 0.7 GiB in all."""
    assert int(run_python(LARGE)) * 1024 < 2 * 2**30


INTERPRETED = """
import numpy as np
from hdbench.distances.chamfer_cuda import distances, planes
from hdbench.distances.chamfer import chamfer_matrix

rng = np.random.default_rng(0)
for q, s, frames in ((1, 1, 1), (5, 40, 1), (33, 17, 2), (600, 20, 1)):
    a, b = (rng.normal(size=(n, frames, k, 3)).astype(np.float32) + np.float32(100) for n, k in ((3, q), (2, s)))
    rows, columns = np.nonzero(np.ones((3, 2)))
    found = distances(planes(a, "cpu"), planes(b, "cpu"), (q, s), frames, rows, columns)
    np.testing.assert_allclose(found, chamfer_matrix(a, b)[rows, columns], rtol=1e-6)
    if q < 100:
        assert distances(planes(a, "cpu"), planes(a, "cpu"), (q, q), frames, rows, rows).max() == 0
"""


def test_the_gpu_kernel_interpreted_on_the_cpu():
    pytest.importorskip("triton")
    run_python(INTERPRETED, TRITON_INTERPRET="1")


COMPILED = """
from triton import compile
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from hdbench.distances.chamfer_cuda import _minima

names = ("a", "b", "rows", "columns", "there", "back", "q", "s", "QUERIES")
kinds = ("*fp32", "*fp32", "*i64", "*i64", "*fp32", "*i32", "i32", "i32", "constexpr")
source = ASTSource(fn=_minima, signature=dict(zip(names, kinds)), constexprs={"QUERIES": 512})
for capability in (80, 90):
    kernel = compile(source, target=GPUTarget("cuda", capability, 32), options={"num_warps": 1})
    text = kernel.asm["ptx"]
    print(kernel.metadata.shared, text.count("redux.sync.min"), text.count("shfl"), text.count("bar.sync"))
"""


def test_the_gpu_kernel_compiles_to_one_reduction_per_target_without_a_gpu(tmp_path):
    """For A100 and H100: no shared memory, 8 reductions in a turn of 8 targets, no shuffles, no barriers."""
    pytest.importorskip("triton")
    assert run_python(COMPILED, TRITON_CACHE_DIR=str(tmp_path)).splitlines() == ["0 8 0 0"] * 2
