"""The operations against loops over single numbers, where ties are many and where there are none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pvd_in_loops as loops
import pytest
import torch
from hdbench_pvd import kernels, operations
from hdbench_pvd.geometry import Stage, _anywhere, _on_the_cpu, describe, grid_of


def lattice(count, side, seed=0):
    """Points [1, 3, count] on a small lattice, in random order: many are equally far, many are the same."""
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.integers(0, side, (1, 3, count)).astype(np.float32) / 4)


def scattered(count, seed=0, clouds=1):
    return torch.randn(clouds, 3, count, generator=torch.Generator().manual_seed(seed))


CLOUDS = {"ties": lattice(700, 6), "no ties": scattered(700), "few": lattice(40, 3)}


@pytest.mark.parametrize("cloud", CLOUDS.values(), ids=CLOUDS)
def test_furthest_points_are_those_of_512_threads_and_a_tournament(cloud):
    wanted = loops.furthest(cloud[0].T.numpy(), 24)
    assert operations.furthest_point_sampling(cloud, 24)[0].tolist() == wanted
    chosen = np.empty((1, 24), np.int64)
    kernels.furthest(cloud.numpy(), chosen)
    assert chosen[0].tolist() == wanted


def test_of_equally_far_points_the_smallest_index_modulo_512_is_taken_not_the_smallest():
    cloud = torch.zeros(1, 3, 600)
    cloud[0, 0, [20, 515]] = 1.0  # 515 is 3 modulo 512
    assert operations.furthest_point_sampling(cloud, 2).tolist() == [[0, 515]]


@pytest.mark.parametrize("cloud", CLOUDS.values(), ids=CLOUDS)
def test_balls_hold_the_first_points_by_index_and_repeat_the_first_of_them(cloud):
    centres = cloud[:, :, :9]
    for radius, most in ((0.25, 4), (0.6, 8), (5.0, 16)):
        wanted = [loops.ball(centre, cloud[0].T.numpy(), radius, most) for centre in centres[0].T.numpy()]
        assert operations.ball_query(centres, cloud, radius, most)[0].tolist() == wanted
        groups = np.empty((1, 9, most), np.int64)
        kernels.balls(centres.numpy(), cloud.numpy(), np.float32(radius) ** 2, groups)
        assert groups[0].tolist() == wanted


def test_a_point_on_the_sphere_is_outside_and_an_empty_ball_holds_point_0():
    points = torch.tensor([[[9.0, 1.0, 3.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]])
    centres = torch.tensor([[[0.0, 2.5], [0.0, 0.0], [0.0, 0.0]]])
    assert operations.ball_query(centres, points, 1.0, 3).tolist() == [[[0, 0, 0], [2, 2, 2]]]


@pytest.mark.parametrize(("cloud", "centres"), [(lattice(60, 4), lattice(30, 4, 1)), (scattered(60), scattered(30, 1)),
                                                (scattered(9), scattered(2, 1)), (scattered(9), scattered(1, 1))])  # fmt: skip
def test_the_three_nearest_centres_and_their_weights(cloud, centres):
    wanted = [loops.three(point, centres[0].T.numpy()) for point in cloud[0].T.numpy()]
    index, weights = operations.three_nearest(cloud, centres)
    assert index[0].T.tolist() == [i for i, _ in wanted]
    assert torch.allclose(weights[0].T, torch.tensor([w for _, w in wanted]), atol=1e-6)
    found, distances = np.empty(index.shape, np.int64), np.empty(index.shape, np.float32)
    kernels.three_nearest(cloud.numpy(), centres.numpy(), found, distances)
    assert np.array_equal(found, index.numpy())
    assert torch.equal(operations.weights_of_three(torch.from_numpy(distances)), weights)


def test_means_of_voxels():
    rng = np.random.default_rng(0)
    features, voxels = rng.standard_normal((2, 5, 50)), rng.integers(0, 4, (2, 3, 50))
    found, index, counts = operations.avg_voxelize_forward(torch.tensor(features).float(), torch.tensor(voxels).int(), 4)
    wanted = np.stack([loops.voxel_means(f, v, 4) for f, v in zip(features, voxels)])
    assert np.allclose(found.view(2, 5, 4, 4, 4), wanted, atol=1e-6)
    assert counts.sum() == 100
    assert torch.equal(index.long(), torch.tensor(voxels[:, 0] * 16 + voxels[:, 1] * 4 + voxels[:, 2]))


def test_grids_are_read_by_linear_interpolation_also_on_their_edges():
    rng = np.random.default_rng(0)
    grid, coords = rng.standard_normal((2, 5, 4, 4, 4)), rng.uniform(0, 3, (2, 3, 50))
    coords[:, :, :20] = coords[:, :, :20].round()  # whole numbers, the last voxel among them
    found, _, weights = operations.trilinear_devoxelize_forward(
        4, True, torch.tensor(coords).float(), torch.tensor(grid).float().flatten(2)
    )
    assert np.allclose(found, np.stack([loops.trilinear(g, c) for g, c in zip(grid, coords)]), atol=1e-5)
    assert torch.allclose(weights.sum(1), torch.ones(2, 50))


def test_the_gradients_for_the_extensions_callers_are_those_of_autograd():
    generator = torch.Generator().manual_seed(0)
    points, centres = scattered(20, 1, 2), scattered(6, 2, 2)
    features = torch.randn(2, 4, 20, generator=generator, requires_grad=True)
    low = torch.randn(2, 4, 6, generator=generator, requires_grad=True)
    grid = torch.randn(2, 4, 27, generator=generator, requires_grad=True)
    index = operations.ball_query(centres, points, 1.5, 3)
    inside = points.clamp(-1, 1) + 1
    three, nearest, weights = operations.three_nearest_neighbors_interpolate_forward(points, centres, low)
    read, corners, shares = operations.trilinear_devoxelize_forward(3, True, inside, grid)
    means, voxels, counts = operations.avg_voxelize_forward(features, inside.round().int(), 3)
    cases = (
        (operations.gather_features_forward(features, index[..., 0]), features,
         lambda g: operations.gather_features_backward(g, index[..., 0], 20)),
        (operations.grouping_forward(features, index), features, lambda g: operations.grouping_backward(g, index, 20)),
        (three, low, lambda g: operations.three_nearest_neighbors_interpolate_backward(g, nearest, weights, 6)),
        (read, grid, lambda g: operations.trilinear_devoxelize_backward(g, corners, shares, 3)),
        (means, features, lambda g: operations.avg_voxelize_backward(g, voxels, counts)),
    )  # fmt: skip
    for result, learnt, backward in cases:
        grad = torch.randn(result.shape, generator=generator)
        (wanted,) = torch.autograd.grad(result, learnt, grad, retain_graph=True)
        assert torch.allclose(backward(grad), wanted, atol=1e-6)


def test_the_module_takes_the_place_of_the_compiled_extension():
    assert operations._backend is operations
    for name in ("furthest_point_sampling", "ball_query", "grouping_forward", "avg_voxelize_forward", "gather_features_forward"):
        assert callable(getattr(operations._backend, name))


def test_the_operations_need_pytorch_alone():
    source = Path(operations.__file__).read_text(encoding="utf-8")
    imported = {line.split()[1] for line in source.splitlines() if line.startswith(("import ", "from "))}
    assert imported == {"sys", "torch"}


# ------------------------------------------------------------------------------------------------- geometry


@pytest.mark.parametrize("cloud", [lattice(600, 6).repeat(2, 1, 1), scattered(300, 0, 3)])
def test_compiled_loops_and_pytorch_find_the_same_step_down(cloud):
    stage = Stage(grid=8, centres=40, radius=0.5, most=8)
    for ours, theirs in zip(_on_the_cpu(cloud, stage), _anywhere(cloud, stage)):
        assert torch.equal(ours, theirs)


def test_clouds_are_described_by_themselves():
    cloud, stages = (
        scattered(64, 0, 3),
        [Stage(grid=4, centres=16, radius=0.5, most=4), Stage(grid=2, centres=4, radius=1, most=4)],
    )
    together, alone = describe(cloud, stages), describe(cloud[1:2], stages)
    for (grid, step), (own_grid, own_step) in zip(together, alone):
        points, centres = 64 if grid.resolution == 4 else 16, 16 if grid.resolution == 4 else 4
        mine, mine_below = slice(points, 2 * points), slice(centres, 2 * centres)
        assert torch.equal(step.groups[mine_below] - points, own_step.groups)
        assert torch.equal(step.nearest[mine] - centres, own_step.nearest)
        assert torch.equal(grid.corners[mine] - grid.resolution**3, own_grid.corners)
        assert torch.equal(grid.occupied[grid.row[mine]] - grid.resolution**3, own_grid.occupied[own_grid.row])


def test_the_furthest_point_is_half_a_grid_from_the_mean_and_halves_are_rounded_to_even():
    cloud = torch.tensor([[[-1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.5, -0.5], [0.0, 0.0, 0.0, 0.0]]])
    grid = grid_of(cloud, 5)  # places 0, 4 (5 is clamped) and 2.5 along x; 2.5, 3.75 and 1.25 along y; 2.5 along z
    voxels = grid.occupied[grid.row]
    assert (voxels // 25).tolist() == [0, 4, 2, 2]
    assert (voxels // 5 % 5).tolist() == [2, 2, 4, 1]
    assert (voxels % 5).tolist() == [2, 2, 2, 2]


def test_neighbours_are_the_voxels_that_a_kernel_brings_a_voxel_to():
    grid = grid_of(scattered(5, 3, 2), 3)
    dense = torch.zeros(2 * 27)
    dense[grid.occupied] = torch.arange(1.0, len(grid.occupied) + 1)
    kernel = torch.randn(1, 1, 3, 3, 3)
    wanted = torch.nn.functional.conv3d(dense.view(2, 1, 3, 3, 3), kernel, padding=1).flatten()
    out = torch.zeros(2 * 27 + 1)
    out.index_add_(0, grid.around().flatten(), (dense[grid.occupied][:, None] * kernel.flatten()).flatten())
    assert torch.allclose(out[:-1], wanted, atol=1e-5)
