"""Field samples: what the interface promises of them, on shapes whose occupancy is known."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import trimesh

from hdbench.errors import ShapeError
from hdbench.interfaces import QuerySpec
from hdbench.sampling import cell_centres, evaluation_cloud, sample_field, stack
from hdbench.shapes import Mesh, Shape

SPEC = QuerySpec(near=600, uniform=500, sigmas=(0.001, 0.05), held_out=200, surface=100, grid=12)


def ball(radius: float) -> Mesh:
    part = trimesh.creation.icosphere(3, radius)
    return Mesh(np.array(part.vertices), np.array(part.faces, dtype=np.int64))


@pytest.fixture(scope="module")
def pulsing() -> Shape:
    return Shape("pulsing", (ball(0.45), ball(0.2)), solid=True)


@pytest.fixture(scope="module")
def samples(pulsing):
    return stack([sample_field(pulsing, SPEC, 3), sample_field(Shape("other", pulsing.frames, True), SPEC, 3)])


def test_every_part_has_the_shape_and_type_of_the_interface(samples):
    shapes = {name: tuple(getattr(samples, name).shape) for name in samples.__slots__ if name != "names"}
    assert shapes == {
        "near": (2, 2, 600, 3), "near_inside": (2, 2, 600), "uniform": (2, 2, 500, 3), "uniform_inside": (2, 2, 500),
        "held_out": (2, 2, 200, 3), "held_out_inside": (2, 2, 200), "surface": (2, 2, 100, 3), "grid": (2, 2, 12, 12, 12),
    }  # fmt: skip
    for name in shapes:
        is_label = name.endswith("inside") or name == "grid"
        assert str(getattr(samples, name).dtype) == ("torch.bool" if is_label else "torch.float32")
    assert samples.select([1]).names == ("other",)


@pytest.mark.parametrize("part", ["near", "uniform", "held_out"])
def test_labels_are_those_of_the_ball(samples, part):
    radius = getattr(samples, part).norm(dim=-1)
    for frame, true_radius in enumerate((0.45, 0.2)):
        r, label = radius[:, frame], getattr(samples, f"{part}_inside")[:, frame]
        certain = (r - true_radius).abs() > 0.01
        assert (label == (r < true_radius))[certain].all()


def test_sigmas_take_turns(samples):
    gap = (samples.near[:, 1].norm(dim=-1) - 0.2).abs()
    assert gap[:, 0::2].max() < 0.01
    assert gap[:, 1::2].mean() > 0.02


def test_held_out_points_are_half_near_and_half_uniform(samples):
    gap = (samples.held_out[:, 1].norm(dim=-1) - 0.2).abs()
    assert gap[:, :100].max() < 0.01
    assert gap[:, 100:].mean() > 0.1


def test_surface_points_lie_on_the_surface(samples):
    assert samples.surface[:, 0].norm(dim=-1).numpy() == pytest.approx(0.45, abs=0.005)


def test_the_grid_holds_the_ball_and_is_indexed_x_y_z():
    long = trimesh.creation.box((0.9, 0.5, 0.2))
    shape = Shape("plank", (Mesh(np.array(long.vertices), np.array(long.faces, dtype=np.int64)),), solid=True)
    grid = sample_field(shape, QuerySpec(grid=20), 0).grid[0]
    assert [int(grid.any(axis=other).any(axis=0).sum()) for other in (1, 0)] == [4, 4]
    extents = [int(grid.any(axis=tuple({0, 1, 2} - {axis})).sum()) for axis in range(3)]
    assert extents == [18, 10, 4]
    assert cell_centres(2)[1, 0, 0] == pytest.approx([0.25, -0.25, -0.25])


def test_all_points_lie_in_the_box():
    cube = trimesh.creation.box((0.95,) * 3)
    shape = Shape("cube", (Mesh(np.array(cube.vertices), np.array(cube.faces, dtype=np.int64)),), solid=True)
    near = sample_field(shape, QuerySpec(near=5000, sigmas=(0.05,)), 0).near
    assert np.abs(near).max() <= 0.5
    assert (np.abs(near) == 0.5).mean() < 0.001  # mirrored, not piled up on the walls


def test_samples_depend_on_seed_and_name_only(pulsing):
    first, again, other = (sample_field(pulsing, SPEC, seed) for seed in (3, 3, 4))
    renamed = sample_field(Shape("renamed", pulsing.frames, True), SPEC, 3)
    assert (first.near == again.near).all()
    assert not (first.near == other.near).any()
    assert not (first.near == renamed.near).any()
    assert not (first.near == first.held_out[:, :1]).any()


def test_what_is_not_asked_for_has_size_zero(pulsing):
    nothing = sample_field(pulsing, QuerySpec(), 0)
    assert nothing.near.shape == (2, 0, 3)
    assert nothing.grid.shape == (2, 0, 0, 0)


def test_samples_travel_between_processes(pulsing):
    sent = sample_field(pulsing, SPEC, 0)
    back = pickle.loads(pickle.dumps(sent))
    assert back.name == sent.name
    assert (back.grid == sent.grid).all()


def test_the_evaluation_cloud_has_all_frames(pulsing):
    cloud = evaluation_cloud(pulsing, 256, 0)
    assert (cloud.shape, cloud.dtype) == ((2, 256, 3), np.float32)
    assert np.linalg.norm(cloud[1], axis=-1) == pytest.approx(0.2, abs=0.005)
    assert (cloud == evaluation_cloud(pulsing, 256, 0)).all()


def test_errors_name_the_shape():
    sheet = Mesh(np.array([[0.0, 0, 0], [1, 0, 0], [1, 1, 0.1]]), np.array([[0, 1, 2]]))
    with pytest.raises(ShapeError, match=r"'leaf'.*bounds a solid"):
        evaluation_cloud(Shape("leaf", (sheet,)), 10, 0)
    with pytest.raises(ShapeError, match="'void' has no faces in frame 1"):
        sample_field(Shape("void", (ball(0.3), Mesh(np.zeros((0, 3)), np.zeros((0, 3), np.int64))), True), SPEC, 0)
