"""Sources that hold clouds in a run, and any source of shapes as reference or training set of ``hdbench score``."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
import trimesh

from hdbench.errors import HdbenchError
from hdbench.loading.load import load_shapes
from hdbench.loading.of_source import Part, load_part, part_of
from hdbench.loading.sources import find_job, parse_source
from hdbench.plan import make_plan
from hdbench.protocol import preset
from hdbench.registry import Registry, builtin_commands


def cloud(seed: int, count: int = 15_000) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, 3)).astype(np.float32)


@pytest.fixture
def pc15k(tmp_path: Path) -> Path:
    """03001627 with 4, 1 and 2 clouds."""
    for part, seeds in (("train", range(4)), ("val", range(4, 5)), ("test", range(5, 7))):
        (tmp_path / "03001627" / part).mkdir(parents=True)
        for seed in seeds:
            np.save(tmp_path / "03001627" / part / f"{seed}.npy", cloud(seed))
    return tmp_path


def load(text: str, role: str = "reference", **settings):
    part = part_of(text)
    settings = {"points": 64, "seed": 0, "take": "random", "again": False, "progress": lambda done, total: None} | settings
    return load_part(part, role, **settings)


# ------------------------------------------------------------------------------------------------------------- words


def test_a_source_and_a_part_are_read_from_the_words_of_the_command_line():
    assert part_of("pc15k:data/chair/val") == Part("pc15k", Path("data/chair"), "val")
    assert part_of("hdf5:a.hdf5/chair") == Part("hdf5", Path("a.hdf5/chair"))
    assert part_of("samples.npz:ref") is None
    assert part_of("pc15k:") is None


def test_a_path_that_exists_goes_before_a_source(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "clouds:x").mkdir()
    assert parse_source("clouds:x").part is None
    assert parse_source("mine=pc15k:y/test").part == Part("pc15k", Path("y"), "test")
    assert parse_source("mine=pc15k:y/test").title == "mine"


# ------------------------------------------------------------------------------------------------------------ reading


def test_the_role_chooses_the_part_unless_the_path_names_one(pc15k):
    text = f"pc15k:{pc15k}/chair"
    assert load(text).names == ("test/5", "test/6")
    assert load(text, "train").names == ("train/0", "train/1", "train/2", "train/3")
    assert load(f"{text}/val").names == ("val/4",)
    with pytest.raises(HdbenchError, match=r"has a split\. Name a part"):
        load(text, "generated")


def test_the_same_points_come_from_a_source_and_from_its_folder(pc15k):
    """PointFlow evaluates on the points from 10,000 on: the first 2048 of them."""
    by_source = load(f"pc15k:{pc15k}/chair/test", points=2048, take="first").clouds
    by_folder = load_shapes(pc15k / "03001627" / "test", points=2048, take="first").clouds
    assert np.array_equal(by_source, by_folder)
    assert np.array_equal(by_source[0, 0], cloud(5)[10_000:12_048])


def test_rows_of_hdf5_are_read_in_their_own_units(tmp_path):
    with h5py.File(tmp_path / "s.hdf5", "w") as file:
        file["02691156/test"] = np.stack([cloud(k, 64) * 7 for k in range(3)])
        file["02691156/train"] = np.stack([cloud(9, 64)])
    found = load(f"hdf5:{tmp_path}/s.hdf5/airplane")
    assert np.array_equal(found.clouds[:, 0], np.stack([cloud(k, 64) * 7 for k in range(3)]))


def test_meshes_of_a_source_bring_their_figures_and_what_cannot_be_used_is_left_out(tmp_path):
    for name in ("a", "b", "c"):
        (tmp_path / "02691156").mkdir(exist_ok=True)
        trimesh.creation.box((1, 2, 3)).export(tmp_path / "02691156" / f"{name}.obj")
    (tmp_path / "02691156" / "b.obj").write_text("nothing")
    (tmp_path / "02691156" / "train_split.lst").write_text("a.obj")
    (tmp_path / "02691156" / "test_split.lst").write_text("b.obj\nc.obj\nd.obj")
    found = load(f"shapenet:{tmp_path}/02691156")
    assert found.names == ("c",)
    assert found.figures["watertight"].tolist() == [1.0]
    assert np.abs(found.clouds).max() == pytest.approx(0.475)
    assert any(note.startswith("left out: 2 shapes") and "'d' cannot be used" in note for note in found.notes)


def test_sources_that_cannot_be_scored_say_why(pc15k, tmp_path):
    for text, words in (
        (f"pc15k:{tmp_path}/table", "no category"),
        ("airplane:x", "take no path"),
        (f"clouds:{pc15k}/03001627/val/test", "has no split"),
    ):
        with pytest.raises(HdbenchError, match=words):
            load(text)


def test_a_job_is_refused_before_anything_is_read(pc15k):
    words = {"protocol": preset("strict"), "seed": 0, "frames": None}
    np.save(pc15k / "samples.npy", np.stack([cloud(1, 64)] * 2))
    with pytest.raises(HdbenchError, match="no category"):
        find_job([str(pc15k / "samples.npy")], f"pc15k:{pc15k}/table", None, **words)
    job = find_job([str(pc15k / "samples.npy")], f"pc15k:{pc15k}/chair/test", f"pc15k:{pc15k}/chair", **words)
    assert str(job.reference) == f"pc15k:{pc15k}/chair/test"
    assert job.training.digest() == job.training.digest() != job.reference.digest()


def test_the_command_scores_against_a_source(pc15k, hdbench):
    np.save(pc15k / "samples.npy", np.stack([cloud(k, 128) for k in (50, 51)]))
    done = hdbench("score", "-g", "samples.npy", "-r", "pc15k:chair/test", "--train", "pc15k:chair", "-o", "points=64",
                   "--metric", "mmd-cd", "--no-intervals")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "2 shapes of the source 'pc15k', its test part" in done.stderr
    assert "4 shapes of the source 'pc15k', its train part" in done.stderr


# --------------------------------------------------------------------------------------------------------------- runs


def plan_of(methods: tuple[str, ...], data: str):
    return make_plan(builtin_commands(Registry()).load(), methods, preset="tiny", data=data)


def test_a_recipe_is_refused_on_clouds_before_a_file_is_looked_at():
    for methods in (("hyperdiffusion",), ("resample", "voxel")):
        with pytest.raises(HdbenchError, match="the shapes 'pc15k' are clouds of points: nothing says what is inside"):
            plan_of(methods, "pc15k:nowhere")
    assert plan_of(("resample",), "pc15k:nowhere").data.source == "pc15k"


def test_the_papers_rows_are_those_of_the_category():
    assert plan_of(("resample",), "pc15k:a/03001627").category == "chair"
    assert plan_of(("voxel",), "shapenet:a/plane").category == "airplane"
    assert plan_of(("voxel",), "car").category == "car"


def test_a_baseline_runs_on_clouds_whose_test_shapes_give_their_last_points(pc15k, hdbench):
    from hdbench.clouds import Cloud, draw, place_cloud
    from hdbench.store import load_tensors, read_json

    done = hdbench("run", "--baseline", "resample", "--data", "pc15k:chair", "--preset", "tiny", "-o", "draws=1", "-o",
                   "protocol.points=64", "-o", "metrics=mmd-cd", "--reference-rows", "--workers", "1")  # fmt: skip
    assert done.returncode == 0, done.stderr
    [folder] = (pc15k / "runs").glob("pc15k-*")
    record = read_json(folder / "run.json")
    assert [record["data"][part] for part in ("train", "val", "test")] == [4, 1, 2]
    assert [row["title"] for row in record["rows"]][-1] == "Resampled training clouds"
    found = load_tensors(folder / "clouds" / "reference.safetensors")["clouds"].numpy()
    expected = [draw(place_cloud(Cloud(f"test/{k}", cloud(k)[None], 10_000)), 64, 0) for k in (5, 6)]
    assert np.array_equal(found, np.stack(expected))
    assert (folder / "gallery.png").stat().st_size > 5000
