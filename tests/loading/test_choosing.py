"""Which array of a file holds the clouds."""

from __future__ import annotations

import numpy as np
import pytest
from cloud_files import clouds, read
from layouts import npy

from hdbench.errors import HdbenchError


def test_the_role_decides_between_known_names(tmp_path):
    np.savez(tmp_path / "both.npz", gen=clouds(seed=1), ref=clouds(seed=2))
    np.testing.assert_array_equal(read(tmp_path / "both.npz").clouds[:, 0], clouds(seed=1))
    np.testing.assert_array_equal(read(tmp_path / "both.npz", role="reference").clouds[:, 0], clouds(seed=2))
    np.testing.assert_array_equal(read(tmp_path / "both.npz", key="ref").clouds[:, 0], clouds(seed=2))


def test_several_arrays_are_listed_and_none_is_guessed(tmp_path):
    np.savez(tmp_path / "two.npz", first=clouds(), second=clouds())
    with pytest.raises(HdbenchError, match=r"first float32 \[5, 64, 3\], second .* as PATH:NAME, such as '.*two.npz:first'"):
        read(tmp_path / "two.npz")
    with pytest.raises(HdbenchError, match=r"There is no array in '.*' named 'frist'. Did you mean 'first'?"):
        read(tmp_path / "two.npz", key="frist")


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (clouds()[0], "one cloud .* Give the folder that holds a file per shape"),
        (np.zeros((50, 36737), np.float32), "flattened weights of fields"),
        (np.zeros((5, 24, 24, 24), np.float32), "voxel grids"),
        (np.zeros((5, 64, 64, 3), np.uint8), r"holds uint8 \[5, 64, 64, 3\], and coordinates are floating-point"),
        (np.zeros((0, 64, 3), np.float32), "holds no shape at all"),
    ],
)
def test_an_array_that_is_no_set_of_clouds_is_refused_with_the_reason(array, words, tmp_path):
    with pytest.raises(HdbenchError, match=words):
        read(npy(tmp_path / "a", array))
