"""Which points are taken of denser clouds."""

from __future__ import annotations

import numpy as np
import pytest
from cloud_files import Q, clouds, meshes, read
from layouts import folder_of_npy, npy

from hdbench.errors import HdbenchError


def test_denser_clouds_are_sub_sampled_without_repetition_and_per_shape(tmp_path):
    dense = clouds(4, 200)
    found = read(npy(tmp_path / "a", dense)).clouds[:, 0]
    for chosen, cloud in zip(found, dense):
        rows = {tuple(point) for point in chosen}
        assert len(rows) == Q
        assert rows <= {tuple(point) for point in cloud}
    alone = read(npy(tmp_path / "b", dense[:1])).clouds[:, 0]
    np.testing.assert_array_equal(alone[0], found[0])
    other = read(tmp_path / "a.npy", seed=1).clouds[:, 0]
    assert not np.array_equal(other, found)


def test_a_sub_sample_keeps_tracks_of_points_together(tmp_path):
    tracks = np.repeat(clouds(2, 200)[:, None], 3, axis=1) + np.arange(3, dtype=np.float32)[:, None, None]
    found = read(npy(tmp_path / "a", tracks)).clouds
    np.testing.assert_allclose(found[:, 1] - found[:, 0], 1, rtol=1e-5)


def test_the_first_points_are_taken_where_the_protocol_says_so(tmp_path):
    dense = clouds(2, 200)
    np.testing.assert_array_equal(read(npy(tmp_path / "a", dense), take="first").clouds[:, 0], dense[:, :Q])


def test_of_pc15k_files_the_test_part_is_taken(tmp_path):
    dense = clouds(2, 15_000)
    found = read(folder_of_npy(tmp_path / "02691156", dense), take="first")
    np.testing.assert_array_equal(found.clouds[:, 0], dense[:, 10_000 : 10_000 + Q])
    assert any("points 10000 to 10063 (the test part of PC15k files)" in note for note in found.notes)


@pytest.mark.parametrize("take", ["random", "first"])
def test_other_points_of_the_same_clouds_are_those_that_were_left_out(take, tmp_path):
    dense = clouds(3, 2 * Q)
    path = npy(tmp_path / "a", dense)
    first, again = read(path, take=take).clouds[:, 0], read(path, take=take, again=True).clouds[:, 0]
    for one, other, cloud in zip(first, again, dense):
        assert sorted(map(tuple, np.concatenate([one, other]))) == sorted(map(tuple, cloud))
    with pytest.raises(HdbenchError, match="too few for 65 others"):
        read(path, points=65, again=True)


def test_other_points_of_the_same_meshes_are_new(tmp_path):
    path = meshes(tmp_path / "m")
    first, again = read(path).clouds, read(path, again=True).clouds
    assert not np.isin(first, again).all(-1).any()


def test_fewer_points_are_refused_with_the_next_step(tmp_path):
    path = folder_of_npy(tmp_path / "a", clouds(3))
    np.save(path / "001.npy", clouds(1, 50)[0])
    with pytest.raises(HdbenchError, match=r"clouds of 50 points \(001.npy\), fewer than the 64 .* '-o points=50'"):
        read(path)
    assert read(path, points=50).clouds.shape == (3, 1, 50, 3)
    with pytest.raises(HdbenchError, match="'-o points=64'"):
        read(npy(tmp_path / "b", clouds()), points=2048)
