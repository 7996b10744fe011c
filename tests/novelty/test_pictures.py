"""The pictures of novelty: what is where, and that a picture is the same every time."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from hdbench.novelty.dots import picture_of_cloud
from hdbench.novelty.gallery import chosen, shown, write
from hdbench.novelty.plane import picture
from hdbench.novelty.rows import Novelty, NoveltyRow
from hdbench.protocol import preset
from hdbench.render import PAPER_BYTES, View
from hdbench.scoring.nearest import Nearest

RED = (0.9, 0.1, 0.1)
FRONT = View(azimuth=0.0, elevation=0.0)  # from +x: y to the right, z up


def near(to_training, to_reference=None) -> Nearest:
    """Samples at these distances; their neighbours are training shapes 0, 1 and 2."""
    x = np.array(to_training, float)
    y = np.ones(len(x)) if to_reference is None else np.array(to_reference, float)
    index = np.tile(np.arange(3), (len(x), 1))
    return Nearest(np.arange(len(x)), np.stack([x, x + 1, x + 2], 1), index, y, np.zeros(len(x), int))


def novelty(*rows: NoveltyRow) -> Novelty:
    reference = near([0.1, 0.2, 0.4], [0.2, 0.2, 0.3])
    return Novelty(
        rows=rows, reference=reference, reference_names="xyz", training_names="abc", protocol=preset("strict")
    )  # fmt: skip


def row(draw: Nearest, title: str = "mine", competes: bool = True) -> NoveltyRow:
    return NoveltyRow(title=title, draws=[draw], names=[[f"s{k}" for k in range(len(draw))]], competes=competes)


# --------------------------------------------------------------------------------------------------------------- plane


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def blue(png: bytes) -> np.ndarray:
    """Places [k, 2] (row, column) of the first method's points, below the legend."""
    image = pixels(png)
    return np.argwhere((image[200:, :, 2] - image[200:, :, 0]) > 60)


def test_the_plane_is_the_same_every_time_and_leaves_control_rows_out():
    mine, oracle = row(near([0.2, 0.3])), row(near([0.0, 0.0]), "oracle", competes=False)
    assert picture(novelty(mine)) == picture(novelty(mine)) == picture(novelty(mine, oracle))


def test_copies_lie_left_of_new_shapes_and_bad_shapes_above_good_ones():
    places = {
        name: blue(picture(novelty(row(near([x] * 5, [y] * 5))))).mean(0)
        for name, x, y in (("copies", 0.11, 0.25), ("new", 0.39, 0.25), ("bad", 0.25, 0.29), ("good", 0.25, 0.21))
    }
    assert places["copies"][1] < places["new"][1] - 200
    assert places["bad"][0] < places["good"][0] - 200


def test_a_distance_of_zero_stands_at_the_edge_and_empty_samples_in_the_legend_alone():
    assert blue(picture(novelty(row(near([0.0, 0.3]))))).any()
    only_empty = row(near([np.inf], [np.inf]))
    assert not blue(picture(novelty(only_empty))).any()
    assert picture(novelty(only_empty)) != picture(novelty(row(near([np.inf] * 2, [np.inf] * 2))))  # it says how many


# ------------------------------------------------------------------------------------------------------------- gallery


def test_samples_are_chosen_at_equal_steps_of_rank_from_the_nearest_to_the_farthest():
    assert chosen(near([5, 1, 4, 2, 3]), 3) == [1, 4, 0]
    assert chosen(near([5, np.inf, 4]), 8) == [2, 0]
    assert chosen(near([np.inf]), 8) == []


def test_a_sample_stands_left_of_its_neighbours_with_their_names_and_distances():
    drawn: list[tuple[str, int]] = []

    def draw(kind: str):
        return lambda index, colour: drawn.append((kind, index)) or np.zeros((2, 2, 3), np.uint8)

    draws = near([0.5, 0.25])
    draws = Nearest(
        np.array([7, 9]), *(getattr(draws, part) for part in ("to_training", "training_index", "to_reference", "reference_index"))
    )
    names = [[f"s{k}" for k in range(10)]]
    found = shown(novelty(), NoveltyRow(title="m", draws=[draws], names=names), draw("sample"), draw("training"))
    assert drawn[:4] == [("sample", 9), ("training", 0), ("training", 1), ("training", 2)]
    assert [caption for _, caption in found[0].tiles] == ["sample s9", "a  0.25", "b  1.25", "c  2.25"]
    assert found[1].tiles[0][1] == "sample s7"


def test_the_gallery_has_a_line_for_two_samples(tmp_path):
    tile = np.full((168, 168, 3), 9, np.uint8)
    sizes = []
    for count in (1, 2, 3):
        samples = shown(novelty(), row(near(range(1, count + 1))), lambda k, c: tile, lambda k, c: tile)
        write(tmp_path / "deep" / "gallery.png", "mine", novelty(), samples)
        image = np.asarray(Image.open(tmp_path / "deep" / "gallery.png"))
        sizes.append(image.shape[:2])
        assert (image == 9).all(2).sum() > 0.9 * count * 4 * 168 * 168
    assert sizes[0][0] == sizes[1][0] < sizes[2][0]
    assert sizes[0][1] < sizes[1][1] == sizes[2][1]


# -------------------------------------------------------------------------------------------------------------- clouds


def test_points_are_drawn_where_the_view_sees_them():
    square = [[0, -1, -1], [0, 1, -1], [0, -1, 1], [0, 1, 1], [0, 1, 0.9]]
    picture = picture_of_cloud(square, 100, FRONT, RED)
    drawn = np.argwhere((picture != PAPER_BYTES).any(2))
    assert drawn.min(0) == pytest.approx([6, 6], abs=2)
    assert drawn.max(0) == pytest.approx([93, 93], abs=2)
    right_top = (drawn[:, 0] < 50) & (drawn[:, 1] > 50)
    left_top = (drawn[:, 0] < 50) & (drawn[:, 1] < 50)
    assert right_top.sum() > left_top.sum()  # the fifth point


def test_a_y_up_cloud_is_turned_upright():
    tall_in_y, tall_in_z = np.diag([0.1, 1.0, 0.1]), np.diag([0.1, 0.1, 1.0])
    for cloud, up in ((tall_in_y, "y"), (tall_in_z, "z")):
        rows, columns = np.nonzero(
            (picture_of_cloud([*cloud, [0, 0, 0]], 100, View(azimuth=0, elevation=0, up=up), RED) != PAPER_BYTES).any(2)
        )
        assert np.ptp(rows) > 3 * np.ptp(columns)


def test_near_points_are_darker_and_hide_far_ones():
    near_and_far = picture_of_cloud([[1, -1, 0], [-1, 1, 0]], 100, FRONT, RED)
    left, right = near_and_far[50, 7].sum(), near_and_far[50, 92].sum()
    assert left < right < sum(PAPER_BYTES)
    behind = picture_of_cloud([[1, 0, 0], [-1, 0, 0]], 100, FRONT, RED)
    assert behind[50, 50].sum() == left


def test_an_empty_sample_is_a_blank_tile():
    assert (picture_of_cloud(np.full((5, 3), np.nan), 20, FRONT, RED) == PAPER_BYTES).all()
