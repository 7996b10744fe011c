"""Sources of clouds: PC15k's halves, DPC's file, folders of clouds; what cannot be read, and that no field is fitted to them."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hdbench_shapes.cloud_folder import CloudFolder
from hdbench_shapes.clouds import PartsConfig
from hdbench_shapes.hdf5 import HDF5
from hdbench_shapes.pc15k import PC15K

from hdbench.clouds import draw, place_cloud
from hdbench.errors import HdbenchError, ShapeError
from hdbench.shapes import Split

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"


def cloud(seed: int, count: int = 15_000) -> np.ndarray:
    """Points whose first coordinate is their row."""
    points = np.random.default_rng(seed).normal(size=(count, 3)).astype(np.float32)
    points[:, 0] = np.arange(count)
    return points


def pc15k(root: Path, *names: str, count: int = 15_000) -> Path:
    for seed, name in enumerate(names):
        (root / "03001627" / name).parent.mkdir(parents=True, exist_ok=True)
        np.save(root / "03001627" / f"{name}.npy", cloud(seed, count))
    return root / "03001627"


def of(cls: type, path: Path, **settings: Any) -> Any:
    return cls(cls.Config(path=str(path), **settings))


# --------------------------------------------------------------------------------------------------------------- pc15k


def test_names_and_split_are_the_folders_sorted(tmp_path):
    pc15k(tmp_path, "train/b", "train/a", "val/c", "test/e", "test/d", count=10)
    source = of(PC15K, tmp_path / "chair")
    assert source.names() == ("train/a", "train/b", "val/c", "test/d", "test/e")
    assert source.split() == Split(("train/a", "train/b"), ("val/c",), ("test/d", "test/e"))
    assert of(PC15K, tmp_path / "chair", limit=1).split() == Split(("train/a",), ("val/c",), ("test/d",))


def test_the_validation_part_may_be_what_is_tested_with(tmp_path):
    folder = pc15k(tmp_path, "train/a", "val/c", "test/d", count=10)
    assert of(PC15K, folder, test="val").split() == Split(("train/a",), (), ("val/c",))


def test_training_shapes_give_their_first_10000_points_and_others_their_last_5000(tmp_path):
    source = of(PC15K, pc15k(tmp_path, "train/a", "val/b", "test/c"))
    for name, rows in (("train/a", range(10_000)), ("val/b", range(10_000, 15_000)), ("test/c", range(10_000, 15_000))):
        found, notes = source.cloud(name)
        assert found.points.shape == (1, 15_000, 3)
        drawn = draw(found, len(rows), seed=0)[0, :, 0]
        assert sorted(drawn.astype(int)) == list(rows)
        assert notes == []


def test_files_of_another_size_are_drawn_from_as_a_whole_and_said_to_be(tmp_path):
    found, notes = of(PC15K, pc15k(tmp_path, "test/a", count=300)).cloud("test/a")
    assert (found.stock, notes) == (300, ["300 points, not 15000: drawn from all of them"])


def test_a_root_and_a_part_are_refused_with_the_right_path(tmp_path):
    folder = pc15k(tmp_path, "train/a", "test/b", count=10)
    with pytest.raises(HdbenchError, match=f"It holds categories: name one, such as 'pc15k:{folder}'"):
        of(PC15K, tmp_path).names()
    with pytest.raises(HdbenchError, match=f"It is one part of a data set: give 'pc15k:{folder}'"):
        of(PC15K, folder / "test").names()


def test_folders_of_other_names_are_pointed_at(tmp_path):
    folder = pc15k(tmp_path, "train/a", "test/b", count=10)
    (folder / "test").rename(folder / "Test")
    [seen] = PC15K.recognise(folder)
    assert "The folder 'Test' is not looked into: it must be called 'test'." in seen.remarks
    assert (seen.title, seen.count) == ("chair (03001627)", 1)
    with pytest.raises(HdbenchError, match="no shapes for 'test'"):
        of(PC15K, folder).split()


def unreadable(file: Path) -> dict[str, str]:
    """Writes files that are no clouds beside ``file``; {name: what is said of it}."""
    written = {
        "pointer": (POINTER, "pointer of Git LFS"),
        "empty": (b"", "it is empty"),
        "text": (b"0 0 0", "no array of numpy"),
        "pickle": (pickle.dumps([1]), "no array of numpy"),
    }
    for name, (content, _) in written.items():
        (file.parent / f"{name}.npy").write_bytes(content)
    arrays = {
        "objects": (np.array([{"a": 1}], dtype=object), "Python objects"),
        "flat": (np.zeros(9, np.float32), r"the shape \[9\]"),
        "whole": (np.zeros((5, 3), np.int64), "int64"),
        "nan": (np.full((5, 3), np.nan), "not finite"),
        "zeros": (np.zeros((5, 3)), "all its coordinates are zero"),
        "huge": (np.full((5, 3), 1e300), "not finite"),
        "labelled": (np.c_[np.random.default_rng(0).normal(size=(50, 3)), np.arange(50) % 2], "on no surface"),
    }
    for name, (array, _) in arrays.items():
        np.save(file.parent / f"{name}.npy", array, allow_pickle=True)
    np.save(file.parent / "short.npy", cloud(0, 100))
    (file.parent / "short.npy").write_bytes((file.parent / "short.npy").read_bytes()[:-40])
    return {name: words for part in (written, arrays) for name, (_, words) in part.items()} | {"short": "damaged"}


def test_what_is_no_cloud_is_left_out_with_the_reason_and_never_unpickled(tmp_path):
    folder = pc15k(tmp_path, "test/good", count=50)
    for name, words in unreadable(folder / "test" / "good.npy").items():
        with pytest.raises(ShapeError, match=f"The file 'test/{name}.npy' cannot be used: .*{words}"):
            of(PC15K, folder).cloud(f"test/{name}")


@pytest.mark.parametrize("name", ["test/../test/a", "a", "other/a", "test/", "test//a", "/etc/passwd"])
def test_a_name_that_is_no_cloud_is_unknown(tmp_path, name):
    with pytest.raises(HdbenchError, match="There is no cloud named"):
        of(PC15K, pc15k(tmp_path, "test/a", count=10)).cloud(name)


def test_a_cloud_has_no_surface(tmp_path):
    source = of(PC15K, pc15k(tmp_path, "test/a", count=10))
    with pytest.raises(HdbenchError, match="clouds of points, and 'test/a' is wanted with its surface"):
        source.shape("test/a")


# -------------------------------------------------------------------------------------------------------- placed, drawn


def test_clouds_are_placed_as_meshes_are():
    from hdbench.clouds import Cloud

    box = np.array([[[0, 0, 0], [4, 2, 1], [1, 1, 1]]], np.float32)
    placed = place_cloud(Cloud("a", box)).points
    assert placed.min((0, 1)) == pytest.approx([-0.475, -0.2375, -0.11875])
    assert placed.max((0, 1)) == pytest.approx([0.475, 0.2375, 0.11875])
    for points, words in ((box * np.nan, "not finite"), (box * 0, "no extent"), (box[:, :0], "no points")):
        with pytest.raises(ShapeError, match=words):
            place_cloud(Cloud("a", points))


def test_a_second_choice_has_none_of_the_points_of_the_first():
    from hdbench.clouds import Cloud

    whole = Cloud("a", cloud(0, 100)[None])
    first, second = (set(draw(whole, 50, 3, again)[0, :, 0]) for again in (False, True))
    assert len(first) == len(second) == 50
    assert first.isdisjoint(second)
    assert set(draw(whole, 50, 4)[0, :, 0]) not in (first, second)
    with pytest.raises(ShapeError, match="100 points, too few for 51 others"):
        draw(whole, 51, 3, again=True)
    with pytest.raises(ShapeError, match="100 points, fewer than the 101"):
        draw(whole, 101, 3)


# ---------------------------------------------------------------------------------------------------------------- hdf5


def hdf5(file: Path, **groups: dict[str, np.ndarray]) -> Path:
    with h5py.File(file, "w") as content:
        for name, parts in groups.items():
            for part, clouds in parts.items():
                content[f"{name}/{part}"] = clouds
    return file


def some(count: int) -> np.ndarray:
    return np.stack([cloud(seed, 20) for seed in range(count)]) if count else np.zeros((0, 20, 3), np.float32)


CHAIRS = {"train": some(3), "val": some(1), "test": some(2)}


def test_rows_of_a_file_are_shapes_by_part_and_row(tmp_path):
    file = hdf5(tmp_path / "shapenet.hdf5", **{"03001627": CHAIRS, "02691156": {"train": some(1)}})
    source = of(HDF5, file / "chair")
    assert source.names() == ("train/00000", "train/00001", "train/00002", "val/00000", "test/00000", "test/00001")
    assert source.split() == Split(source.names()[:3], ("val/00000",), source.names()[4:])
    assert np.array_equal(source.cloud("test/00001")[0].points[0], CHAIRS["test"][1])
    assert of(HDF5, file / "03001627", test="val", limit=2).split() == Split(source.names()[:2], (), ("val/00000",))


def test_a_file_of_several_categories_asks_for_one(tmp_path):
    file = hdf5(tmp_path / "shapenet.hdf5", **{"03001627": CHAIRS, "02691156": {"train": some(1)}})
    with pytest.raises(HdbenchError, match=r"several categories: airplane \(02691156\), chair \(03001627\)\. Name one"):
        of(HDF5, file).names()
    with pytest.raises(HdbenchError, match=r"named 'chairs'\. Did you mean 'chair'"):
        of(HDF5, file / "chairs").names()
    assert [(seen.title, seen.count) for seen in HDF5.recognise(file)] == [("airplane (02691156)", 1), ("chair (03001627)", 6)]
    assert [seen.path for seen in HDF5.recognise(file / "chair")] == [f"{file}/03001627"]


def test_a_file_of_one_category_needs_no_name(tmp_path):
    assert len(of(HDF5, hdf5(tmp_path / "a.h5", **{"03001627": CHAIRS})).names()) == 6


@pytest.mark.parametrize("name", ["test/2", "test/00002", "test/-0001", "test/0000\uff11", "train", "mean/00000", "test/1.0"])
def test_a_row_that_is_not_there_is_unknown(tmp_path, name):
    file = hdf5(tmp_path / "a.h5", **{"03001627": CHAIRS})
    with pytest.raises(HdbenchError, match="There is no cloud named"):
        of(HDF5, file).cloud(name)


def test_links_to_other_files_are_not_followed(tmp_path):
    hdf5(tmp_path / "secret.h5", **{"03001627": CHAIRS})
    with h5py.File(tmp_path / "linked.h5", "w") as file:
        file["03001627"] = h5py.ExternalLink("secret.h5", "/03001627")
    with pytest.raises(HdbenchError, match=r"'03001627' in .* is a link to elsewhere, which is not followed"):
        of(HDF5, tmp_path / "linked.h5").names()
    layout = h5py.VirtualLayout((3, 20, 3), "f4")
    layout[:] = h5py.VirtualSource(str(tmp_path / "secret.h5"), "03001627/train", (3, 20, 3))
    with h5py.File(tmp_path / "virtual.h5", "w") as file:
        file.create_group("03001627").create_virtual_dataset("train", layout)
    with pytest.raises(HdbenchError, match=r"'train' in .* lies in other files, which are not read"):
        of(HDF5, tmp_path / "virtual.h5").names()


def test_files_that_are_not_what_they_seem(tmp_path):
    with pytest.raises(HdbenchError, match="There is no HDF5 file"):
        of(HDF5, tmp_path / "nowhere.hdf5").names()
    (tmp_path / "short.hdf5").write_bytes(hdf5(tmp_path / "a.h5", **{"03001627": CHAIRS}).read_bytes()[:100])
    with pytest.raises(HdbenchError, match="damaged or cut short"):
        of(HDF5, tmp_path / "short.hdf5").names()
    with h5py.File(tmp_path / "flat.h5", "w") as file:
        file["data"] = some(2)
    with pytest.raises(HdbenchError, match="no group of a category"):
        of(HDF5, tmp_path / "flat.h5").names()
    with pytest.raises(HdbenchError, match=r"'train' in .* is no array \[n, q, 3\]"):
        of(HDF5, hdf5(tmp_path / "grid.h5", **{"03001627": {"train": np.zeros((2, 4))}})).names()


def test_without_h5py_the_error_says_how_to_install_it(tmp_path, monkeypatch):
    file = hdf5(tmp_path / "a.h5", **{"03001627": CHAIRS})
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(HdbenchError, match=r"pip install 'hdbench-shapes\[hdf5\]'"):
        of(HDF5, file).names()


# -------------------------------------------------------------------------------------------------------------- folders


def test_a_folder_of_clouds_is_read_as_hyperdiffusion_lists_it(tmp_path):
    folder = tmp_path / "02691156_2048_pc"
    folder.mkdir()
    for name in ("a.obj.npy", "b.obj.npy", "c.npy"):
        np.save(folder / name, np.c_[cloud(0, 30), cloud(1, 30)])
    for part, text in (("train", "a.obj\nb\ngone.obj\n"), ("test", "c.npy")):
        (folder / f"{part}_split.lst").write_text(text)
    source = of(CloudFolder, folder)
    assert source.names() == ("a", "b", "c", "gone")
    assert source.split() == Split(("a", "b", "gone"), (), ("c",))
    found, notes = source.cloud("a")
    assert np.array_equal(found.points[0], cloud(0, 30))
    assert notes == ["6 columns: the first 3 are taken"]
    with pytest.raises(ShapeError, match="'gone' cannot be used: it is listed, and there is no such file"):
        source.cloud("gone")
    [seen] = CloudFolder.recognise(folder)
    assert (seen.title, seen.count) == ("airplane (02691156)", 3)
    assert seen.remarks == ("The train list names 1 of 3 clouds that are not there, as 'gone'.",)


def test_the_released_codes_samples_for_fitting_are_no_clouds(tmp_path):
    labelled = np.c_[np.random.default_rng(0).uniform(-0.5, 0.5, (60, 3)), np.arange(60) % 2]
    np.save(tmp_path / "a.obj.npy", labelled)
    with pytest.raises(ShapeError, match="labelled points in the box, for fitting fields, are on no surface"):
        of(CloudFolder, tmp_path).cloud("a")


def test_parts_of_a_configuration_are_checked():
    with pytest.raises(HdbenchError, match="'limit' must be 0 or more"):
        PartsConfig(limit=-1)
