"""Surface points against areas that are known, and the published vectors of the normalisations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import trimesh

from hdbench.errors import ShapeError
from hdbench.points import NORMALISATIONS, frame_box, outer_surface, sample_surface, shape_bbox, shape_unit, shape_unit_legacy
from hdbench.shapes import Mesh


def mesh_of(*parts: trimesh.Trimesh) -> Mesh:
    together: Any = trimesh.util.concatenate(list(parts))
    return Mesh(np.asarray(together.vertices, dtype=np.float64), np.asarray(together.faces, dtype=np.int64))


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def bar_in_cube() -> Mesh:
    """The unit cube from 0 to 1, and a bar of width 1/2 that leaves it at x = 1 and ends at x = 1.5."""
    bar = trimesh.creation.box(bounds=[[0.5, 0.25, 0.25], [1.5, 0.75, 0.75]])
    return mesh_of(trimesh.creation.box(bounds=[[0, 0, 0], [1, 1, 1]]), bar)


def test_points_fall_by_area(rng):
    vertices = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 5], [3, 0, 5], [0, 1, 5]])  # areas 1/2 and 3/2
    points = sample_surface(Mesh(vertices, np.arange(6).reshape(2, 3)), 40_000, rng)
    assert (points[:, 2] == 5).mean() == pytest.approx(0.75, abs=0.01)
    flat = points[points[:, 2] == 0]
    assert (flat[:, 0] + flat[:, 1]).max() <= 1 + 1e-12
    assert flat.mean(0) == pytest.approx([1 / 3, 1 / 3, 0], abs=0.01)


def test_the_outer_surface_leaves_out_walls_within_the_solid(bar_in_cube, rng):
    """Outer area: 6 - 1/4 of the cube, and 4 x 1/4 + 1/4 of the bar."""
    points = outer_surface(bar_in_cube, 40_000, rng, True)
    assert points.shape == (40_000, 3)
    assert (points[:, 0] > 1 + 1e-6).mean() == pytest.approx(1.25 / 7, abs=0.01)
    buried = (points > 0.01).all(1) & (points < 0.99).all(1)
    assert not buried.any()


def test_both_ways_to_occupancy_give_the_same_outer_surface(bar_in_cube):
    solid, general = (outer_surface(bar_in_cube, 2000, np.random.default_rng(7), way) for way in (True, False))
    assert (solid == general).mean() > 0.99


def test_a_mesh_wound_inwards_has_an_outer_surface(rng):
    cube = trimesh.creation.box((1, 1, 1))
    points = outer_surface(Mesh(np.array(cube.vertices), np.array(cube.faces[:, ::-1])), 500, rng, False)
    assert np.abs(points).max(1) == pytest.approx(0.5)


@pytest.mark.parametrize("lift", [0.0, 1.0, 0.9], ids=["flat", "tilted", "bent"])
def test_a_sheet_has_no_outer_surface_and_says_so(rng, lift):
    sheet = Mesh(np.array([[0.0, 0, 0], [1, 0, 0], [1, 1, lift], [0, 1, lift**2]]), np.array([[0, 1, 2], [0, 2, 3]]))
    with pytest.raises(ShapeError, match="bounds a solid"):
        outer_surface(sheet, 1000, rng, False)


@pytest.mark.parametrize("faces", [np.zeros((0, 3), np.int64), np.zeros((2, 3), np.int64)], ids=["no faces", "no area"])
def test_a_mesh_without_surface_is_an_error(faces, rng):
    with pytest.raises(ShapeError, match="no surface to take points from"):
        sample_surface(Mesh(np.ones((1, 3)), faces), 10, rng)


PAIR = np.array([[[0.0, 0, 0], [2, 0, 0]]])


@pytest.mark.parametrize(
    ("name", "expected"),
    [("shape_unit", 1.5811388), ("shape_unit_legacy", 1.2247449), ("shape_bbox", 1.0), ("frame_box", 0.95)],
)
def test_normalisations_of_two_points(name, expected):
    """{(0,0,0), (2,0,0)}: unbiased std of (-1,0,0,1,0,0) is sqrt(2/5), of (0,0,0,2,0,0) it is sqrt(2/3)."""
    assert NORMALISATIONS[name](PAIR)[0] == pytest.approx(np.array([[-expected, 0, 0], [expected, 0, 0]]), abs=1e-7)


def test_only_the_legacy_unit_depends_on_the_place():
    for name, function in NORMALISATIONS.items():
        moved = function(PAIR + np.array([0, 5, 0]))
        assert np.allclose(moved, function(PAIR)) == (name != "shape_unit_legacy")


@pytest.mark.parametrize("name", ["shape_unit", "shape_unit_legacy", "shape_bbox", "frame_box"])
def test_clouds_are_normalised_one_by_one_and_keep_their_type(name, rng):
    clouds = rng.normal(size=(4, 30, 3)).astype(np.float32) * np.arange(1, 5, dtype=np.float32)[:, None, None]
    whole = NORMALISATIONS[name](clouds)
    assert whole.dtype == np.float32
    assert (whole == np.concatenate([NORMALISATIONS[name](clouds[k : k + 1]) for k in range(4)])).all()


@pytest.mark.parametrize("function", [shape_unit, shape_unit_legacy, shape_bbox])
def test_a_sequence_of_one_frame_is_a_cloud(function, rng):
    clouds = rng.normal(size=(3, 20, 3))
    assert (function(clouds[:, None])[:, 0] == function(clouds)).all()


def test_motion_is_kept_but_by_frame_box(rng):
    frame = rng.normal(size=(50, 3))
    sequence = np.stack([frame, frame + np.array([4, 0, 0])])[None]
    for function in (shape_unit, shape_unit_legacy, shape_bbox):
        done = function(sequence)[0]
        assert (done[1] - done[0])[:, 0].min() > 0.9
    assert frame_box(sequence)[0, 0] == pytest.approx(frame_box(sequence)[0, 1])


def test_a_cloud_without_extent_is_not_a_number():
    for function in NORMALISATIONS.values():
        assert np.isnan(function(np.zeros((1, 5, 3)))).all()
