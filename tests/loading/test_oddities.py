"""Every trouble with clouds is counted and named."""

from __future__ import annotations

import numpy as np
from cloud_files import Q, clouds, note_of, read
from layouts import npy, npz


def test_what_is_not_finite_or_zero_becomes_an_empty_sample(tmp_path):
    array = clouds(6)
    array[1, 7, 2], array[2, 0, 0], array[4] = np.nan, np.inf, 0
    found = read(npy(tmp_path / "a", array))
    assert np.isnan(found.clouds).all((1, 2, 3)).tolist() == [False, True, True, False, True, False]
    assert note_of(found, "not finite").endswith("2 of 6 shapes (1, 2)")
    assert note_of(found, "all zeros").endswith("1 of 6 shapes (4)")


def test_one_empty_frame_makes_an_empty_sequence(tmp_path):
    array = clouds(6).reshape(2, 3, Q, 3)
    array[1, 2] = 0
    assert np.isnan(read(npy(tmp_path / "a", array)).clouds).all((1, 2, 3)).tolist() == [False, True]


def test_a_double_too_large_for_single_precision_is_not_finite(tmp_path):
    array = clouds(2).astype(np.float64)
    array[1, 0, 0] = 1e300
    assert note_of(read(npy(tmp_path / "a", array)), "not finite")


def test_copies_are_named_whatever_the_order_of_their_points(tmp_path):
    array = clouds(6, 200)
    array[4] = array[1][::-1]
    found = read(npy(tmp_path / "a", array))
    assert note_of(found, "copies").endswith("1 of 6 shapes (1 = 4)")
    assert not [note for note in read(npy(tmp_path / "b", clouds(6))).notes if "copies" in note]


def test_repeated_points_are_said(tmp_path):
    array = clouds(3)
    array[1, 32:] = array[1, :32]
    assert note_of(read(npy(tmp_path / "a", array)), "more than 3 %").endswith("1 of 3 shapes (1)")


def test_a_point_repeated_by_chance_is_not_worth_a_note(tmp_path):
    array = clouds(1)
    array[0, 1] = array[0, 0]
    assert len(read(npy(tmp_path / "a", array)).notes) == 1


def test_points_in_an_order_are_said(tmp_path):
    array = clouds(40, 2048)
    angle = np.linspace(0, 2 * np.pi, 2048)
    array[2] = np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=1)
    array[4] = array[4][np.argsort(array[4, :, 1])]
    found = read(npy(tmp_path / "a", array), points=2048)
    assert note_of(found, "points in an order").endswith("2 of 40 shapes (2, 4)")


def test_points_in_a_plane_are_in_no_order(tmp_path):
    array = clouds(20, 2047)
    array[..., 2] = 1 / 3
    assert len(read(npy(tmp_path / "a", array), points=2047).notes) == 1


def test_points_in_one_place_and_far_away_are_said(tmp_path):
    array = clouds(3).astype(np.float64)
    array[0], array[1] = 3.0, array[1] + 1e7
    found = read(npy(tmp_path / "a", array))
    assert note_of(found, "all points in one place").endswith("(0)")
    assert note_of(found, "so far from the origin").endswith("(1)")


def test_how_the_file_was_read_is_always_said(tmp_path):
    assert read(npz(tmp_path / "a", clouds())).notes == (
        "float32 [5, 64, 3], array 'samples', read as 5 shapes with 64 points each",
    )
