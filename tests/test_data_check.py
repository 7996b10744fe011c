"""``hdbench data check``: small trees in known layouts, with known counts and known mistakes."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import trimesh

from hdbench.data.checking import check
from hdbench.data.judging import judge
from hdbench.data.looking import Looked
from hdbench.data.on_disk import glance, odd_names
from hdbench.data.report import Report
from hdbench.errors import HdbenchError
from hdbench.meshing import export_glb
from hdbench.shapes import Mesh
from hdbench.testing.contract import installed

SHARED = Path(os.environ.get("HDBENCH_SHARED_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="no folder of shared data (HDBENCH_SHARED_DATA)")
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
V1, V2, FLAT = "{}/model.obj", "{}/models/model_normalized.obj", "{}.obj"


def looked(path: Path, every: bool = False) -> Report:
    return check(installed(), path, every)


def box(file: Path, height: float) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    trimesh.creation.box((1, height, 1)).export(file)


def category(root: Path, place: str, count: int = 10, synset: str = "02691156") -> Path:
    """Boxes m0, m1, ... of different heights."""
    for k in range(count):
        box(root / synset / place.format(f"m{k}"), 1 + k / 10)
    return root / synset


def cloud(seed: int, count: int = 40) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, 3)).astype(np.float32)


def pc15k(root: Path, **counts: int) -> Path:
    for part, count in counts.items():
        (root / "02691156" / part).mkdir(parents=True)
        for k in range(count):
            np.save(root / "02691156" / part / f"{part}{k}.npy", cloud(hash_of(part) + k))
    return root / "02691156"


def hash_of(part: str) -> int:
    return {"train": 0, "val": 1000, "test": 2000}[part]


def lists(folder: Path, **parts: str) -> None:
    for part, names in parts.items():
        (folder / f"{part}_split.lst").write_text("\n".join(names.split()))


def sources(report: Report) -> list[str]:
    return [seen.source for seen in report.seen]


# ------------------------------------------------------------------------------------------------------- what it sees


@pytest.mark.parametrize(("place", "layout"), [(V1, "ShapeNet v1"), (V2, "ShapeNet v2"), (FLAT, "HyperDiffusion's")])
def test_shapenet_is_recognised_and_counted_in_each_layout(tmp_path, place, layout):
    folder = category(tmp_path, place)
    report = looked(folder)
    [seen] = report.seen
    assert (seen.source, seen.sighting.count, seen.sighting.layout.startswith(layout)) == ("shapenet", 10, True)
    assert report.parts == {"train": 9, "val": 0, "test": 1}  # 80/5/15: int(0.5), int(1.5), the rest
    assert (report.prescribed, report.problems) == (False, [])
    assert report.use == [f"hdbench run --method hyperdiffusion --data shapenet:{folder}"]
    figures = report.as_dict()["looked_at"]
    assert (figures["shapes"], figures["usable"], figures["watertight"]) == (10, 10, 1.0)
    assert figures["figures"]["faces"] == [12, 12, 12]
    assert figures["figures"]["longest side"] == pytest.approx([1, 1.45, 1.9])


def test_every_known_layout_is_told_from_the_others(tmp_path):
    with h5py.File(tmp_path / "shapenet.hdf5", "w") as file:
        file["02691156/train"] = np.stack([cloud(k) for k in range(4)])
        file["02691156/test"] = np.stack([cloud(9)])
    (tmp_path / "anime" / "fox").mkdir(parents=True)
    counts = np.array([1, 8, 12], "<i4").tobytes()
    cube = trimesh.creation.box((1, 2, 3))
    (tmp_path / "anime" / "fox" / "fox.anime").write_bytes(
        counts + cube.vertices.astype("<f4").tobytes() + cube.faces.astype("<i4").tobytes()
    )
    box(tmp_path / "any" / "deep" / "a.ply", 1)
    (tmp_path / "02691156_2048_pc").mkdir()
    np.save(tmp_path / "02691156_2048_pc" / "a.obj.npy", cloud(0))
    expected = {
        category(tmp_path / "v2", V2): "shapenet",
        pc15k(tmp_path / "pc15k", train=3, test=2): "pc15k",
        tmp_path / "shapenet.hdf5": "hdf5",
        tmp_path / "anime": "anime",
        tmp_path / "any": "meshes",
        tmp_path / "02691156_2048_pc": "clouds",
    }
    assert {path: sources(looked(path)) for path in expected} == {path: [name] for path, name in expected.items()}


def test_the_root_of_a_data_set_lists_its_categories_with_their_names(tmp_path):
    category(tmp_path, V2, 2)
    category(tmp_path, V2, 3, "03001627")
    report = looked(tmp_path)
    assert [(s.sighting.title, s.sighting.count) for s in report.seen] == [("airplane (02691156)", 2), ("chair (03001627)", 3)]
    assert report.problems == []
    assert report.use == [f"hdbench data check {tmp_path / '02691156'}"]


def test_an_english_name_finds_its_category(tmp_path):
    folder = category(tmp_path, V2)
    assert looked(tmp_path / "airplane").seen[0].sighting.path == str(folder)


def test_clouds_are_offered_to_baselines_and_to_score(tmp_path):
    folder = pc15k(tmp_path, train=5, val=1, test=2)
    report = looked(folder)
    assert report.parts == {"train": 5, "val": 1, "test": 2}
    assert report.prescribed
    assert report.use[0].startswith("hdbench run --baseline ")
    assert f"--reference pc15k:{folder}/test --train pc15k:{folder}/train" in report.use[1]
    assert report.as_dict()["looked_at"]["figures"]["points"] == [40, 40, 40]


def test_sets_that_runs_do_not_read_are_offered_to_score(tmp_path):
    np.savez(tmp_path / "samples.npz", samples=np.stack([cloud(k) for k in range(3)]))
    report = looked(tmp_path / "samples.npz")
    assert report.use == [f"hdbench score --generated SAMPLES.npy --reference {tmp_path / 'samples.npz'}"]
    assert "3 shapes with 40 points each" in report.remarks[0]
    for k in range(3):
        (tmp_path / "text").mkdir(exist_ok=True)
        np.savetxt(tmp_path / "text" / f"{k}.xyz", cloud(k))
    assert looked(tmp_path / "text").remarks[0] == "3 shapes (.xyz files); runs do not read them."


# ------------------------------------------------------------------------------------------------------ what is wrong


def test_missing_corrupt_and_not_downloaded_meshes_are_counted_with_their_reasons(tmp_path):
    folder = category(tmp_path, V2)
    (folder / "m0" / "models" / "model_normalized.obj").unlink()
    (folder / "m1" / "models" / "model_normalized.obj").write_bytes(POINTER)
    (folder / "m2" / "models" / "model_normalized.obj").write_bytes(b"")
    report = looked(folder)
    said = " ".join(report.remarks)
    assert "1 of 10 models have no mesh (m0)." in said
    assert "3 of the 10 shapes looked at cannot be used, and would be left out" in said
    assert "it is a pointer of Git LFS, not the file itself; 'git lfs pull' downloads it (1 shape, as m1)" in said
    assert "Files not downloaded (pointers of Git LFS; 'git lfs pull' gets them): 1 (m1)." in said
    assert "Empty files: 1 (m2)." in said
    assert report.problems == []


def test_a_list_that_names_absent_models_is_said_with_the_count(tmp_path):
    folder = category(tmp_path, FLAT)
    lists(folder, train="m0.obj m1.obj m2.obj gone.obj lost.obj", test="m3.obj m4.obj")
    report = looked(folder)
    assert "The train list names 2 of 5 models that are not there, as 'gone'." in report.remarks
    assert "5 models are in no list, and are not used." in report.remarks
    assert (report.parts, report.of) == ({"train": 5, "val": 0, "test": 2}, 7)
    assert report.problems == []


@pytest.mark.parametrize(
    ("train", "problem"),
    [
        ("m0.obj m5.obj", "'m5' is listed for 'train' and again for 'test'"),
        ("m0.obj ../../etc/passwd", "Line 2 of the list"),
        ("", "no shapes for 'train'"),
    ],
)
def test_lists_that_a_run_would_refuse_are_problems(tmp_path, train, problem):
    folder = category(tmp_path, FLAT)
    lists(folder, train=train, test="m5.obj")
    [said] = looked(folder).problems
    assert problem in said


def test_a_shape_in_two_parts_leaks_whatever_its_name(tmp_path):
    folder = pc15k(tmp_path, train=5, test=3)
    (folder / "test" / "other.npy").write_bytes((folder / "train" / "train1.npy").read_bytes())
    report = looked(folder)
    assert "The split leaks: 1 shape in more than one part (train/train1 = test/other)." in report.remarks
    assert not [remark for remark in report.remarks if remark.startswith("Copies")]


def test_copies_within_a_part_are_said_and_are_no_leak(tmp_path):
    folder = pc15k(tmp_path, train=5, test=3)
    (folder / "train" / "other.npy").write_bytes((folder / "train" / "train1.npy").read_bytes())
    assert "Copies under other names: 1 (train/other = train/train1)." in looked(folder).remarks


def test_a_moved_copy_in_another_format_is_found_among_those_looked_at(tmp_path):
    for k in range(8):
        box(tmp_path / f"{k}.obj", 1 + k / 10)
    trimesh.creation.box((2, 2, 2)).apply_translation((5, 0, 0)).export(tmp_path / "twin.stl")
    assert "Copies under other names: 1 (0.obj = twin.stl)." in looked(tmp_path).remarks


def test_a_folder_that_cannot_be_used_is_a_problem(tmp_path):
    for k in range(10):
        (tmp_path / f"{k}.obj").write_bytes(POINTER)
    [problem] = looked(tmp_path).problems
    assert problem.startswith("None of the 10 shapes looked at can be used: it is a pointer of Git LFS")


def test_too_few_shapes_for_a_split_are_a_problem(tmp_path):
    [problem] = looked(category(tmp_path, V2, 2)).problems
    assert "too few for a split" in problem


def test_animated_files_are_told_from_meshes(tmp_path):
    cube = trimesh.creation.box((1, 2, 3))
    frames = [Mesh(cube.vertices * (1, 1, 1 + k), np.array(cube.faces, np.int64)) for k in range(3)]
    for k in range(8):
        export_glb(frames, tmp_path / "moving" / f"{k}.glb")
        export_glb(frames[0], tmp_path / "still" / f"{k}.glb")
    assert sources(looked(tmp_path / "moving")) == ["animations"]
    assert sources(looked(tmp_path / "still")) == ["meshes"]


def test_unequal_numbers_of_frames_are_a_problem():
    for counts, problems in (([16, 16], 0), ([1, 16], 1)):
        report = Report("data", looked=Looked(count=2, figures={"frames": counts, "longest side": [1.0, 1.0]}))
        judge(report, glance({}), {})
        assert len(report.problems) == problems


def test_nan_in_a_cloud_is_told(tmp_path):
    folder = pc15k(tmp_path, train=5, test=3)
    bad = cloud(77)
    bad[3, 1] = np.nan
    np.save(folder / "train" / "bad.npy", bad)
    assert "it has coordinates that are not finite (1 shape, as train/bad)" in " ".join(looked(folder).remarks)


def test_a_path_that_does_not_exist_is_an_error_with_the_nearest(tmp_path):
    (tmp_path / "chairs").mkdir()
    with pytest.raises(HdbenchError, match="Did you mean"):
        looked(tmp_path / "chair")


def test_an_empty_folder_holds_nothing(tmp_path):
    [problem] = looked(tmp_path).problems
    assert "holds no mesh and no cloud (found: nothing)" in problem


# ---------------------------------------------------------------------------------------------------------- the files


def test_a_glance_tells_copies_by_their_whole_content(tmp_path):
    middle = {"a": b"1", "b": b"1", "c": b"2"}
    for name, byte in middle.items():
        (tmp_path / name).write_bytes(b"x" * 3000 + byte + b"x" * 3000)
    files = {name: tmp_path / name for name in middle}
    assert glance(files).copies == [["a", "b"]]
    assert glance({**files, "gone": tmp_path / "gone"}).unreadable == ["gone"]


def test_odd_names_are_told():
    files = {name: Path(name) for name in ("a.obj", "A.obj", "b .obj", "c.obj")}
    assert odd_names(files) == [
        "Names that begin or end with a blank: 1, as 'b .obj'.",
        "Names that differ in case alone: 1, as A.obj and a.obj.",
    ]
    assert odd_names({"a": Path("a.obj")}) == []


def test_some_of_thousands_are_looked_at_and_all_when_asked(tmp_path):
    folder = pc15k(tmp_path, train=2500, test=500)
    started = time.process_time()
    some = looked(folder)
    assert time.process_time() - started < 5
    assert (some.looked.count, some.of) == (48, 3000)
    assert looked(folder).looked.digests == some.looked.digests  # the same ones every time
    assert looked(folder, every=True).looked.count == 3000


# ---------------------------------------------------------------------------------------------------------- the command


def test_the_command_prints_and_says_by_its_exit_code_whether_the_data_can_be_used(tmp_path, hdbench: Callable):
    folder = category(tmp_path, FLAT)
    lists(folder, train="m0 m1 m2 m3", test="m4 m5")
    good = hdbench("data", "check", "airplane")
    assert (good.returncode, good.stderr) == (0, "")
    for words in ("HyperDiffusion's meshes: SYNSET/ID.obj", "4 train, 0 val, 2 test (as the data prescribe)", "watertight",
                  "--data shapenet:02691156"):  # fmt: skip
        assert words in good.stdout
    lists(folder, test="m0")
    bad = hdbench("data", "check", "02691156", "--json")
    assert bad.returncode == 1
    report = json.loads(bad.stdout)
    assert report["usable"] is False
    assert "listed for 'train' and again for 'test'" in report["problems"][0]
    nowhere = hdbench("data", "check", "nowhere")
    assert nowhere.returncode == 2
    assert nowhere.stderr.startswith("Error: There is no category in '.' named 'nowhere'. Known: 02691156, airplane.")


# ------------------------------------------------------------------------------------------------------------ real files


@needs_shared
def test_real_collections_are_what_they_are_known_to_be():
    cars, odd = looked(SHARED / "cars"), looked(SHARED / "odd", every=True)
    assert (sources(cars), cars.of) == (["meshes"], 60)
    assert any(remark.startswith("Sizes differ more than tenfold") for remark in cars.remarks)  # 0.3 to 1062 units
    assert (sources(odd), odd.problems) == (["meshes"], [])
    assert any("it has points but no faces" in remark for remark in odd.remarks)
    anime = looked(SHARED / "anime")
    assert (sources(anime), anime.of, anime.as_dict()["looked_at"]["figures"]["frames"]) == (["anime"], 14, [16, 16, 16])
