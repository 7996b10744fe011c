"""Pictures: what is in front is seen, what is large is large, what is empty says so."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import trimesh
from PIL import Image

from hdbench import render as render_module
from hdbench.errors import HdbenchError
from hdbench.meshing import empty_mesh
from hdbench.render import PAPER_BYTES, View, contact_sheet, frame_sheet, render
from hdbench.shapes import Mesh


def box(x: float, y: float, z: float) -> Mesh:
    made = trimesh.creation.box((x, y, z))
    return Mesh(np.array(made.vertices), np.array(made.faces))


def shown(picture: np.ndarray) -> np.ndarray:
    """Where the orange surface is: its red is well above its blue; paper and shadow are grey."""
    return picture[..., 0].astype(int) - picture[..., 2] > 30


ORANGE = (0.9, 0.5, 0.2)


def picture_of(mesh: Mesh, size: int = 96, **view) -> np.ndarray:
    return render(mesh, size, View(**view), ORANGE)


def test_picture_shows_the_shape_in_the_middle_on_paper():
    picture = picture_of(box(0.5, 0.5, 0.5))
    assert (picture.shape, picture.dtype) == ((96, 96, 3), np.uint8)
    rows, columns = np.nonzero(shown(picture))
    assert (rows.mean(), columns.mean()) == (pytest.approx(47.5, abs=3), pytest.approx(47.5, abs=3))
    assert all(tuple(picture[corner]) == pytest.approx(PAPER_BYTES, abs=2) for corner in ((0, 0), (0, -1), (-1, 0), (-1, -1)))


def test_seen_level_from_the_front_a_box_has_its_own_proportions():
    rows, columns = np.nonzero(shown(picture_of(box(0.2, 0.8, 0.4), azimuth=0.0, elevation=0.001)))
    assert np.ptp(columns) / np.ptp(rows) == pytest.approx(2, rel=0.05)


def test_up_axis_is_up():
    rows, columns = np.nonzero(shown(picture_of(box(0.2, 0.9, 0.2), up="y")))
    assert np.ptp(rows) > 2 * np.ptp(columns)
    lying = box(0.2, 0.9, 0.3)
    stood_up = Mesh(lying.vertices[:, [0, 2, 1]] * [1, -1, 1], lying.faces)
    assert np.array_equal(picture_of(lying, up="y"), picture_of(stood_up, up="z"))


def test_shapes_keep_their_relative_sizes_and_large_ones_fit():
    areas = [shown(picture_of(box(side, side, side))).sum() for side in (0.2, 0.4)]
    assert areas[1] / areas[0] == pytest.approx(4, rel=0.1)
    assert not shown(picture_of(box(30, 30, 30)))[[0, -1]].any()


def test_nearer_surface_hides_the_farther():
    far, near = box(0.6, 0.6, 0.02), box(0.7, 0.7, 0.02)
    both = Mesh(
        np.concatenate([far.vertices, near.vertices + np.array([0, 0, 0.3])]), np.concatenate([far.faces, near.faces + 8])
    )
    assert np.array_equal(shown(render(both, 96, View(elevation=89))), shown(render(near, 96, View(elevation=89))))


def test_light_comes_from_above():
    picture = picture_of(box(0.6, 0.6, 0.6))
    assert picture[30, 48].sum() > 1.1 * picture[62, 66].sum()


def test_inverted_mesh_looks_the_same():
    mesh = box(0.5, 0.4, 0.3)
    assert np.array_equal(picture_of(mesh), picture_of(Mesh(mesh.vertices, mesh.faces[:, ::-1])))


def test_a_mesh_has_one_picture():
    assert np.array_equal(picture_of(box(0.5, 0.4, 0.3)), picture_of(box(0.5, 0.4, 0.3)))


def test_empty_mesh_is_a_tile_with_a_word_on_it():
    tile = render(empty_mesh(), 96)
    written = np.argwhere(np.abs(tile.astype(int) - PAPER_BYTES).sum(2) > 60)
    assert 20 < len(written) < 1000
    assert written.mean(0) == pytest.approx([48, 48], abs=5)


def test_unknown_up_axis_is_refused():
    with pytest.raises(HdbenchError, match=r"view\.up"):
        View(up="x")  # type: ignore[arg-type]


def test_missing_embree_is_named(monkeypatch):
    render_module._embree.cache_clear()
    monkeypatch.setitem(sys.modules, "embreex.rtcore_scene", None)
    with pytest.raises(HdbenchError, match="pip install embreex"):
        render(box(1, 1, 1), 16)


def test_sheet_has_a_line_of_tiles_per_row_and_wraps(tmp_path):
    mesh = box(0.5, 0.5, 0.5)
    contact_sheet([("test", [mesh] * 3), ("HyperDiffusion", [])], tmp_path / "a.png", columns=2, size=64)
    contact_sheet([("test", [mesh] * 2), ("HyperDiffusion", [])], tmp_path / "b.png", columns=2, size=64)
    with Image.open(tmp_path / "a.png") as a, Image.open(tmp_path / "b.png") as b:
        assert (a.width, a.height) == (b.width, b.height + 64)


def test_frames_of_a_sequence_are_seen_from_one_place_above_one_floor(tmp_path):
    """A cube that rises is drawn higher; alone it would be in the middle of its tile in both frames."""
    low = box(0.2, 0.2, 0.2)
    high = Mesh(low.vertices + np.array([0, 0, 0.5]), low.faces)
    rows = [np.flatnonzero((np.abs(render(frame, 64, among=(low, high)).astype(int) - PAPER_BYTES) > 60).any((1, 2))).mean()
            for frame in (low, high)]  # fmt: skip
    assert rows[0] - rows[1] > 20
    alone = [render(frame, 64) for frame in (low, high)]
    assert np.array_equal(alone[0], render(low, 64, among=(low,)))
    assert np.abs(alone[0].astype(int) - alone[1]).mean() < 2


def test_a_frame_in_the_air_has_no_shadow_where_it_would_touch_the_floor():
    low = box(0.2, 0.2, 0.2)
    high = Mesh(low.vertices + np.array([0, 0, 0.5]), low.faces)

    def below(picture):
        """The mean grey of a few rows right below the surface."""
        rows, columns = np.nonzero(shown(picture))
        return picture[rows.max() + 2 : rows.max() + 7, columns.min() : columns.max()].mean()

    assert below(render(high, 128, colour=ORANGE)) < below(render(high, 128, colour=ORANGE, among=(low, high))) - 5


def test_a_frame_sheet_has_a_line_per_sequence_and_a_column_per_frame(tmp_path):
    frames = [box(0.1 + 0.05 * k, 0.3, 0.3) for k in range(16)]
    frame_sheet([("walk", [frames, frames[:4]]), ("none", [])], tmp_path / "a.png", columns=8, size=64)
    frame_sheet([("walk", [frames]), ("none", [])], tmp_path / "b.png", columns=8, size=64)
    frame_sheet([("walk", [frames[:4]]), ("none", [])], tmp_path / "c.png", columns=8, size=64)
    with Image.open(tmp_path / "a.png") as a, Image.open(tmp_path / "b.png") as b, Image.open(tmp_path / "c.png") as c:
        assert (a.width, a.height) == (b.width, b.height + 64)
        assert (b.width - c.width, b.height) == (4 * 64, c.height)
        tiles = np.asarray(a)[24 : 24 + 64, 8 : 8 + 512].reshape(64, 8, 64, 3)  # margin 8, half of it and a title of 16 above
        widths = [(np.abs(tiles[:, k].astype(int) - PAPER_BYTES) > 60).any((0, 2)).sum() for k in range(8)]
        assert (np.diff(widths) > 0).all()  # every second frame, in order
        short = np.asarray(a)[88 : 88 + 64, 8 + 4 * 64 : 8 + 512]
        assert (short == PAPER_BYTES).all()  # a shorter sequence leaves the rest blank


def test_sheet_without_rows_is_refused(tmp_path):
    with pytest.raises(HdbenchError, match="no rows"):
        contact_sheet([], tmp_path / "a.png")
    with pytest.raises(HdbenchError, match="no rows"):
        frame_sheet([], tmp_path / "a.png")


def test_rows_take_the_colours_of_their_tones(tmp_path):
    mesh = box(0.5, 0.5, 0.5)
    contact_sheet([("a", [mesh]), ("b", [mesh]), ("c", [mesh])], tmp_path / "in_turn.png", size=64)
    contact_sheet([("a", [mesh]), ("b", [mesh]), ("c", [mesh])], tmp_path / "chosen.png", size=64, tones=[0, 1, 1])
    in_turn, chosen = (np.asarray(Image.open(tmp_path / f"{name}.png")).astype(int) for name in ("in_turn", "chosen"))
    third = len(chosen) // 3
    np.testing.assert_array_equal(chosen[: 2 * third], in_turn[: 2 * third])
    assert (chosen[2 * third :] != in_turn[2 * third :]).any()
