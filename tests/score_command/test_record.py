"""The record and the forms of the table."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
from score_files import SMALL, TABLE_1, boxes


def test_the_record_holds_what_a_stranger_needs(score):
    import hashlib

    files = ("-g", boxes("made.npz", 8, 1), "-r", boxes("ref.npz", 8), "--train", boxes("train.npz", 9, 2))
    code, _, _ = score(*files, *SMALL, "--seed", "7", "--json", "deep/out.json")
    assert code == 0
    record = json.loads(Path("deep/out.json").read_text())
    assert record["protocol"]["hash"] == record["rows"][0]["score"]["protocol_hash"]
    assert (record["seed"], record["protocol"]["points"]) == (7, 64)
    for part, name in (
        (record["reference"], "ref.npz"),
        (record["train"], "train.npz"),
        (record["rows"][0]["inputs"][0], "made.npz"),
    ):
        assert part["path"] == name
        assert part["sha256"] == hashlib.sha256(hashlib.sha256(Path(name).read_bytes()).digest()).hexdigest()
    with np.load("ref.npz") as content:
        digest = hashlib.sha256(content["clouds"].tobytes()).hexdigest()
    assert record["reference"]["sets"][0]["clouds_sha256"] == digest
    row = record["rows"][0]["score"]
    assert row["estimates"]["MMD"].keys() >= {"value", "half_width", "subsampling_sd"}
    assert "replicates" not in row["estimates"]["MMD"]
    assert {metric["name"] for metric in record["metrics"]} >= {"mmd-cd", *row["left_out"]}
    assert record["libraries"]["numpy"] == np.__version__


def test_every_format_is_what_it_says(score):
    files = ("-g", boxes("made.npz", 6, 1), "-r", boxes("ref.npz", 6), *SMALL, *TABLE_1)
    printed = {form: score(*files, "--format", form)[1] for form in ("plain", "markdown", "csv", "json")}
    value = json.loads(printed["json"])["rows"][0]["COV"]
    assert float(next(csv.DictReader(io.StringIO(printed["csv"])))["COV"]) == value
    assert f"{value:.1f}" in printed["plain"]
    assert "| ours | made |" in printed["markdown"]
