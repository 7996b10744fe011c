"""From fields to meshes: spheres have a formula, and the sparse evaluation has the dense one's bits."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hdbench_shapegan.baseline import turned
from hdbench_shapegan.generators import SDFGenerator, SDFNet
from hdbench_shapegan.surface import GridField, dense_values, mesh_of, sparse_values

from hdbench.testing.made import signed_volume


class Balls:
    """Fields of spheres: a code is (x, y, z, radius, scale of the values, cut)."""

    def field(self, code):
        centre, radius, scale, cut = code[:3], *code[3:6]
        return lambda points: ((points - centre).norm(dim=1) - radius).clamp(-cut, cut) * scale


def ball(x=0.0, y=0.0, z=0.0, radius=0.5, scale=1.0, cut=9.0):
    return torch.tensor([x, y, z, radius, scale, cut])


def mesh(code, level=0.0, unit=1.0, resolution=64, **how):
    return mesh_of(Balls(), code, resolution=resolution, level=level, unit=unit, **how)


def radii(found, centre=(0, 0, 0)):
    return np.linalg.norm(found.vertices - np.array(centre), axis=1)


@pytest.mark.parametrize("sparse", [True, False])
def test_a_sphere_of_radius_one_half_in_the_cube_has_a_quarter_in_the_box(sparse):
    found = mesh(ball(), sparse=sparse)
    assert radii(found) == pytest.approx(0.25, abs=2e-4)
    assert signed_volume(found) == pytest.approx(4 / 3 * np.pi * 0.25**3, rel=5e-3)  # positive: faces look outwards


def test_a_sphere_stays_at_its_place():
    assert radii(mesh(ball(0.2, -0.3, 0.4)), (0.1, -0.15, 0.2)) == pytest.approx(0.25, abs=2e-4)


def test_the_level_is_a_distance_in_the_cube():
    assert radii(mesh(ball(), level=0.04)) == pytest.approx(0.27, abs=2e-4)


def test_values_divided_by_the_cut_need_its_unit_or_the_level_shrinks_tenfold():
    code = ball(scale=10.0, cut=0.1)  # what the released code trains today
    assert radii(mesh(code, level=0.04, unit=0.1)) == pytest.approx(0.27, abs=2e-4)
    assert radii(mesh(code, level=0.04, unit=1.0)) == pytest.approx(0.252, abs=2e-4)


def test_a_field_without_an_inside_is_an_empty_mesh():
    assert mesh(ball(radius=-1.0)).is_empty


def test_beyond_the_ball_nothing_is_evaluated():
    corner = ball(0.9, 0.9, 0.9, radius=0.2)
    assert not mesh(corner).is_empty
    assert mesh(corner, ball=True).is_empty
    assert radii(mesh(ball(), ball=True)) == pytest.approx(0.25, abs=2e-4)


def same(a, b):
    return np.array_equal(a.vertices, b.vertices) and np.array_equal(a.faces, b.faces)


@pytest.mark.parametrize("resolution", [16, 17, 31])
@pytest.mark.parametrize("kind", [SDFNet, SDFGenerator])
def test_sparse_meshes_of_networks_are_the_dense_ones_bit_for_bit(kind, resolution):
    torch.manual_seed(0)
    net = kind(4, 32)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.mul_(1.5)  # surfaces with many folds, some of which leave the cube
    for seed in range(3):
        code = torch.randn(4, generator=torch.Generator().manual_seed(seed))
        level = float(np.median(dense_values(GridField(net, code, resolution, 1.0))))
        one, other = (mesh_of(net, code, resolution=resolution, level=level, unit=1.0, sparse=s) for s in (True, False))
        assert len(one.faces) > 100
        assert same(one, other)


@pytest.mark.parametrize(
    "code", [ball(radius=0.9, cut=0.1), ball(0.6, 0.6, 0.6, radius=0.7), ball(radius=0.05), ball(radius=5.0)]
)
def test_sparse_meshes_of_spheres_are_the_dense_ones_bit_for_bit(code):
    assert same(mesh(code, sparse=True), mesh(code, sparse=False))


def test_sparse_evaluation_asks_for_a_part_of_the_points():
    field, asked = GridField(Balls(), ball(), 64, 1.0), []
    at = field.at
    field.at = lambda places: asked.append(len(places)) or at(places)
    sparse_values(field, 0.0)
    assert sum(asked) < 0.3 * 64**3


def test_axes_turn_a_mesh_and_keep_its_outside_outside():
    found = mesh(ball(0.4, 0.0, -0.2, radius=0.3))
    again = turned(found, ("z", "-x", "y"))
    assert again.vertices.mean(0) == pytest.approx([-0.1, -0.2, 0.0], abs=1e-3)
    for axes in (("z", "x", "y"), ("x", "z", "y"), ("-x", "y", "z")):
        assert signed_volume(turned(found, axes)) == pytest.approx(signed_volume(found))
