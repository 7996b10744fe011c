"""What is said of every sample, and drawn, beside the record of ``hdbench score``."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from score_files import ON_A_LINE, QUICK, SMALL, boxes, on_a_line

FILES = ("-g", "g.npy", "-r", "r.npy", "--train", "t.npy")


def record_of(name: str = "out.json") -> dict:
    return json.loads(Path(name).read_text(), parse_constant=pytest.fail)


def test_every_sample_has_its_neighbours_whatever_metric_was_asked_for(score):
    on_a_line("g.npy", 1, 20), on_a_line("r.npy", 2, 30), on_a_line("t.npy", 0, 1, 5, 21)
    code, _, err = score(*FILES, *ON_A_LINE, *QUICK, "--json", "out.json")
    assert code == 0
    novelty = record_of()["novelty"]
    first, second = novelty["rows"][0]["draws"][0]
    assert [neighbour["name"] for neighbour in first["neighbours"]] == ["1", "0", "2"]
    assert (first["to_training"], first["to_reference"], first["nearest_reference"]) == (0, 2, "0")
    assert (second["to_training"], second["to_reference"]) == (2, 200)
    assert [shape["to_training"] for shape in novelty["reference"]] == [2, 2 * 81]
    assert [shape["to_reference"] for shape in novelty["reference"]] == [2 * 28**2] * 2
    assert sorted(path.name for path in Path("out-novelty").iterdir()) == ["neighbours-g.png", "plane.png"]
    assert novelty["pictures"] == ["out-novelty/plane.png", "out-novelty/neighbours-g.png"]
    assert "out-novelty" in err


def test_without_training_shapes_there_is_none_of_it(score):
    on_a_line("g.npy", 1, 20), on_a_line("r.npy", 2, 30)
    assert score(*FILES[:4], *ON_A_LINE, *QUICK, "--json", "out.json")[0] == 0
    assert record_of()["novelty"] is None
    assert not Path("out-novelty").exists()


def test_names_are_places_in_the_file_whatever_was_left_out(score):
    """Of five samples three are compared; the training shape before the copied one is empty and left out."""
    on_a_line("g.npy", 1, 2, 3, 4, 5), on_a_line("r.npy", 1.25, 2.25, 30)
    on_a_line("t.npy", 0, 7, 1, 2, 3, 4, 5)  # the point at the origin is a cloud of zeros: empty
    assert score(*FILES, *ON_A_LINE, *QUICK, "--json", "out.json")[0] == 0
    (samples,) = record_of()["novelty"]["rows"][0]["draws"]
    assert len(samples) == 3
    for sample in samples:
        assert sample["to_training"] == 0
        assert int(sample["neighbours"][0]["name"]) == int(sample["name"]) + 2


def test_rows_of_one_title_are_draws_and_titles_make_file_names(score):
    for seed in (1, 2):
        boxes(f"s{seed}.npz", 5, seed)
    files = (
        "-g",
        "a/b: c=s1.npz",
        "-g",
        "a/b: c=s2.npz",
        "-g",
        "a b c=s1.npz",
        "-r",
        boxes("r.npz", 5),
        "--train",
        boxes("t.npz", 6, 3),
    )
    assert score(*files, *SMALL, *QUICK, "--json", "out.json")[0] == 0
    novelty = record_of()["novelty"]
    assert [len(row["draws"]) for row in novelty["rows"]] == [2, 1]
    pictures = novelty["pictures"]
    assert len(set(pictures)) == 3
    assert all(Path(name).is_file() for name in pictures)


def test_empty_samples_have_no_neighbours_and_are_no_rows_of_the_gallery(score):
    clouds = np.random.default_rng(0).normal(size=(4, 64, 3)).astype(np.float32)
    np.save("r.npy", clouds), np.save("t.npy", clouds[::-1] + np.float32(0.1))
    clouds[1] = np.nan
    np.save("g.npy", clouds)
    assert score(*FILES, *SMALL, *QUICK, "--json", "out.json")[0] == 0
    samples = record_of()["novelty"]["rows"][0]["draws"][0]
    assert samples[1] == {
        "name": "1", "to_training": "inf", "to_reference": "inf", "nearest_reference": None, "neighbours": []
    }  # fmt: skip
    assert all(len(sample["neighbours"]) == 3 for k, sample in enumerate(samples) if k != 1)


def test_meshes_are_rendered_where_both_sides_are_meshes(score):
    import trimesh

    for folder, count in (("made", 3), ("test", 3), ("train", 4)):
        Path(folder).mkdir()
        for k in range(count):
            trimesh.creation.icosphere(subdivisions=2, radius=1 + k).export(f"{folder}/{k}.obj")
    more = (*SMALL, "-o", "normalisation=none", *QUICK)
    assert score("-g", "made", "-r", "test", "--train", "train", *more, "--json", "out.json")[0] == 0
    first = record_of()["novelty"]["rows"][0]["draws"][0][0]
    assert (first["name"], first["neighbours"][0]["name"]) == ("0.obj", "0.obj")
    np.save("train.npy", np.random.default_rng(0).normal(size=(4, 64, 3)).astype(np.float32))
    assert score("-g", "made", "-r", "test", "--train", "train.npy", *more, "--json", "points.json")[0] == 0
    meshes, points = (np.asarray(Image.open(f"{name}-novelty/neighbours-made.png")) for name in ("out", "points"))
    ball, dots = (float((np.ptp(image[90:200, 50:160].astype(int), axis=2) > 20).mean()) for image in (meshes, points))
    assert ball > 0.5 > 0.1 > dots > 0  # the blue of samples: 64 discs cover less than a ball does
