"""Certified surfaces are those of the dense grid, bit for bit; and fields whose surfaces are known."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from hdbench_hyperdiffusion.affine import LogitBounds
from hdbench_hyperdiffusion.encoding import encode_coordinates
from hdbench_hyperdiffusion.isosurface import GridField, certified_part, dense_part, extract

from hdbench.errors import HdbenchError

OCTAVES = 4


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as ``extract`` does by itself
    yield
    torch.set_num_threads(threads)


def random_layers(hidden: int, depth: int, seed: int = 0, dimensions: int = 3, gain: float = 2.0):
    """A network with rough random weights: a field with many sheets."""
    generator = torch.Generator().manual_seed(seed)
    widths = [dimensions * (1 + 2 * OCTAVES), *[hidden] * depth, 1]
    return [
        (torch.randn(b, a, generator=generator) * gain / a**0.5, torch.randn(b, generator=generator) * 0.1)
        for a, b in pairwise(widths)
    ]


def octahedron_layers(radius: float, stretch=(1.0, 1.0, 1.0)):
    """radius - |x / sx| - |y / sy| - |z / sz| as a network without octaves: exact, since |x| = relu(x) + relu(-x)."""
    first = torch.cat([torch.diag(1 / torch.tensor(stretch)), torch.diag(-1 / torch.tensor(stretch))])
    return [(first, torch.zeros(6)), (-torch.ones(1, 6), torch.tensor([radius]))]


def dense_logits(layers, resolution, frame=None, scale=1.0):
    return dense_part(GridField(layers, OCTAVES, scale, frame, resolution)).logits


def level_at(layers, resolution, share, frame=None):
    """The level above which ``share`` of the grid lies."""
    return float(np.quantile(dense_logits(layers, resolution, frame), 1 - share))


def crossing_cells(logits, level):
    """Cells [r - 1, r - 1, r - 1] with corners on both sides of the level."""
    inside = logits > level
    n = len(logits) - 1
    corners = [inside[i : i + n, j : j + n, k : k + n] for i in (0, 1) for j in (0, 1) for k in (0, 1)]
    return np.any(corners, axis=0) & ~np.all(corners, axis=0)


def assert_same_meshes(found, expected):
    for mine, theirs in zip(found, expected, strict=True):
        assert np.array_equal(mine.vertices, theirs.vertices)
        assert np.array_equal(mine.faces, theirs.faces)


@pytest.mark.parametrize(("hidden", "depth"), [(16, 1), (32, 3), (128, 3)])
@pytest.mark.parametrize("resolution", [9, 20, 33, 64])
@pytest.mark.parametrize("share", [0.002, 0.1, 0.9])
def test_certified_mesh_is_the_dense_mesh(hidden, depth, resolution, share):
    layers = random_layers(hidden, depth, seed=resolution)
    level = level_at(layers, resolution, share)
    arguments = (layers, OCTAVES, 1.0, None, resolution, level)
    found, dense = extract(*arguments), extract(*arguments, certified=False)
    assert len(dense[0].faces) > 0
    assert_same_meshes(found, dense)


def test_certified_mesh_is_the_dense_mesh_in_blocks_of_sixteen():
    layers = random_layers(16, 2, gain=1.0)
    arguments = (layers, OCTAVES, 1.5, None, 130, level_at(layers, 33, 0.05))
    assert_same_meshes(extract(*arguments), extract(*arguments, certified=False))


def test_sparse_evaluation_leaves_most_of_a_smooth_field_out():
    field = GridField(octahedron_layers(0.3), 0, 1.0, None, 129)
    part = certified_part(field, 0.0)
    evaluated = np.count_nonzero(np.abs(part.logits) != 1)
    assert evaluated < 0.1 * 129**3


@pytest.mark.parametrize("share", [0.01, 0.5])
def test_no_crossing_cell_is_missed(share):
    layers = random_layers(32, 3, seed=3)
    level = level_at(layers, 50, share)
    part = certified_part(GridField(layers, OCTAVES, 1.0, None, 50), level)
    whole = np.full((50, 50, 50), level - 1, np.float32)
    whole[tuple(slice(a, a + n) for a, n in zip(part.first, part.logits.shape))] = part.logits
    dense = dense_logits(layers, 50)
    assert np.array_equal(crossing_cells(whole, level), crossing_cells(dense, level))
    assert np.array_equal(whole > level, dense > level)


@pytest.mark.parametrize("gain", [0.5, 2.0, 50.0])
@pytest.mark.parametrize("size", [1, 4, 7])
def test_bounds_enclose_every_value_of_the_block(gain, size):
    field = GridField(random_layers(32, 3, seed=5, gain=gain), OCTAVES, 1.0, None, 22)
    count = -(-21 // size)
    blocks = np.argwhere(np.ones((count,) * 3, bool))
    lower, upper = LogitBounds(field.tables, field.layers).over(blocks, size)
    logits = dense_part(field).logits
    for block, low, high in zip(blocks, lower, upper):
        values = logits[tuple(slice(b * size, b * size + size + 1) for b in block)]
        assert low <= values.min() <= values.max() <= high


def test_value_of_a_point_does_not_depend_on_the_other_points():
    field = GridField(random_layers(128, 3), OCTAVES, 1.0, None, 24)
    places = np.random.default_rng(0).integers(0, 24, (1500, 3))
    assert np.array_equal(field.at(places), dense_part(field).logits[tuple(places.T)])
    assert np.array_equal(field.at(places[:1]), field.at(places)[:1])


@pytest.mark.parametrize("frame", [None, 3.0])
def test_grid_values_are_those_of_the_network(frame):
    layers = random_layers(32, 2, dimensions=3 if frame is None else 4)
    axis = torch.linspace(-0.5, 0.5, 11)
    points = torch.cartesian_prod(axis, axis, axis)
    if frame is not None:
        points = torch.cat([points, torch.full((len(points), 1), frame)], dim=1)
    x = encode_coordinates(points, OCTAVES, 1.3)
    for weight, bias in layers[:-1]:
        x = torch.relu(x @ weight.T + bias)
    expected = (x @ layers[-1][0].T + layers[-1][1]).reshape(11, 11, 11).numpy()
    assert dense_logits(layers, 11, frame, scale=1.3) == pytest.approx(expected, abs=1e-3)


def test_octahedron_lies_where_it_should():
    (mesh,) = extract(octahedron_layers(0.3), 0, 1.0, None, 65, 0.0)
    assert np.abs(mesh.vertices).sum(1) == pytest.approx(0.3, abs=1e-5)
    a, b, c = mesh.triangles.transpose(1, 0, 2)
    assert np.einsum("fi,fi->", a, np.cross(b, c)) / 6 == pytest.approx(4 / 3 * 0.3**3, rel=5e-3)


def test_sheet_thinner_than_a_cell_is_found():
    (mesh,) = extract(octahedron_layers(0.004, stretch=(100.0, 100.0, 1.0)), 0, 1.0, None, 129, 0.0)
    assert np.ptp(mesh.vertices, axis=0) == pytest.approx([0.8, 0.8, 0.008], abs=0.02)
    assert np.abs(mesh.vertices[:, 2]).max() < 1 / 128


def test_number_of_threads_is_left_as_it_was():
    torch.set_num_threads(2)
    extract(octahedron_layers(0.3), 0, 1.0, None, 9, 0.0)
    assert torch.get_num_threads() == 2


def test_level_is_a_logit():
    (mesh,) = extract(octahedron_layers(0.3), 0, 1.0, None, 65, 0.1)
    assert np.abs(mesh.vertices).sum(1) == pytest.approx(0.2, abs=1e-5)


def test_each_frame_has_its_own_mesh():
    layers = random_layers(32, 3, seed=1, dimensions=4, gain=1.2)
    level = level_at(layers, 24, 0.2, frame=2.0)
    frames = [0.0, 2.0, 15.0]
    found = extract(layers, OCTAVES, 1.0, frames, 24, level)
    assert_same_meshes(found, extract(layers, OCTAVES, 1.0, frames, 24, level, certified=False))
    assert_same_meshes(found[1:2], extract(layers, OCTAVES, 1.0, [2.0], 24, level))
    assert len({len(mesh.faces) for mesh in found}) > 1


def test_field_that_is_nowhere_inside_has_no_faces():
    assert extract(octahedron_layers(-0.1), 0, 1.0, None, 64, 0.0)[0].is_empty


def test_field_that_is_inside_everywhere_is_the_dense_box():
    arguments = (octahedron_layers(9.0), 0, 1.0, None, 40, 0.0)
    assert_same_meshes(extract(*arguments), extract(*arguments, certified=False))
    assert extract(*arguments)[0].vertices.max() > 0.5


@pytest.mark.parametrize(("layer", "wrong"), [(0, float("nan")), (1, float("inf")), (0, 3e38)])
def test_diverged_weights_are_refused(layer, wrong):
    layers = octahedron_layers(0.3)
    layers[layer][0][0, 0] = wrong
    layers[1][0][0, 1] = 3e38 if wrong == 3e38 else 1.0
    layers[0][0][1, 1] = 3e38 if wrong == 3e38 else 1.0
    with pytest.raises(HdbenchError, match="not finite"):
        extract(layers, 0, 1.0, None, 16, 0.0)
