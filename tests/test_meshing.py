"""Marching cubes on fields whose surfaces are known, and GLB files."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest
import trimesh

from hdbench.errors import HdbenchError
from hdbench.meshing import export_glb, grid_axis, marching_cubes, surface_of_part
from hdbench.shapes import Mesh


def ball(resolution: int, radius: float, centre=(0.0, 0.0, 0.0)) -> np.ndarray:
    """radius - |x - centre| on the grid: positive inside."""
    axes = np.meshgrid(*[grid_axis(resolution)] * 3, indexing="ij")
    return (radius - np.sqrt(sum((a - c) ** 2 for a, c in zip(axes, centre)))).astype(np.float32)


def signed_volume(mesh: Mesh) -> float:
    a, b, c = mesh.triangles.transpose(1, 0, 2)
    return float(np.einsum("fi,fi->", a, np.cross(b, c)) / 6)


def is_closed(mesh: Mesh) -> bool:
    return trimesh.Trimesh(mesh.vertices, mesh.faces, process=False).is_watertight


def test_ball_has_its_volume_and_is_wound_outwards():
    assert signed_volume(marching_cubes(ball(64, 0.4))) == pytest.approx(4 / 3 * np.pi * 0.4**3, rel=3e-3)


def test_vertices_lie_on_the_sphere_where_it_is_in_the_box():
    mesh = marching_cubes(ball(48, 0.2, centre=(0.1, -0.2, 0.25)))
    assert np.linalg.norm(mesh.vertices - [0.1, -0.2, 0.25], axis=1) == pytest.approx(0.2, abs=5e-4)


def test_level_moves_the_surface():
    assert np.linalg.norm(marching_cubes(ball(48, 0.4), level=0.1).vertices, axis=1) == pytest.approx(0.3, abs=5e-4)


def test_axes_are_x_y_z_and_both_ends_of_the_box_are_grid_points():
    values = np.full((5, 5, 5), -1, np.float32)
    values[0, 2, 4] = 1
    vertices = marching_cubes(values).vertices
    assert vertices.mean(0) == pytest.approx([-0.5, 0.0, 0.5], abs=1e-6)
    assert np.ptp(vertices, axis=0) == pytest.approx([0.25, 0.25, 0.25], abs=1e-6)


def test_cell_centres_of_a_full_voxel_grid_give_the_whole_box():
    half = 0.5 / 8
    mesh = marching_cubes(np.ones((8, 8, 8), np.float32), low=-0.5 + half, high=0.5 - half)
    assert (mesh.vertices.min(0), mesh.vertices.max(0)) == (pytest.approx([-0.5] * 3), pytest.approx([0.5] * 3))
    assert is_closed(mesh)


def test_field_that_is_inside_at_the_border_is_closed_just_beyond_the_box():
    mesh = marching_cubes(-ball(33, 0.3))
    assert is_closed(mesh)
    assert 0.5 <= mesh.vertices.max() <= 0.5 + 1 / 32
    assert signed_volume(mesh) > 1 - 4 / 3 * np.pi * 0.3**3 - 0.01


@pytest.mark.parametrize("value", [-1.0, 0.0])
def test_field_that_is_nowhere_above_the_level_gives_an_empty_mesh(value):
    mesh = marching_cubes(np.full((8, 8, 8), value, np.float32))
    assert mesh.is_empty
    assert (mesh.vertices.shape, mesh.faces.shape) == ((0, 3), (0, 3))


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_refused(wrong):
    values = ball(8, 0.4)
    values[1, 2, 3] = wrong
    with pytest.raises(HdbenchError, match="not finite"):
        marching_cubes(values)


def test_grid_that_is_no_cube_is_refused():
    with pytest.raises(HdbenchError, match=r"\(4, 4, 5\)"):
        marching_cubes(np.zeros((4, 4, 5), np.float32))


def test_part_with_the_surface_gives_the_mesh_of_the_whole_grid():
    values = ball(40, 0.21, centre=(0.07, 0.2, -0.25))
    first = np.array([9, 15, 0])
    whole, part = marching_cubes(values), surface_of_part(values[9:36, 15:, :20], first, 0.0, -0.5, 1 / 39)
    assert np.array_equal(whole.vertices, part.vertices)
    assert np.array_equal(whole.faces, part.faces)


def test_values_away_from_the_surface_do_not_matter():
    values = ball(40, 0.3)
    filled = np.where(np.abs(values) < 0.06, values, np.sign(values)).astype(np.float32)
    assert np.array_equal(marching_cubes(values).vertices, marching_cubes(filled).vertices)


def test_glb_gives_the_mesh_back_and_the_same_bytes_twice(tmp_path):
    mesh = marching_cubes(ball(16, 0.4))
    for name in ("a.glb", "b.glb"):
        export_glb(mesh, tmp_path / name)
    assert (tmp_path / "a.glb").read_bytes() == (tmp_path / "b.glb").read_bytes()
    read = trimesh.load(tmp_path / "a.glb", force="mesh", process=False)
    assert read.vertices == pytest.approx(mesh.vertices, abs=1e-6)
    assert np.array_equal(read.faces, mesh.faces)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.glb", "b.glb"]


def test_glb_of_a_sequence_has_a_node_per_frame_with_a_surface(tmp_path):
    frames = [marching_cubes(ball(12, radius)) for radius in (0.4, -1.0, 0.2)]
    export_glb(frames, tmp_path / "s.glb")
    assert sorted(trimesh.load_scene(tmp_path / "s.glb").geometry) == ["frame_000", "frame_002"]


def glb_tree(path):
    """The JSON of a GLB file, and its bytes."""
    data = path.read_bytes()
    magic, version, total, length, kind = struct.unpack_from("<4sIII4s", data)
    assert (magic, version, total, kind, length % 4) == (b"glTF", 2, len(data), b"JSON", 0)
    size, kind = struct.unpack_from("<I4s", data, 20 + length)
    assert (kind, 28 + length + size, size % 4) == (b"BIN\0", len(data), 0)
    return json.loads(data[20 : 20 + length]), data[28 + length :]


def test_glb_of_a_sequence_shows_one_frame_at_a_time(tmp_path):
    """The scale of each node steps to 1 when its turn comes and to 0 after it; the last stays; nothing is there in a gap."""
    radii = (0.4, 0.3, -1.0, 0.2)
    export_glb([marching_cubes(ball(12, radius)) for radius in radii], tmp_path / "s.glb")
    tree, data = glb_tree(tmp_path / "s.glb")

    def numbers(accessor):
        found = tree["accessors"][accessor]
        start = tree["bufferViews"][found["bufferView"]]["byteOffset"]
        count = found["count"] * (3 if found["type"] == "VEC3" else 1)
        return np.frombuffer(data, "<f4", count, start).reshape(found["count"], -1)

    (animation,) = tree["animations"]
    shown = {}
    for channel in animation["channels"]:
        sampler = animation["samplers"][channel["sampler"]]
        assert (sampler["interpolation"], channel["target"]["path"]) == ("STEP", "scale")
        times, scales = numbers(sampler["input"])[:, 0], numbers(sampler["output"])
        assert (np.diff(times) > 0).all()
        keys = [np.flatnonzero(times <= 0.1 * (frame + 0.5))[-1] for frame in range(4)]
        shown[tree["nodes"][channel["target"]["node"]]["name"]] = scales[keys].tolist()
        assert times[-1] == pytest.approx(0.4)
    one, none = [1.0] * 3, [0.0] * 3
    assert shown == {
        "frame_000": [one, none, none, none], "frame_001": [none, one, none, none], "frame_003": [none, none, none, one]
    }  # fmt: skip


def test_what_plays_no_animation_shows_the_first_frame(tmp_path):
    export_glb([marching_cubes(ball(12, radius)) for radius in (0.3, 0.4)], tmp_path / "s.glb")
    scene = trimesh.load_scene(tmp_path / "s.glb")
    assert scene.extents == pytest.approx([0.6] * 3, abs=0.02)


def test_glb_accessors_say_the_bounds_of_positions_and_times(tmp_path):
    """As the specification demands; a validator refuses files without them."""
    mesh = marching_cubes(ball(12, 0.4))
    export_glb([mesh, mesh], tmp_path / "s.glb")
    tree, data = glb_tree(tmp_path / "s.glb")
    position = tree["accessors"][tree["meshes"][0]["primitives"][0]["attributes"]["POSITION"]]
    assert position["min"] == pytest.approx(mesh.vertices.min(0).tolist(), abs=1e-6)
    assert position["max"] == pytest.approx(mesh.vertices.max(0).tolist(), abs=1e-6)
    assert tree["buffers"] == [{"byteLength": len(data)}]
    assert all(view["byteOffset"] % 4 == 0 for view in tree["bufferViews"])


def test_glb_of_nothing_is_refused(tmp_path):
    with pytest.raises(HdbenchError, match="no faces"):
        export_glb(marching_cubes(ball(8, -1.0)), tmp_path / "empty.glb")
    assert not list(tmp_path.iterdir())
