"""Every layout is read back, and what a set is: shapes, sequences, draws, figures beside them."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import torch
from cloud_files import Q, clouds, read
from layouts import LAYOUTS, folder_of_npy, npy
from safetensors.torch import save_file as save_torch

from hdbench.errors import HdbenchError
from hdbench.loading import load_draws


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_back_the_clouds_that_were_written(layout, tmp_path):
    written = clouds()
    found = read(LAYOUTS[layout](tmp_path / "shapes", written))
    assert found.clouds.dtype == np.float32
    np.testing.assert_array_equal(found.clouds[:, 0], written)


def test_half_precision_is_read_and_not_changed(tmp_path):
    half = clouds().astype(np.float16)
    np.testing.assert_array_equal(read(npy(tmp_path / "a", half)).clouds[:, 0], half.astype(np.float32))
    save_torch({"x": torch.from_numpy(clouds()).bfloat16()}, tmp_path / "b")
    np.testing.assert_array_equal(read(tmp_path / "b").clouds[:, 0], torch.from_numpy(clouds()).bfloat16().float().numpy())


def test_sequences_and_draws(tmp_path):
    array = clouds(2 * 3 * 4).reshape(2, 3, 4, Q, 3)
    np.testing.assert_array_equal(read(npy(tmp_path / "sequences", array[0])).clouds, array[0])
    draws = load_draws(npy(tmp_path / "draws", array), points=Q)
    np.testing.assert_array_equal([draw.clouds for draw in draws], array)
    with pytest.raises(HdbenchError, match="holds 2 draws of 3 shapes"):
        read(tmp_path / "draws.npy")


def test_sequences_as_sub_folders_of_frames_and_as_files(tmp_path):
    array = clouds(3 * 4).reshape(3, 4, Q, 3)
    for name, frames in zip("abc", array):
        folder_of_npy(tmp_path / "frames" / name, frames) if (tmp_path / "frames").mkdir(exist_ok=True) is None else None
        np.save(tmp_path / f"{name}.npy", frames)
    found = read(tmp_path / "frames")
    np.testing.assert_array_equal(found.clouds, array)
    assert found.names == ("a", "b", "c")
    assert any("'--frames 1'" in note for note in found.notes)
    assert read(tmp_path / "frames", frames=1).clouds.shape == (12, 1, Q, 3)
    (tmp_path / "files").mkdir()
    for name in "abc":
        shutil.move(tmp_path / f"{name}.npy", tmp_path / "files")
    np.testing.assert_array_equal(read(tmp_path / "files", frames=4).clouds, array)
    with pytest.raises(HdbenchError, match="a sequence each, or a set of shapes each"):
        read(tmp_path / "files")


def test_an_incomplete_sequence_is_refused_and_named(tmp_path):
    (tmp_path / "s").mkdir()
    for name in "abc":
        folder_of_npy(tmp_path / "s" / name, clouds(4))
    (tmp_path / "s" / "b" / "003.npy").unlink()
    with pytest.raises(HdbenchError, match=r"Sequences of 4 frames .* 1 of 3 have another number of files: 'b' \(3\)"):
        read(tmp_path / "s")
