"""ShapeNet v1, v2 and HyperDiffusion's folders: names, lists, blacklists, placement, and what is said about what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh
from hdbench_shapes.shapenet import ShapeNet

from hdbench.data.taxonomy import CATEGORIES, ONLY_V1, category_folder, category_of, synset_of, title_of
from hdbench.errors import HdbenchError, ShapeError
from hdbench.shapes import Split

V1, V2, FLAT = "{}/model.obj", "{}/models/model_normalized.obj", "{}.obj"
IDS = ("1a04e3eab45ca15dd86060f189eb133", "u481ebf18-4bbb-4b49-90c9-7a1e9348b647", "10155655850468db78d106ce0a280f87")
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"


def write(root: Path, place: str, ids: tuple[str, ...] = IDS) -> Path:
    """A box per model; the k-th is k + 1 high. Returns the category's folder, root/02691156."""
    for k, name in enumerate(ids):
        file = root / "02691156" / place.format(name)
        file.parent.mkdir(parents=True, exist_ok=True)
        trimesh.creation.box((1, k + 1, 1)).export(file)
    return root / "02691156"


def lists(folder: Path, **parts: str) -> None:
    folder.mkdir(exist_ok=True)
    for part, text in parts.items():
        (folder / f"{part}_split.lst").write_text(text)


def source(path: Path, **settings: Any) -> ShapeNet:
    return ShapeNet(ShapeNet.Config(path=str(path), **settings))


def height(category: ShapeNet, name: str) -> float:
    return float(np.ptp(category.shape(name).frames[0].vertices[:, 1]))


# ---------------------------------------------------------------------------------------------------------- categories


def test_the_taxonomy_is_that_of_v2_and_two_more():
    assert len(set(CATEGORIES) - set(ONLY_V1)) == 55
    assert all(len(synset) == 8 and synset.isdigit() for synset in CATEGORIES)
    names = [name for group in CATEGORIES.values() for name in group]
    assert len(names) == len(set(names))
    known = {"airplane": "02691156", "car": "02958343", "chair": "03001627", "Plane": "02691156", "remote_control": "04074963"}
    assert {word: synset_of(word) for word in known} == known
    assert synset_of("02958343") == "02958343"
    assert synset_of("2958343") is None
    assert title_of("03001627") == "chair (03001627)"


def test_a_path_ends_in_a_category_by_id_or_by_name():
    assert [category_of(path, "other") for path in ("a/02691156", "a/plane", "a/b", "")] == [
        "airplane",
        "airplane",
        "other",
        "other",
    ]


@pytest.mark.parametrize("word", ["02691156", "airplane", "aeroplane", "Airplane"])
def test_a_category_is_found_by_its_id_and_by_its_english_names(tmp_path, word):
    write(tmp_path, V2)
    assert source(tmp_path / word).names() == tuple(sorted(IDS))


def test_a_category_that_is_not_there_is_an_error_with_those_that_are(tmp_path):
    write(tmp_path, V2)
    with pytest.raises(HdbenchError, match=r"named 'airplan'\. Did you mean 'airplane'"):
        source(tmp_path / "airplan").names()
    with pytest.raises(HdbenchError, match=r"named 'chair'.*Known: 02691156, airplane"):
        category_folder(tmp_path / "chair")
    with pytest.raises(HdbenchError, match=r"holds 1 categories: airplane \(02691156\)\. Name one"):
        source(tmp_path).names()


# ------------------------------------------------------------------------------------------------------------- layouts


@pytest.mark.parametrize("place", [V1, V2, FLAT])
def test_each_layout_is_read_by_model_id(tmp_path, place):
    category = source(write(tmp_path, place))
    assert category.names() == tuple(sorted(IDS))
    assert [height(category, name) for name in IDS] == [1, 2, 3]


@pytest.mark.parametrize(("place", "words"), [(V1, "ShapeNet v1"), (V2, "ShapeNet v2"), (FLAT, "HyperDiffusion's")])
def test_each_layout_is_recognised_with_its_orientation(tmp_path, place, words):
    [seen] = ShapeNet.recognise(write(tmp_path, place))
    assert seen.layout.startswith(words)
    assert (seen.title, seen.count, len(seen.files)) == ("airplane (02691156)", 3, 3)
    assert "y is up, the front looks towards -z" in seen.remarks[0]


def test_meshes_of_any_folder_are_not_taken_for_shapenet(tmp_path):
    for name in ("a.obj", "b.obj"):
        trimesh.creation.box().export(tmp_path / name)
    assert ShapeNet.recognise(tmp_path) == ()
    assert ShapeNet.recognise(tmp_path / "nowhere") == ()


def test_a_model_without_its_mesh_is_named_and_left_out_with_what_is_there_instead(tmp_path):
    folder = write(tmp_path, V2)
    (folder / "empty-folder" / "images").mkdir(parents=True)
    (folder / "flat-v2").mkdir()
    trimesh.creation.box().export(folder / "flat-v2" / "model_normalized.obj")
    category = source(folder)
    assert set(category.names()) == {*IDS, "empty-folder", "flat-v2"}
    with pytest.raises(ShapeError, match=r"'empty-folder' cannot be used: its folder has neither 'model\.obj'"):
        category.shape("empty-folder")
    with pytest.raises(ShapeError, match=r"it has 'model_normalized\.obj' where"):
        category.shape("flat-v2")
    assert "2 of 5 models have no mesh (empty-folder, flat-v2)" in ShapeNet.recognise(folder)[0].remarks[1]


def test_corrupt_models_and_pointers_of_lfs_are_left_out_with_the_reason(tmp_path):
    folder = write(tmp_path, V1, ("a", "b", "c"))
    (folder / "a" / "model.obj").write_text("v 0 0\nf 1 2 nothing\n")
    (folder / "b" / "model.obj").write_text(POINTER)
    with pytest.raises(ShapeError, match="The model 'a' cannot be used: "):
        source(folder).shape("a")
    with pytest.raises(ShapeError, match="The model 'b' cannot be used: it is a pointer of Git LFS"):
        source(folder).shape("b")
    assert height(source(folder), "c") == 3


@pytest.mark.parametrize("name", ["../02691156/a", "/etc/passwd", "a/../a", "..", "", "b\0"])
def test_a_name_that_is_a_path_is_no_model(tmp_path, name):
    folder = write(tmp_path, V2, ("a", "b"))
    with pytest.raises(HdbenchError, match="There is no model named"):
        source(folder).shape(name)


# --------------------------------------------------------------------------------------------------- lists, blacklists


def test_lists_name_models_with_and_without_ending_and_with_their_synset(tmp_path):
    folder = write(tmp_path, V2, ("a", "b", "c", "d"))
    lists(folder, train="a.obj\nb\n\n", val="02691156/c\n", test="d.obj")
    assert source(folder).split() == Split(("a", "b"), ("c",), ("d",))


def test_lists_may_lie_in_a_folder_of_their_own(tmp_path):
    folder = write(tmp_path, V2, ("a", "b", "c"))
    lists(tmp_path / "lists", train="a\nb", test="c")
    assert source(folder).split() is None
    assert source(folder, lists=str(tmp_path / "lists")).split() == Split(("a", "b"), (), ("c",))
    with pytest.raises(HdbenchError, match="holds no split list"):
        source(folder, lists=str(tmp_path)).names()
    with pytest.raises(HdbenchError, match=r"no folder .* of split lists"):
        source(folder, lists=str(tmp_path / "nowhere")).names()


def test_listed_models_that_are_not_there_are_counted_not_fatal(tmp_path):
    folder = write(tmp_path, FLAT, ("a", "b", "c"))
    lists(folder, train="a.obj\nb.obj\ngone.obj", test="c.obj")
    category = source(folder)
    assert category.names() == ("a", "b", "c", "gone")
    assert category.split() == Split(("a", "b", "gone"), (), ("c",))
    with pytest.raises(ShapeError, match="'gone' cannot be used: it is listed, and there is no such model"):
        category.shape("gone")
    assert "The train list names 1 of 3 models that are not there, as 'gone'." in ShapeNet.recognise(folder)[0].remarks


def test_lists_of_another_category_are_refused(tmp_path):
    folder = write(tmp_path, V2, ("a", "b"))
    lists(folder, train="x\ny", test="z")
    with pytest.raises(HdbenchError, match=r"None of the 3 models of the lists .* is in .*another category"):
        source(folder).names()


@pytest.mark.parametrize("line", ["/etc/passwd", "../b", "a/../../b", "C:\\models\\b", "..\\b", "b\0"])
def test_a_list_that_leads_out_of_the_folder_is_refused_with_the_line(tmp_path, line):
    folder = write(tmp_path, V2, ("a", "b"))
    lists(folder, train=f"a\n{line}\n", test="b")
    with pytest.raises(HdbenchError, match=r"Line 2 of the list .*train_split.lst' is"):
        source(folder).names()
    assert "Line 2 of the list" in ShapeNet.recognise(folder)[0].remarks[-1]


def test_a_model_of_two_parts_is_refused_and_all_are_counted(tmp_path):
    folder = write(tmp_path, V2, ("a", "b", "c"))
    lists(folder, train="a\nb", test="b.obj\na\nc")
    with pytest.raises(HdbenchError, match=r"'b' is listed for 'train' and again for 'test'.*And 1 more"):
        source(folder).split()


def test_blacklisted_models_are_left_out_of_names_and_split(tmp_path):
    folder = write(tmp_path, FLAT, ("a", "b", "c", "d"))
    lists(folder, train="a.obj\nb.obj\nc.obj", test="d.obj")
    (tmp_path / "plane_problematic_shapes.txt").write_text("b\nnot-here\n")
    category = source(folder, blacklist=(str(tmp_path / "plane_problematic_shapes.txt"),))
    assert category.names() == ("a", "c", "d")
    assert category.split() == Split(("a", "c"), (), ("d",))
    assert category.fingerprint() != source(folder).fingerprint()
    with pytest.raises(HdbenchError, match=r"There is no blacklist 'none.txt'"):
        source(folder, blacklist=("none.txt",)).names()


def test_a_limit_takes_the_first_by_id(tmp_path):
    folder = write(tmp_path, V2, ("c", "a", "b"))
    assert source(folder, limit=2).names() == ("a", "b")


def test_the_fingerprint_sees_models_lists_and_nothing_else(tmp_path):
    folder = write(tmp_path, V2, ("a", "b"))
    before = source(folder).fingerprint()
    (folder / "a" / "models" / "model_normalized.json").write_text("{}")
    assert source(folder).fingerprint() == before
    lists(folder, train="a", test="b")
    listed = source(folder).fingerprint()
    trimesh.creation.icosphere().export(folder / "b" / "models" / "model_normalized.obj")
    assert len({before, listed, source(folder).fingerprint()}) == 3


# ----------------------------------------------------------------------------------------------------------- placement


def test_processed_meshes_are_placed_on_the_mean_of_their_vertices_and_others_on_their_box(tmp_path):
    """A pyramid: its vertices' mean is at 1/5 of its height, its box's centre at 1/2. The largest coordinate then is 0.475."""
    pyramid = trimesh.Trimesh([[-1, 0, -1], [1, 0, -1], [1, 0, 1], [-1, 0, 1], [0, 10, 0]],
                              [[0, 1, 2], [0, 2, 3], [0, 4, 1], [1, 4, 2], [2, 4, 3], [3, 4, 0]])  # fmt: skip
    for place in (V1, FLAT):
        file = tmp_path / place[3] / "02691156" / place.format("a")
        file.parent.mkdir(parents=True)
        pyramid.export(file)

    def reach(place: str, **settings: str) -> list[float]:
        category = source(tmp_path / place[3] / "02691156", **settings)
        heights = category.place(category.shape("a")).frames[0].vertices[:, 1]
        return [float(heights.min()), float(heights.max())]

    assert reach(FLAT) == pytest.approx([-0.475 * 2 / 8, 0.475])
    assert reach(V1) == pytest.approx([-0.475, 0.475])
    assert reach(V1, centred="vertices") == pytest.approx(reach(FLAT))
    assert reach(FLAT, centred="box") == pytest.approx(reach(V1))
