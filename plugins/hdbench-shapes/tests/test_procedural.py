"""The categories made by rule: closed, whole, varied, the same every time."""

from __future__ import annotations

import igl
import numpy as np
import pytest
from hdbench_shapes import parts
from hdbench_shapes.airplane import Airplanes
from hdbench_shapes.car import Cars
from hdbench_shapes.category import Category, Draw
from hdbench_shapes.chair import Chairs
from scipy.ndimage import label
from scipy.spatial import cKDTree

from hdbench.errors import HdbenchError
from hdbench.interfaces import QuerySpec
from hdbench.occupancy import inside
from hdbench.points import shape_unit
from hdbench.sampling import evaluation_cloud, sample_field
from hdbench.seeds import numpy_generator
from hdbench.shapes import Mesh, Shape, geometry_digest, normalise

CATEGORIES = [Airplanes, Cars, Chairs]
COUNT = 24


@pytest.fixture(scope="module", params=CATEGORIES, ids=lambda c: c.name)
def category(request) -> Category:
    return request.param(request.param.Config(count=COUNT))


@pytest.fixture(scope="module")
def shapes(category) -> list[Shape]:
    return [normalise(category.shape(name)) for name in category.names()]


def test_names_are_unique_and_name_their_shape(category, shapes):
    assert len(set(category.names())) == COUNT
    assert [s.name for s in shapes] == list(category.names())
    assert all(s.solid and len(s.frames) == 1 for s in shapes)


def test_a_shape_depends_on_seed_and_index_only(category):
    name = category.names()[3]
    again = type(category)(type(category).Config(count=4)).shape(name)
    other = type(category)(type(category).Config(count=4, seed=1)).shape(name)
    assert (again.frames[0].vertices == category.shape(name).frames[0].vertices).all()
    assert geometry_digest(other) != geometry_digest(again)


def test_no_two_shapes_are_copies(shapes):
    assert len({geometry_digest(s) for s in shapes}) == COUNT


@pytest.mark.parametrize("name", ["tree-0001", "{}-9999", "{}-1", "{}-000x"])
def test_unknown_names_are_an_error(category, name):
    with pytest.raises(HdbenchError, match="There is no shape named"):
        category.shape(name.format(category.name))


def test_a_category_needs_a_count(category):
    with pytest.raises(HdbenchError, match="'count' must be"):
        type(category).Config(count=0)


def test_ten_numbers_and_several_choices_make_a_shape(category):
    draws = [Draw(numpy_generator(0, category.name, k)) for k in range(COUNT)]
    for draw in draws:
        category.build(draw)
        assert sum(isinstance(v, float) for v in draw.drawn) >= 10
    choices = {tuple(v for v in draw.drawn if not isinstance(v, float)) for draw in draws}
    assert len(choices) > COUNT / 3


def test_all_parts_are_closed_and_wound_outwards(shapes):
    """Every directed edge has its opposite, as often; and the volume, which sums over parts, is positive."""
    for shape in shapes:
        mesh = shape.frames[0]
        edges = np.concatenate([mesh.faces[:, [0, 1]], mesh.faces[:, [1, 2]], mesh.faces[:, [2, 0]]])
        forth, back = (np.unique(e, axis=0, return_counts=True) for e in (edges, edges[:, ::-1]))
        assert (forth[0] == back[0]).all()
        assert (forth[1] == back[1]).all()
        points = np.random.default_rng(0).uniform(-0.5, 0.5, (200, 3))
        assert igl.winding_number(mesh.vertices, mesh.faces, points).min() > -0.01


def test_occupancy_is_that_of_the_exact_winding_number(shapes):
    for shape in shapes[::8]:
        seen = sample_field(shape, QuerySpec(near=1000, uniform=1000, sigmas=(0.01,)), 0)
        points, labels = (
            np.concatenate([seen.near[0], seen.uniform[0]]),
            np.concatenate([seen.near_inside[0], seen.uniform_inside[0]]),
        )
        exact = igl.winding_number(shape.frames[0].vertices, shape.frames[0].faces, points.astype(np.float64))
        assert (labels == (exact >= 0.5)).all()


def test_shapes_are_whole_and_fill_a_small_network_s_share_of_the_box(shapes):
    for shape in shapes:
        grid = sample_field(shape, QuerySpec(grid=48), 0).grid[0]
        pieces, count = label(grid, structure=np.ones((3, 3, 3)))
        sizes = np.bincount(pieces.ravel())[1:]
        assert sizes.max() >= 0.99 * sizes.sum(), (shape.name, count)
        assert 0.008 < grid.mean() < 0.4


def test_shapes_are_symmetric(shapes):
    """All but the star-shaped foot of office chairs."""
    unsymmetric = 0
    for shape in shapes:
        points = np.random.default_rng(1).uniform(-0.5, 0.5, (4000, 3))
        mirrored = inside(shape.frames[0], points * (-1, 1, 1), True)
        unsymmetric += (inside(shape.frames[0], points, True) != mirrored).mean() > 0.001
    assert unsymmetric <= (COUNT / 3 if "chair" in shape.name else 0)


def test_the_nearest_other_shape_is_clearly_another(shapes):
    """Chamfer distances x 100: drawing other points of the same shape costs about 1, the nearest neighbour costs far more."""
    clouds, again = (shape_unit(np.concatenate([evaluation_cloud(s, 2048, seed) for s in shapes])) for seed in (0, 1))
    trees = [cKDTree(c) for c in clouds]
    others = again[:8]
    distance = np.array([[_chamfer(c, cKDTree(c), clouds[k], trees[k]) for k in range(COUNT)] for c in others])
    same = distance[np.arange(8), np.arange(8)]
    distance[np.arange(8), np.arange(8)] = np.inf
    assert (distance.argmin(1) != np.arange(8)).all()
    assert np.median(distance.min(1)) > 1.8 * np.median(same)


def _chamfer(a: np.ndarray, tree_a: cKDTree, b: np.ndarray, tree_b: cKDTree) -> float:
    return float((tree_b.query(a)[0] ** 2).mean() + (tree_a.query(b)[0] ** 2).mean())


@pytest.mark.parametrize(
    ("part", "volume"),
    [
        (parts.box((0, 0, 0), (1, 2, 3)), 6.0),
        (parts.box((3, 2, 1), (0, 0, 0)), 6.0),
        (parts.box((0, 0, 0), (1, 1, 1), (5.0, 0.0), 1.0), 1.0),
        (parts.revolve([0, 2], [1, 1], 400), 2 * np.pi),
        (parts.turned(parts.revolve([0, 3], [0, 1], 400), "zxy"), np.pi),
        (parts.beam((1, 1, 1), (1, 4, 5), 2.0, 400), 5 * np.pi),
        (parts.tube([0, 1], [1, 1], [0, 0], [2, 2], 0.5), 4 - 4 * 0.125),
    ],
    ids=["box", "box from the other corner", "sheared box", "cylinder", "cone", "beam", "tube"],
)
def test_parts_have_the_volume_of_their_solid(part, volume):
    vertices, faces = part
    a, b, c = np.moveaxis(vertices[faces], 1, 0)
    assert np.einsum("ij,ij->", a, np.cross(b, c)) / 6 == pytest.approx(volume, rel=1e-3)


def test_the_assembly_is_y_up_and_looks_towards_minus_z():
    mesh = parts.assemble([parts.box((0, -1, 0), (5, 1, 3))])  # 5 to the rear, 3 up
    assert isinstance(mesh, Mesh)
    assert mesh.vertices.max(0).tolist() == [1, 3, 5]
    assert mesh.vertices.min(0).tolist() == [-1, 0, 0]
