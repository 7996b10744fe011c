"""Sets of shapes from what is on disk: every layout read back, every trouble counted and named, no traceback for garbage."""

from __future__ import annotations

import argparse
import os
import pickle
import random
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file as save_numpy
from safetensors.torch import save_file as save_torch

from hdbench.errors import HdbenchError
from hdbench.loading import load_draws, load_shapes
from hdbench.loading.axes import Layout, arrange, layout_of
from hdbench.loading.kinds import kind_of

Q = 64
SHARED = Path(os.environ.get("HDBENCH_SHARED_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))


def clouds(count: int = 5, points: int = Q, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, points, 3)).astype(np.float32)


def read(path: Path, points: int = Q, **more):
    return load_shapes(path, points=points, **more)


# ------------------------------------------------------------------------------------------------------------- layouts


def npz(path, array):
    np.savez(path.with_suffix(".npz"), samples=array)
    return path.with_suffix(".npz")


def npz_compressed(path, array):
    np.savez_compressed(path.with_suffix(".npz"), labels=np.zeros(len(array)), pc=array)
    return path.with_suffix(".npz")


def npy(path, array):  # DPC's out.npy
    np.save(path.with_suffix(".npy"), array)
    return path.with_suffix(".npy")


def npy_double(path, array):  # ShapeGAN's generated_point_cloud_sample.npy
    return npy(path, array.astype(np.float64))


def npy_fortran(path, array):
    return npy(path, np.asfortranarray(array))


def npy_big_endian(path, array):
    return npy(path, array.astype(">f4"))


def no_ending(path, array):
    npy(path, array).rename(path)
    return path


def pth(path, array):  # PVD's samples.pth
    torch.save(torch.from_numpy(array), path.with_suffix(".pth"))
    return path.with_suffix(".pth")


def pth_before_1_6(path, array):
    torch.save(torch.from_numpy(array), path.with_suffix(".pth"), _use_new_zipfile_serialization=False)
    return path.with_suffix(".pth")


def pt_dict(path, array):  # LION's ref_val_*.pt
    torch.save({"ref": torch.from_numpy(array), "mean": torch.zeros(len(array), 1, 3), "std": torch.ones(len(array), 1, 1)}, path)
    return path


def pt_nested(path, array):
    torch.save({"epoch": 3, "results": {"pred": torch.from_numpy(array).requires_grad_()}}, path)
    return path


def pt_list(path, array):
    torch.save([torch.from_numpy(cloud.copy()) for cloud in array], path)
    return path


def npz_of_shapes(path, array):
    np.savez(path.with_suffix(".npz"), *array)
    return path.with_suffix(".npz")


def safetensors(path, array):
    save_numpy({"clouds": array, "noise": np.zeros((4, 4), np.float32)}, path)
    return path


def channels_first(path, array):
    return npy(path, np.ascontiguousarray(array.swapaxes(1, 2)))


def with_normals(path, array):
    return npy(path, np.concatenate([array, np.zeros_like(array)], -1))


def channels_first_with_normals(path, array):
    return npy(path, np.concatenate([array, np.zeros_like(array)], -1).swapaxes(1, 2))


def with_occupancy(path, array):
    return npy(path, np.concatenate([array, np.ones_like(array[..., :1])], -1))


def folder_of_npy(path, array):  # PC15k
    path.mkdir()
    for index, cloud in enumerate(array):
        np.save(path / f"{index:03d}.npy", cloud)
    return path


def folder_of_listed_npy(path, array):  # HyperDiffusion's ID.obj.npy
    folder_of_npy(path, array)
    for file in sorted(path.iterdir()):
        file.rename(file.with_suffix(".obj.npy"))
    return path


def folder_of_npz(path, array):  # occupancy networks' pointcloud.npz
    for index, cloud in enumerate(array):
        (path / f"{index:03d}").mkdir(parents=True)
        np.savez(path / f"{index:03d}" / "pointcloud.npz", points=cloud, normals=cloud, loc=np.zeros(3), scale=1.0)
    return path


def folder_of_pt(path, array):
    path.mkdir()
    for index, cloud in enumerate(array):
        torch.save(torch.from_numpy(cloud.copy()), path / f"{index:03d}.pt")
    return path


def folder_of_text(ending, separator=" ", head="", foot=""):
    def write(path, array):
        path.mkdir()
        for index, cloud in enumerate(array):
            lines = [separator.join(repr(float(x)) for x in point) for point in cloud]
            (path / f"{index:03d}.{ending}").write_text("\n".join([*filter(None, [head]), *lines, foot]))
        return path

    return write


def folder_of_ply(path, array):
    import trimesh

    path.mkdir()
    for index, cloud in enumerate(array):
        (path / f"{index:03d}.ply").write_bytes(trimesh.PointCloud(cloud).export(file_type="ply"))
    return path


def folder_of_one_array(path, array):  # DPC's results folder
    path.mkdir()
    (path / "log.txt").write_text("loss 3\n")
    np.save(path / "out.npy", array)
    return path


LAYOUTS = {f.__name__: f for f in (
    npz, npz_compressed, npy, npy_double, npy_fortran, npy_big_endian, no_ending, pth, pth_before_1_6, pt_dict, pt_nested,
    pt_list, npz_of_shapes, safetensors, channels_first, with_normals, channels_first_with_normals, with_occupancy, folder_of_npy,
    folder_of_listed_npy, folder_of_npz, folder_of_pt, folder_of_ply, folder_of_one_array,
)} | {
    "xyz": folder_of_text("xyz"), "pts": folder_of_text("pts", head=str(Q)), "modelnet txt": folder_of_text("txt", ","),
    "csv": folder_of_text("csv", ",", "x,y,z"),
    "pts landmarks": folder_of_text("pts", head="version: 1\nn_points: 64\n{", foot="}"),
    "comments": folder_of_text("xyz", "\t", "# x y z\n\n// units: m"),
}  # fmt: skip


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


# --------------------------------------------------------------------------------------------------------------- axes


@given(st.lists(st.integers(1, 40), min_size=0, max_size=2), st.integers(13, 5000), st.integers(3, 12), st.booleans())
def test_the_axis_of_coordinates_is_found_wherever_it_stands(before, points, columns, first):
    before = [n for n in before if n != 3]
    shape = (*before, columns, points) if first else (*before, points, columns)
    assert layout_of(shape) == Layout(-2 if first else -1, columns)


@given(st.integers(1, 6), st.integers(13, 30), st.integers(3, 12), st.booleans())
@settings(max_examples=50)
def test_arranging_gives_the_first_three_coordinates(count, points, columns, first):
    array = np.arange(count * points * columns, dtype=np.float32).reshape(count, points, columns)
    turned, notes = arrange(np.swapaxes(array, 1, 2) if first else array, "it")
    np.testing.assert_array_equal(turned, array[..., :3])
    assert len(notes) == first + (columns > 3)


@pytest.mark.parametrize(
    "shape",
    [
        (5, 3, 3),
        (5, 6, 6),
        (5, 100, 100),
        (5, 2),
        (5, 3, 16, 2048),
        (5, 3, 8, 2048),
        (5, 3, 3, 99),
        (5, 3, 99, 6),
        (24, 24, 24),
        (7,),
    ],
)
def test_what_cannot_be_told_is_refused(shape):
    with pytest.raises(HdbenchError, match=r"has the shape \["):
        arrange(np.zeros(shape, np.float32), "it")


# -------------------------------------------------------------------------------------------------------------- points


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


# ------------------------------------------------------------------------------------------------------------ troubles


def note_of(found, words: str) -> str:
    [note] = [note for note in found.notes if note.startswith(words)]
    return note


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


# -------------------------------------------------------------------------------------------------------- which array


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


# ------------------------------------------------------------------------------------------------------------- folders


def test_files_are_taken_in_sorted_order_and_hidden_ones_never(tmp_path):
    for name, cloud in zip(("10", "9", "b/1", "._x", "__MACOSX/a"), clouds()):
        (tmp_path / "f" / name).parent.mkdir(parents=True, exist_ok=True)
        np.save(tmp_path / "f" / f"{name}.npy", cloud)
    assert read(tmp_path / "f").names == ("10.npy", "9.npy", "b/1.npy")


def test_unreadable_files_count_as_empty_samples_and_are_named(tmp_path):
    path = folder_of_npy(tmp_path / "a", clouds(4))
    (path / "001.npy").write_bytes((path / "001.npy").read_bytes()[:-9])
    (path / "002.npy").write_bytes(b"")
    found = read(path)
    assert np.isnan(found.clouds).all((1, 2, 3)).tolist() == [False, True, True, False]
    note = note_of(found, "not readable, counted as empty samples: 2 shapes (001.npy: ")
    assert "9 bytes of the array [64, 3] are missing" in note
    assert "is empty (0 bytes)" in note


def test_a_folder_without_a_usable_file_is_an_error(tmp_path):
    path = folder_of_npy(tmp_path / "a", clouds(2))
    for file in path.iterdir():
        file.write_bytes(b"\x93NUMPY")
    with pytest.raises(HdbenchError, match=r"None of the 2 shapes in '.*' can be used. The first, '000.npy'"):
        read(path)


def test_several_kinds_in_a_folder_are_not_guessed_between(tmp_path):
    path = folder_of_npy(tmp_path / "a", clouds())
    (path / "x.xyz").write_text("0 0 0\n")
    with pytest.raises(HdbenchError, match=r"several kinds: .npy .5., .xyz .1.. Name one as FOLDER:KIND, such as '.*:xyz'"):
        read(path)
    assert len(read(path, key="npy")) == 5
    with pytest.raises(HdbenchError, match=r"There is no kind of shapes or split list in '.*' named 'ply'"):
        read(path, key="ply")


def test_a_folder_of_splits_is_refused_and_a_list_is_followed(tmp_path):
    (tmp_path / "root").mkdir()
    for part in ("train", "test"):
        folder_of_npy(tmp_path / "root" / part, clouds())
    with pytest.raises(HdbenchError, match=r"holds the splits train, test. Give one of them, such as '.*test'"):
        read(tmp_path / "root")
    listed = folder_of_listed_npy(tmp_path / "listed", clouds())
    (listed / "test_split.lst").write_text("003.obj\n\n001.obj\n")
    (listed / "train_split.lst").write_text("000\n")
    with pytest.raises(HdbenchError, match=r"has split lists .* such as '.*:test'"):
        read(listed)
    np.testing.assert_array_equal(read(listed, key="test").clouds[:, 0], clouds()[[3, 1]])
    assert read(listed, key="train").names == ("000.obj.npy",)


def test_an_empty_folder_says_what_it_holds(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(HdbenchError, match=r"holds no mesh and no cloud .found: nothing"):
        read(tmp_path / "a")
    (tmp_path / "a" / "x.anime").write_bytes(b"1")
    with pytest.raises(HdbenchError, match=r"found: 1 .anime"):
        read(tmp_path / "a")


def test_a_missing_path_names_the_nearest(tmp_path):
    npy(tmp_path / "samples", clouds())
    with pytest.raises(HdbenchError, match=r"There is no file or folder '.*smaples.npy'. Did you mean '.*samples.npy'?"):
        read(tmp_path / "smaples.npy")


@pytest.mark.parametrize(("text", "reason"), [
    ("1 2 3\n4 5\n", "line 2 has 2 entries"), ("1 2 3\n4 five 6\n", "something else than numbers"),
    ("3\n1 2 3\n4 5 6\n", "promises 3 points and has 2"), ("a b c\n", "no line of three"),
    ("1 2\n", "no line of three"), ("\xff", "no line of three"),
])  # fmt: skip
def test_text_that_is_no_cloud_says_which_line(text, reason, tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "1.xyz").write_text(text)
    with pytest.raises(HdbenchError, match=reason):
        read(tmp_path / "a", points=1)


# --------------------------------------------------------------------------------------------------------------- safety


class Bomb:
    """Unpickling it is an event."""

    def __reduce__(self):
        return (Path.touch, (Path("exploded"),))


def test_nothing_is_ever_unpickled(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"args": argparse.Namespace(), "samples": torch.zeros(2, 9, 3)}, "namespace.pt")
    torch.save({"samples": torch.zeros(2, 9, 3), "x": Bomb()}, "bomb.pt")
    np.save("object.npy", np.array([Bomb(), 1], dtype=object), allow_pickle=True)
    np.savez("object.npz", x=np.array([Bomb(), 1], dtype=object))
    Path("bomb.pkl").write_bytes(pickle.dumps(Bomb()))
    messages = {
        "namespace.pt": r"Python objects besides tensors \(argparse.Namespace\)", "bomb.pt": "Python objects besides tensors",
        "object.npy": "Save one array per shape", "object.npz": "Save one array per shape", "bomb.pkl": "is a Python pickle",
    }  # fmt: skip
    for name, words in messages.items():
        with pytest.raises(HdbenchError, match=words):
            read(Path(name), points=9)
    assert not Path("exploded").exists()
    pickle.loads(Path("bomb.pkl").read_bytes())
    assert Path("exploded").exists()  # the bomb is live


@pytest.mark.parametrize("head", [b"\x89HDF\r\n\x1a\n", b"\x1f\x8b", b"MATLAB 5.0 MAT-file", b"\x89PNG\r\n", b"\x00\x01\x02\x03"])
def test_files_of_other_programs_are_refused_with_the_next_step(head, tmp_path):
    (tmp_path / "a").write_bytes(head + bytes(100))
    with pytest.raises(HdbenchError, match=r"HDF5|gzip|MATLAB|picture|no format that hdbench knows"):
        read(tmp_path / "a")


ENDINGS = (".npy", ".npz", ".safetensors", ".pt", ".pth", ".ply", ".xyz", ".txt", ".obj", ".off", ".stl", ".glb", ".gltf", "")


@pytest.mark.parametrize("ending", ENDINGS)
def test_garbage_ends_in_an_answer_and_never_in_a_traceback(ending, tmp_path):
    rng = random.Random(ending)
    (tmp_path / "folder").mkdir()
    for case in range(40):
        content = rng.randbytes(rng.randrange(300)) if case % 2 else bytes(rng.choices(range(32, 127), k=rng.randrange(300)))
        for path in (tmp_path / f"x{ending}", tmp_path / "folder" / f"x{ending}"):
            path.write_bytes(content)
        for path in (tmp_path / f"x{ending}", tmp_path / "folder"):
            with pytest.raises(HdbenchError):
                read(path, points=8)


@pytest.mark.parametrize("write", [npy, npz, npz_compressed, safetensors, pth, pth_before_1_6, pt_dict])
def test_files_that_were_cut_or_flipped_end_in_an_answer(write, tmp_path):
    whole = write(tmp_path / "x", clouds(2, 16)).read_bytes()
    rng, path, refused = random.Random(write.__name__), tmp_path / "y", 0
    for case in range(60):
        content = bytearray(whole)
        if case % 3 == 0:
            del content[rng.randrange(len(content)) :]
        for _ in range(case % 3 * 4):
            content[rng.randrange(min(len(content), 400))] = rng.randrange(256)
        path.write_bytes(content)
        try:
            assert read(path, points=16).clouds.shape[2:] == (16, 3)
        except HdbenchError:
            refused += 1
    assert refused >= 20  # every cut


def test_the_kind_is_told_by_content(tmp_path):
    for write, kind in ((npy, "npy"), (npz, "npz"), (pth, "torch"), (pth_before_1_6, "torch"), (safetensors, "safetensors")):
        path = tmp_path / "misnamed.obj"
        shutil.move(write(tmp_path / "x", clouds()), path)
        assert kind_of(path) == kind


def test_a_large_array_is_mapped_and_not_copied(tmp_path):
    import tracemalloc

    path = tmp_path / "big.npy"
    big = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(60, 15_000, 3))
    big[:] = clouds(1, 15_000)
    big.flush()
    del big
    tracemalloc.start()
    read(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < path.stat().st_size / 2


# --------------------------------------------------------------------------------------------------------------- meshes

TETRAHEDRON = "v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nf 1 3 2\nf 1 2 4\nf 2 3 4\nf 3 1 4\n"


def meshes(folder: Path, names="abc", content=TETRAHEDRON) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for scale, name in enumerate(names, start=1):
        lines = [f"v {scale} 0 0" if line == "v 1 0 0" else line for line in content.splitlines()]
        (folder / f"{name}.obj").write_text("\n".join(lines))
    return folder


def test_meshes_are_sampled_on_their_surface_and_described(tmp_path):
    found = read(meshes(tmp_path / "m"))
    assert found.names == ("a.obj", "b.obj", "c.obj")
    x, y, z = np.moveaxis(found.clouds[0, 0], -1, 0)
    on_a_face = np.stack([x, y, z, 1 - x - y - z])
    np.testing.assert_allclose(on_a_face.min(axis=0), 0, atol=1e-6)
    assert found.figures is not None
    assert all(len(values) == 3 for values in found.figures.values())


def test_a_meshs_points_do_not_depend_on_its_company(tmp_path):
    alone, together = meshes(tmp_path / "alone", "b"), meshes(tmp_path / "together", "ab")
    shutil.copy(alone / "b.obj", together / "b.obj")
    np.testing.assert_array_equal(read(alone).clouds[0], read(together).clouds[1])


def test_meshes_that_cannot_be_used_are_empty_samples_with_names(tmp_path):
    folder = meshes(tmp_path / "m")
    (folder / "b.obj").write_text("")
    (folder / "d.off").write_text("OFF\nnonsense\n")
    found = read(folder)
    assert np.isnan(found.clouds).all((1, 2, 3)).tolist() == [False, True, False, True]
    assert note_of(found, "not readable, counted as empty samples: 2 shapes (b.obj: ")
    for file in folder.iterdir():
        file.write_text("")
    with pytest.raises(HdbenchError, match=r"None of the 4 shapes in '.*' can be used"):
        read(folder)


def test_copies_of_a_mesh_are_named_though_their_points_differ(tmp_path):
    folder = meshes(tmp_path / "m")
    shutil.copy(folder / "a.obj", folder / "z.obj")
    found = read(folder)
    assert note_of(found, "copies of another shape").endswith("1 of 4 shapes (a.obj = z.obj)")
    assert not np.array_equal(found.clouds[0], found.clouds[3])


def test_sub_folders_of_mesh_frames_are_sequences(tmp_path):
    for name in ("run", "swim"):
        meshes(tmp_path / "m" / name, ("000", "001", "002"))
    assert read(tmp_path / "m").clouds.shape == (2, 3, Q, 3)
    assert read(tmp_path / "m", frames=1).clouds.shape == (6, 1, Q, 3)
    with pytest.raises(HdbenchError, match="Sequences of 4 frames"):
        read(tmp_path / "m", frames=4)


def test_the_frames_of_a_sequence_in_one_glb_are_not_taken_for_one_mesh(tmp_path):
    from hdbench.meshing import export_glb
    from hdbench.shapes import Mesh

    mesh = Mesh(np.eye(3), np.array([[0, 1, 2]]))
    export_glb([mesh, mesh], tmp_path / "m" / "0.glb")
    with pytest.raises(HdbenchError, match="holds the frames of a sequence"):
        read(tmp_path / "m")
    export_glb(mesh, tmp_path / "m" / "0.glb")
    assert len(read(tmp_path / "m")) == 1


def test_a_single_mesh_is_not_a_set(tmp_path):
    with pytest.raises(HdbenchError, match=r"a.obj' is a single mesh. A set of shapes is a folder"):
        read(meshes(tmp_path / "m") / "a.obj")


@pytest.mark.skipif(not (SHARED / "cars").is_dir(), reason="the collection of real files is not here")
def test_real_files_their_copies_and_their_mends():
    found = read(SHARED / "cars" / "kenney")
    assert len(found) == 25
    assert np.isfinite(found.clouds).all()
    odd = read(SHARED / "odd", key="meshes")
    assert note_of(odd, "not readable")
    assert 0 < np.isnan(odd.clouds).all((1, 2, 3)).sum() < len(odd)


def test_figures_beside_clouds_are_those_of_the_shapes(tmp_path):
    path, clouds_of_draws = tmp_path / "method.safetensors", np.stack([clouds(seed=k)[:, None] for k in range(2)])
    closed = np.arange(10.0).reshape(2, 5)
    save_numpy({"clouds": clouds_of_draws, "figures.watertight": closed}, path)
    first, second = load_draws(path, points=Q)
    assert [draw.figures["watertight"].tolist() for draw in (first, second)] == closed.tolist()
    assert not any("not read" in note for note in first.notes)
    save_numpy({"clouds": clouds_of_draws, "figures.watertight": closed[:1]}, path)
    with pytest.raises(HdbenchError, match=r"figures.watertight' is of 5 shapes, the clouds are 10"):
        load_draws(path, points=Q)
