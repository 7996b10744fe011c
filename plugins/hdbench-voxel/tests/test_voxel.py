from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hdbench_voxel.encoder import VoxelConfig, VoxelEncoder, cells_of

from hdbench.errors import HdbenchError
from hdbench.interfaces import FieldSamples, Session

NONE = torch.zeros(1, 1, 0, 3)


def samples(grid: torch.Tensor, surface: torch.Tensor | None = None) -> FieldSamples:
    """One shape [t, r, r, r], seen by its grid and, if given, surface points [t, s, 3]."""
    points = torch.zeros(1, len(grid), 0, 3) if surface is None else surface[None]
    empty = torch.zeros(1, 1, 0, dtype=torch.bool)
    return FieldSamples(("shape",), NONE, empty, NONE, empty, NONE, empty, points, grid[None])


def centres(resolution: int) -> torch.Tensor:
    axis = (torch.arange(resolution) + 0.5) / resolution - 0.5
    return torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), -1)


def ball(radius: float, resolution: int = 24, centre=(0.0, 0.0, 0.0)) -> torch.Tensor:
    return ((centres(resolution) - torch.tensor(centre)).norm(dim=-1) < radius)[None]


def volume(mesh) -> float:
    a, b, c = mesh.triangles.transpose(1, 0, 2)
    return float((a * np.cross(b, c)).sum() / 6)


def mesh_of(grid: torch.Tensor, **config):
    encoder = VoxelEncoder(VoxelConfig(resolution=grid.shape[-1], **config))
    weights = encoder.encode(samples(grid, torch.zeros(len(grid), 0, 3)), {}, Session(seed=0)).weights
    return encoder.decode(weights[0], len(grid), resolution=64, level=0.0)


def test_a_ball_keeps_its_volume_and_its_faces_look_outwards():
    (mesh,) = mesh_of(ball(0.4))
    assert volume(mesh) == pytest.approx(4 / 3 * math.pi * 0.4**3, rel=0.05)


def test_a_shape_keeps_its_place_and_its_axes():
    centre = (0.1, -0.2, 0.25)
    (mesh,) = mesh_of(ball(0.15, centre=centre))
    assert mesh.vertices.min(0) + mesh.vertices.max(0) == pytest.approx(np.array(centre) * 2, abs=1 / 24)


def test_a_full_grid_becomes_the_closed_box():
    (mesh,) = mesh_of(torch.ones(1, 8, 8, 8, dtype=torch.bool))
    assert np.abs(mesh.vertices).max() == pytest.approx(0.5)
    edges = np.sort(mesh.faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    assert (np.unique(edges, axis=0, return_counts=True)[1] == 2).all()


def test_every_vertex_lies_between_an_occupied_and_a_free_cell():
    grid = ball(0.3, resolution=12)
    (mesh,) = mesh_of(grid)
    steps = (mesh.vertices + 0.5) * 12 - 0.5  # in units of cells; a vertex is half way along one axis
    halves = np.isclose(steps % 1, 0.5)
    assert (halves.sum(1) == 1).all()


def test_an_empty_grid_is_an_empty_mesh_and_is_not_trained_on():
    encoder = VoxelEncoder(VoxelConfig(fill="centre"))
    encoded = encoder.encode(samples(torch.zeros(1, 24, 24, 24, dtype=torch.bool)), {}, Session(seed=0))
    assert encoder.decode(encoded.weights[0], 1, 64, 0.0)[0].is_empty
    assert not encoder.accept(encoded.quality).any()


def test_weights_are_minus_one_and_one_in_the_order_of_the_layout():
    encoder = VoxelEncoder(VoxelConfig(fill="centre"))
    grid = torch.cat([ball(0.3), ball(0.2)])
    weights = encoder.encode(samples(grid), {}, Session(seed=0)).weights
    assert set(weights.unique().tolist()) == {-1.0, 1.0}
    assert torch.equal(encoder.layout(2).split(weights)["occupancy"][0] > 0, grid)


def test_frames_are_decoded_one_by_one():
    small, large = mesh_of(torch.cat([ball(0.2), ball(0.4)]))
    assert volume(small) < volume(large) / 4


def test_cells_that_the_surface_touches_are_filled_only_when_asked_for():
    grid = torch.zeros(1, 24, 24, 24, dtype=torch.bool)
    point = torch.tensor([[[-0.5 + 0.1 / 24, 0.0 + 0.1 / 24, 0.5 - 0.1 / 24]]])
    for fill, expected in (("surface", 1), ("centre", 0)):
        encoder = VoxelEncoder(VoxelConfig(fill=fill))
        weights = encoder.encode(samples(grid, point), {}, Session(seed=0)).weights.view(24, 24, 24)
        assert (weights > 0).sum() == expected
    assert cells_of(point, 24).flatten().tolist() == [0, 12, 23]


def test_encoding_leaves_the_samples_alone():
    grid = torch.zeros(1, 24, 24, 24, dtype=torch.bool)
    seen = samples(grid, torch.zeros(1, 1, 3))
    VoxelEncoder(VoxelConfig()).encode(seen, {}, Session(seed=0))
    assert not seen.grid.any()


def test_only_the_paper_fill_asks_for_surface_points():
    assert VoxelEncoder(VoxelConfig()).queries().surface == 8192
    assert VoxelEncoder(VoxelConfig(fill="centre")).queries().surface == 0


def test_a_smooth_mesh_of_a_distance_is_closer_to_the_ball_than_a_thresholded_one():
    values = (0.4 - centres(24).norm(dim=-1)).clamp(-0.2, 0.2).flatten()
    radii = []
    for smooth in (False, True):
        (mesh,) = VoxelEncoder(VoxelConfig(smooth=smooth)).decode(values, 1, 64, 0.0)
        radii.append(np.abs(np.linalg.norm(mesh.vertices, axis=1) - 0.4).max())
    assert radii[1] < 0.002 < 0.01 < radii[0]


def test_the_level_is_in_logits():
    """0.3 is probability 0.65, whose logit is 0.619."""
    values = torch.full((24**3,), 0.3)
    encoder = VoxelEncoder(VoxelConfig())
    assert not encoder.decode(values, 1, 64, level=0.61)[0].is_empty
    assert encoder.decode(values, 1, 64, level=0.63)[0].is_empty


@pytest.mark.parametrize("wrong", [{"resolution": 3}, {"surface_points": 0}])
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(HdbenchError, match=r"encoder\."):
        VoxelConfig(**wrong)


def test_a_frame_alone_is_that_of_the_sequence():
    encoder = VoxelEncoder(VoxelConfig(resolution=24))
    weights = 2 * torch.cat([ball(0.2), ball(0.3), ball(0.4)]).flatten().float() - 1
    whole = encoder.decode(weights, 3, resolution=64, level=0.0)
    assert volume(whole[0]) < volume(whole[1]) < volume(whole[2])
    for k, mesh in enumerate(whole):
        alone = encoder.decode_frame(weights, 3, k, resolution=64, level=0.0)
        np.testing.assert_array_equal(alone.vertices, mesh.vertices)
        np.testing.assert_array_equal(alone.faces, mesh.faces)
