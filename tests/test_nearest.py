"""Nearest neighbours with most pairs skipped: what the full matrices hold, bit for bit; bounds that are bounds."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hdbench.distances.bounds import Side, tables
from hdbench.distances.chamfer import chamfer_matrix, sequence_leaves, whole
from hdbench.distances.lattice import lattice_of
from hdbench.distances.nearest import nearest_neighbours, nearest_pairs
from hdbench.errors import HdbenchError
from hdbench.points import NORMALISATIONS

DATA = Path(os.environ.get("HDBENCH_SHARED_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))


def smallest(matrix, by_row, by_column):
    """Which entries [n, m] are among the smallest of their row or column: no more than so many others are smaller."""
    in_row = (matrix[:, None, :] < matrix[:, :, None]).sum(2) < by_row
    in_column = (matrix[None, :, :] < matrix[:, None, :]).sum(1) < by_column
    return in_row | in_column


def expected(generated, reference, neighbours):
    """The three matrices by their definition, from the full ones."""
    full = [chamfer_matrix(generated, reference), chamfer_matrix(generated), chamfer_matrix(reference)]
    for within in full[1:]:
        np.fill_diagonal(within, np.inf)
    kept = [np.where(smallest(matrix, neighbours, neighbours), matrix, np.inf) for matrix in full]
    for within in kept[1:]:
        np.fill_diagonal(within, 0.0)
    return kept


def assert_nearest(generated, reference, neighbours=1, **options):
    found = nearest_pairs(generated, reference, neighbours=neighbours, **options)
    wanted = expected(generated, reference, neighbours)
    for matrix, right in zip((found.between, found.within_generated, found.within_reference), wanted):
        np.testing.assert_array_equal(matrix, right)
    return found.pruning


def blobs(count, points, seed, frames=1):
    """Clouds of unlike shapes and places, [n, t, q, 3]."""
    rng = np.random.default_rng(seed)
    stretch, place = rng.uniform(0.1, 1.5, (2, count, 1, 1, 3))
    return (rng.normal(size=(count, frames, points, 3)) * stretch + place).astype(np.float32)


KINDS = {
    "unlike": lambda rng, shape: blobs(shape[0], shape[2], rng.integers(1 << 30), shape[1]),
    "ties": lambda rng, shape: rng.integers(0, 2, shape).astype(np.float32),
    "copies": lambda rng, shape: np.repeat(rng.normal(size=(1, *shape[1:])), shape[0], axis=0).astype(np.float32),
    "constant points": lambda rng, shape: np.broadcast_to(rng.normal(size=(shape[0], 1, 1, 3)), shape).astype(np.float32),
    "far apart": lambda rng, shape: (rng.normal(size=shape) + 1e4 * rng.integers(0, 3, (shape[0], 1, 1, 3))).astype(np.float32),
    "of all sizes": lambda rng, shape: (rng.normal(size=shape) * 10 ** rng.uniform(-6, 6, (shape[0], 1, 1, 1))).astype("f4"),
    "squares underflow": lambda rng, shape: (rng.normal(size=shape) * 10 ** rng.uniform(-23, -18)).astype("f4"),
    "outliers": lambda rng, shape: (rng.standard_cauchy(shape) ** 3).astype(np.float32),
    "thin": lambda rng, shape: (rng.normal(size=shape) * [1, 1e-6, 0]).astype(np.float32),
}


@st.composite
def two_sets(draw):
    """Generated and reference sequences, some of them empty; the reference may hold copies of generated ones."""
    rng = np.random.default_rng(draw(st.integers(0, 1 << 30)))
    frames, points = draw(st.integers(1, 2)), draw(st.sampled_from([1, 2, 15, 16, 17, 40, 100]))
    sizes = draw(st.tuples(st.integers(1, 12), st.integers(1, 12)))
    kind = KINDS[draw(st.sampled_from(sorted(KINDS)))]
    generated = kind(rng, (sizes[0], frames, points, 3))
    reference = kind(rng, (sizes[1], frames, draw(st.sampled_from([points, points, 3, 33])), 3))
    if reference.shape[2] == points and draw(st.booleans()):
        copied = min(sizes) // 2
        reference[:copied] = generated[:copied]
    if draw(st.booleans()):
        generated[rng.integers(sizes[0])] = np.nan
    return generated, reference


@settings(max_examples=150, deadline=None)
@given(two_sets(), st.integers(1, 3))
def test_nearest_pairs_are_those_of_the_full_matrices(sets, neighbours):
    assert_nearest(*sets, neighbours)


@settings(max_examples=100, deadline=None)
@given(two_sets(), st.sampled_from([0.01, 0.1, 0.5, 3.0]))
def test_bounds_are_never_above_the_computed_distances(sets, step):
    sets = [sequences[whole(sequences)] for sequences in sets]
    if not all(map(len, sets)):
        return
    sides = [Side(sequences, sequence_leaves(sequences, 1)) for sequences in sets]
    found = tables(sides, [(0, 1), (1, 0)], step, 1)
    assert (found[0, 1] + found[1, 0].T <= chamfer_matrix(*sets)).all()


@pytest.mark.parametrize("scale", [1e-22, 1e-21, 3e-21])
def test_bounds_hold_where_squares_are_too_small_for_float32(scale):
    for seed in range(40):
        sets = [(np.random.default_rng([seed, k]).normal(size=(4, 1, 20, 3)) * scale).astype(np.float32) for k in (0, 1)]
        sides = [Side(sequences, sequence_leaves(sequences, 1)) for sequences in sets]
        found = tables(sides, [(0, 1), (1, 0)], 0.05 * scale, 1)
        assert (found[0, 1] + found[1, 0].T <= chamfer_matrix(*sets)).all()


def test_a_bound_loses_at_most_three_quarters_of_the_squared_step_each_way():
    sets = [blobs(6, 200, seed) for seed in (0, 1)]
    sides = [Side(sequences, sequence_leaves(sequences, 1)) for sequences in sets]
    found = tables(sides, [(0, 1), (1, 0)], 0.1, 1)
    assert (found[0, 1] + found[1, 0].T >= chamfer_matrix(*sets) * (1 - 1e-3) - 2 * 0.75 * 0.1**2).all()


def test_most_pairs_of_unlike_shapes_are_skipped():
    generated, reference = blobs(60, 256, 0), blobs(50, 256, 1)
    pruning = assert_nearest(generated, reference)
    assert pruning.pairs == 60 * 50 + 60 * 59 // 2 + 50 * 49 // 2
    assert pruning.completed <= pruning.entered < 0.25 * pruning.pairs


def test_copies_are_all_nearest_of_each_other():
    """Of n copies, every pair ties at 0 and none may be left out."""
    copies = np.repeat(blobs(1, 50, 0), 7, axis=0)
    found = nearest_pairs(copies, copies[:5])
    assert (found.between == 0).all()
    assert (found.within_generated == 0).all()


def test_equally_near_shapes_are_all_kept():
    """Two references at the same distance on both sides of a sample."""
    sample, places = np.zeros((1, 1, 1, 3), np.float32), np.array([1, -1, 8], np.float32)
    found = nearest_pairs(sample, sample + places[:, None, None, None])
    assert found.between.tolist() == [[6, 6, 384]]  # the third is nobody's choice, but the sample is its nearest
    assert found.within_reference.tolist() == [[0, 24, 294], [24, 0, np.inf], [294, np.inf, 0]]


def test_a_known_matrix_of_the_reference_is_handed_through():
    generated, reference = blobs(8, 40, 0), blobs(9, 40, 1)
    known = chamfer_matrix(reference)
    found = nearest_pairs(generated, reference, within_reference=known)
    assert found.within_reference is known
    assert found.pruning.pairs == 8 * 9 + 8 * 7 // 2
    np.testing.assert_array_equal(found.between, nearest_pairs(generated, reference).between)


def test_double_precision_far_from_the_origin():
    """Both sets are centred together before they are rounded; the distances within one of them are those of that frame."""
    near = [blobs(12, 60, seed).astype(np.float64) for seed in (0, 1)]
    found = nearest_pairs(*(clouds + 1e6 for clouds in near))
    matrices = (found.between, found.within_generated, found.within_reference)
    for matrix, right in zip(matrices, expected(*(clouds.astype(np.float32) for clouds in near), 1)):
        np.testing.assert_allclose(matrix, right, rtol=1e-6)


def test_on_a_gpu_full_matrices_are_cut_down_to_the_same(monkeypatch):
    """The GPU's matrices are made on the CPU here; what is left of them must be the same."""
    generated, reference = blobs(9, 30, 0), blobs(8, 40, 1)
    generated[4] = np.nan
    monkeypatch.setattr("hdbench.distances.nearest.chamfer_matrix", lambda a, b, device: chamfer_matrix(a, b))
    pruning = assert_nearest(generated, reference, neighbours=2, device="cuda")
    assert pruning.completed == pruning.pairs
    for wanted, found in zip(nearest_neighbours(generated, k=3), nearest_neighbours(generated, k=3, device="cuda")):
        np.testing.assert_array_equal(found, wanted)


def test_threads_do_not_change_a_bit_of_what_is_found_or_done():
    generated, reference = blobs(40, 64, 0, frames=2), blobs(30, 64, 1, frames=2)
    alone = nearest_pairs(generated, reference, threads=1)
    for threads in (2, 5):
        shared = nearest_pairs(generated, reference, threads=threads)
        np.testing.assert_array_equal(shared.between, alone.between)
        np.testing.assert_array_equal(shared.within_generated, alone.within_generated)
        assert shared.pruning == alone.pruning


@settings(max_examples=75, deadline=None)
@given(two_sets(), st.integers(1, 3))
def test_nearest_neighbours_are_the_first_of_the_sorted_row(sets, k):
    queries, targets = sets
    if k > len(targets):
        with pytest.raises(HdbenchError, match="to choose from"):
            nearest_neighbours(queries, targets, k)
        return
    distances, numbers = nearest_neighbours(queries, targets, k)
    full = chamfer_matrix(queries, targets)
    np.testing.assert_array_equal(numbers, np.argsort(full, axis=1, kind="stable")[:, :k])
    np.testing.assert_array_equal(distances, np.sort(full, axis=1)[:, :k])


def test_a_shape_is_not_its_own_neighbour():
    """Shapes on a line at 0, 1, 3, 7: the nearest others are 1, 0, 1, 3, at 3 times the squared gap from both sides."""
    shapes = blobs(1, 20, 0) + np.array([0, 1, 3, 7], np.float32)[:, None, None, None] * np.float32(100)
    distances, numbers = nearest_neighbours(shapes, k=1)
    assert numbers[:, 0].tolist() == [1, 0, 1, 2]
    assert np.sqrt(distances[:, 0] / 6) == pytest.approx(np.array([1, 1, 2, 4]) * 100, rel=0.05)


def test_an_empty_sample_has_neighbours_infinitely_far_and_is_nobodys():
    shapes = blobs(5, 20, 0)
    shapes[2] = np.nan
    distances, numbers = nearest_neighbours(shapes, k=4)
    assert np.isinf(distances[2]).all()
    assert numbers[2].tolist() == [0, 1, 3, 4]
    assert all(2 not in row for row in numbers[[0, 1, 3, 4], :3].tolist())
    assert numbers[[0, 1, 3, 4], 3].tolist() == [2, 2, 2, 2]


@pytest.mark.parametrize("k", [0, 4])
def test_more_neighbours_than_shapes_are_refused(k):
    with pytest.raises(HdbenchError, match="there are 3 shapes"):
        nearest_neighbours(blobs(4, 5, 0), k=k)


RANK = """
import sys
import numpy as np
import torch.distributed as dist
from hdbench.distances.chamfer import chamfer_matrix
from hdbench.distances.nearest import nearest_pairs
from test_nearest import blobs

rank, store, out = int(sys.argv[1]), sys.argv[2], sys.argv[3]
generated, reference = blobs(20, 64, 0), blobs(18, 80, 1)
generated[3] = np.nan
if rank >= 0:
    dist.init_process_group("gloo", init_method="file://" + store, rank=rank, world_size=2)
found = nearest_pairs(generated, reference, threads=1)
np.savez(out, full=chamfer_matrix(generated, reference, threads=1), between=found.between,
         within=found.within_generated, pruning=np.array(found.pruning))
if rank >= 0:
    dist.destroy_process_group()  # a process that ends with its threads of communication running may be aborted
"""


def test_two_ranks_end_with_the_bits_of_one_process(tmp_path):
    script = tmp_path / "rank.py"
    script.write_text(f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n" + RANK)
    outputs = {rank: tmp_path / f"{rank}.npz" for rank in (-1, 0, 1)}
    command = [sys.executable, str(script)]
    running = [subprocess.Popen([*command, str(rank), str(tmp_path / "store"), str(out)]) for rank, out in outputs.items()]
    assert [process.wait(120) for process in running] == [0, 0, 0]
    alone, *ranks = (np.load(out) for out in outputs.values())
    for rank in ranks:
        for name in ("full", "between", "within", "pruning"):
            np.testing.assert_array_equal(rank[name], alone[name])


def report(name, pruning):
    sys.stdout.write(f"{name}: of {pruning.pairs} pairs {pruning.entered} were begun, {pruning.completed} finished\n")


@pytest.mark.slow
@pytest.mark.parametrize("category", ["airplane", "car", "chair"])
def test_a_hundred_and_a_hundred_shapes_of_2048_points(category):
    from hdbench.registry import Registry
    from hdbench.sampling import evaluation_cloud
    from hdbench.shapes import normalise

    shapes = Registry().load().resolve("shapes", category)
    source = shapes(shapes.Config(count=200))
    clouds = np.stack([evaluation_cloud(normalise(source.shape(name)), 2048, 0) for name in source.names()])
    clouds = NORMALISATIONS["shape_unit"](clouds)
    pruning = assert_nearest(clouds[:100], clouds[100:])
    report(category, pruning)
    assert pruning.entered < 0.1 * pruning.pairs
    assert_nearest(clouds[:100], clouds[100:], neighbours=5)


@pytest.mark.slow
@pytest.mark.parametrize("folder", ["cars", "furniture"])
def test_meshes_made_by_people(folder):
    trimesh = pytest.importorskip("trimesh")
    files = sorted(
        file for file in (DATA / folder).glob("**/*") if file.suffix.lower() in (".obj", ".glb", ".gltf", ".ply", ".off")
    )
    if not files:
        pytest.skip(f"no meshes in {DATA / folder}")
    points = [trimesh.sample.sample_surface(trimesh.load(file, force="mesh"), 2048, seed=i)[0] for i, file in enumerate(files)]
    clouds = NORMALISATIONS["shape_unit"](np.stack(points)[:, None].astype(np.float32))
    pruning = assert_nearest(clouds[::2], clouds[1::2])
    report(folder, pruning)


@pytest.mark.parametrize("flushed", [False, True])
@pytest.mark.parametrize("height", [0.0, -1.2e-38, 1e-40, 0.7])
def test_a_lattice_of_flat_clouds_has_cells_also_where_denormals_are_flushed(height, flushed):
    """Without a second line along z, vertices would be written beyond the lattice's memory."""
    clouds = np.full((3, 8, 3), height, np.float32)
    clouds[..., 0] = np.linspace(-1, 1, 24).reshape(3, 8)
    torch.set_flush_denormal(flushed)
    try:
        lattice = lattice_of([clouds], 0.25, threads=1)
    finally:
        torch.set_flush_denormal(False)
    assert lattice.vertices.points_each >= 8
    rows = np.split(lattice.sets[0].weights, lattice.sets[0].starts[1:-1])
    np.testing.assert_allclose([row.sum() for row in rows], 1, rtol=1e-6)
