"""Sets of shapes from folders of files."""

from __future__ import annotations

import numpy as np
import pytest
from cloud_files import clouds, note_of, read
from layouts import folder_of_listed_npy, folder_of_npy, npy

from hdbench.errors import HdbenchError


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
