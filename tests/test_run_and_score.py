"""What a run leaves behind: ``hdbench score`` of its folder gives its numbers, and its JSON files can be read by everybody."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from hdbench.distances.chamfer import chamfer_matrix
from hdbench.points import NORMALISATIONS
from hdbench.scoring.score import score_from

METRICS = (
    "mmd-cd", "1nna-cd", "jsd", "vendi-cd", "novelty-cd", "authpct", "zu", "ct", "weight-nn-ratio",
    "watertight", "one-piece", "genus", "volume",
)  # fmt: skip
RUN = (
    "run", "--method", "sphere", "--baseline", "resample", "--data", "spheres", "-o", "count=80", "-o", "points=64",
    "-o", "draws=2", "-o", f"metrics={','.join(METRICS)}", "--workers", "1",
)  # fmt: skip


def hdbench(folder: Path, *arguments: str) -> None:
    command = [sys.executable, "-m", "hdbench", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr


def refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """Where a run was made and its folder scored again."""
    folder = tmp_path_factory.mktemp("run")
    hdbench(folder, *RUN)
    [run] = (path.parent for path in folder.glob("runs/*/run.json"))
    metrics = [word for name in METRICS for word in ("--metric", name)]
    hdbench(folder, "score", "-g", str(run), "-o", "points=64", *metrics, "--json", "again.json")
    run.rename(folder / "run")
    return folder


def rows_of(path: Path) -> dict[str, dict]:
    return {row["title"]: row for row in json.loads(path.read_text())["rows"] if row.get("origin", "ours") == "ours"}


def test_the_folder_of_a_run_has_its_numbers(place):
    first, again = rows_of(place / "run" / "run.json"), rows_of(place / "again.json")
    assert first.keys() == again.keys() == {"Sphere", "Resampled training clouds"}
    for title, row in again.items():
        before, after = first[title]["score"], row["score"]
        missing = {"W-NN"} if title == "Sphere" else set()  # weights are not in the folder
        assert after["estimates"].keys() == before["estimates"].keys() - missing
        for name, estimate in after["estimates"].items():
            assert estimate["value"] == before["estimates"][name]["value"], name
            assert estimate["half_width"] == before["estimates"][name]["half_width"], name
        assert after["p_value"] == before["p_value"]
    assert again["Sphere"]["score"]["estimates"]["Watertight"]["value"] == 100
    assert "Watertight" not in again["Resampled training clouds"]["score"]["estimates"]  # it makes clouds


def test_the_folder_holds_the_clouds_that_were_scored(place):
    record = json.loads((place / "again.json").read_text())
    for role in ("reference", "train"):
        stored = load_file(place / "run" / "clouds" / f"{role}.safetensors")["clouds"]
        assert list(stored.shape) == record[role]["sets"][0]["shape"]


def test_no_json_file_holds_what_json_does_not_know(place):
    files = [path for path in place.rglob("*.json") if path.is_file()]
    assert {path.name for path in files} >= {"run.json", "table.json", "samples.json", "again.json", "key.json", "done.json"}
    for path in files:
        json.loads(path.read_text(), parse_constant=refuse)
    c_t = rows_of(place / "run" / "run.json")["Sphere"]["score"]["estimates"]["C_T"]
    assert c_t["half_width"] is None  # it is not resampled: one of the numbers that are nan in Python


def test_null_is_nan_again_when_a_score_is_read(place):
    row = rows_of(place / "run" / "run.json")["Resampled training clouds"]["score"]
    assert row["estimates"]["MMD"]["value"] == score_from(row).estimates["MMD"].value
    row["p_value"] = None
    found = score_from(row)
    assert math.isnan(found.estimates["C_T"].half_width)
    assert math.isnan(found.p_value)
    row["estimates"]["MMD"]["value"] = "inf"
    assert score_from(row).estimates["MMD"].value == math.inf


# -------------------------------------------------------------------------------------------------- sample by sample


def clouds_of(place: Path, name: str) -> np.ndarray:
    """Normalised clouds of a set, or of the first draw of a method."""
    stored = load_file(place / "run" / "clouds" / f"{name}.safetensors")["clouds"]
    return NORMALISATIONS["shape_unit"](stored[0] if stored.ndim == 5 else stored)


@pytest.mark.parametrize("method", ["sphere", "resample"])
def test_the_record_of_a_run_says_of_every_sample_what_the_full_matrices_say(place, method):
    run = json.loads((place / "run" / "run.json").read_text())
    record = json.loads((place / "run" / run["novelty"]).read_text())
    generated, training, test = (clouds_of(place, name) for name in (method, "train", "reference"))
    title = {"sphere": "Sphere", "resample": "Resampled training clouds"}[method]
    [row] = [row for row in record["rows"] if row["title"] == title]
    to_training, to_test = chamfer_matrix(generated, training), chamfer_matrix(generated, test)
    names = run["data"]["test_names"]
    assert len(row["draws"]) == 2
    assert len(row["draws"][0]) == len(generated)
    for sample, near, good in zip(row["draws"][0], to_training, to_test):
        assert sample["to_training"] == near.min()
        assert sample["to_reference"] == good.min()
        assert sample["nearest_reference"] == names[int(good.argmin())]
        assert [neighbour["distance"] for neighbour in sample["neighbours"]] == sorted(near)[:3]


def test_reference_shapes_are_the_yardstick_in_the_record(place):
    record = json.loads((place / "run" / "novelty" / "samples.json").read_text())
    training, test = clouds_of(place, "train"), clouds_of(place, "reference")
    among = chamfer_matrix(test)
    np.fill_diagonal(among, np.inf)
    assert [shape["to_training"] for shape in record["reference"]] == chamfer_matrix(test, training).min(1).tolist()
    assert [shape["to_reference"] for shape in record["reference"]] == among.min(1).tolist()


def test_a_run_and_the_scoring_of_its_folder_name_the_same_neighbours(place):
    """By name in the run, by position in the file of clouds: the positions are those of the training names."""
    run = json.loads((place / "run" / "novelty" / "samples.json").read_text())
    scored = json.loads((place / "again.json").read_text())["novelty"]
    by_title = {row["title"]: row for row in run["rows"]}
    positions: dict[str, set[str]] = {}
    for row in scored["rows"]:
        for a, b in zip(by_title[row["title"]]["draws"], row["draws"]):
            for first, second in zip(a, b):
                assert first["to_training"] == second["to_training"]
                for x, y in zip(first["neighbours"], second["neighbours"]):
                    positions.setdefault(x["name"], set()).add(y["name"])
    assert all(len(found) == 1 for found in positions.values())


def test_pictures_are_there_for_every_method(place):
    run, scored = (json.loads((place / name).read_text()) for name in ("run/novelty/samples.json", "again.json"))
    assert len(run["pictures"]) == len(scored["novelty"]["pictures"]) == 3
    for path in (*(place / "run" / name for name in run["pictures"]), *(place / name for name in scored["novelty"]["pictures"])):
        assert path.read_bytes().startswith(b"\x89PNG")
