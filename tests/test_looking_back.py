"""Looking back at runs: ``hdbench compare``, ``hdbench export`` and ``hdbench show``."""

from __future__ import annotations

import json

import numpy as np
import pytest
import trimesh

from hdbench.__main__ import main
from hdbench.errors import HdbenchError
from hdbench.exporting import encode, export, frames_of
from hdbench.glb import encode_glb
from hdbench.protocol import Protocol
from hdbench.shapes import Mesh
from hdbench.tables.compare import comparison
from hdbench.tables.records import read_record
from hdbench.tables.shown import about, files, timings

METRICS = ("mmd-cd", "cov-cd", "1nna-cd")


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    """Run the command line in this process, in an empty folder: (exit code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        with pytest.raises(SystemExit) as left:
            main(list(arguments))
        return (left.value.code, *capsys.readouterr())

    return run


# ------------------------------------------------------------------------------------------------------------- compare


def worse(record):
    [row] = [row for row in record["rows"] if row["title"] == "HyperDiffusion"]
    row["score"]["estimates"]["MMD"]["value"] = 9.0
    record["configuration"]["hyperdiffusion"]["space"] = "raw"


def rows_of(table, title):
    return [row for row in table.rows if row.title == title]


def test_rows_of_both_stand_together_and_their_difference_below(made_run, tmp_path):
    a, b = made_run(tmp_path / "a"), made_run(tmp_path / "b", 1, worse)
    [table] = comparison(read_record(a), read_record(b), METRICS)
    assert [row.values["MMD"][0] for row in rows_of(table, "HyperDiffusion, A")] == [pytest.approx(5.01687, abs=1e-4)]
    assert [row.values["MMD"][0] for row in rows_of(table, "HyperDiffusion, B")] == [9.0]
    [difference] = rows_of(table, "HyperDiffusion, B - A")
    value, half_width = difference.values["MMD"]
    assert value == pytest.approx(9.0 - 5.01687, abs=1e-4)
    alone = read_record(a).score("HyperDiffusion").estimates["MMD"].half_width
    assert half_width == pytest.approx(alone * 2**0.5)  # as of independent numbers: there is no store beside the folders
    assert "HyperDiffusion, B against A: MMD worse, COV not told apart, 1-NNA not told apart." in table.notes
    assert "Set differently: hyperdiffusion.space: pca -> raw; run.seed: 0 -> 1." in table.notes


def test_other_shapes_are_not_subtracted_and_do_not_compete(made_run, tmp_path):
    def change(record):
        record["configuration"]["shapes"]["seed"] = 5

    a, b = made_run(tmp_path / "a"), made_run(tmp_path / "b", 0, change)
    [table] = comparison(read_record(a), read_record(b), METRICS)
    assert not any(row.section == "difference" for row in table.rows)
    assert "No differences: the runs are of other shapes." in table.notes
    assert {row.category for row in table.rows} == {"airplane (tiny) of A", "airplane (tiny) of B"}


def test_other_protocols_are_two_tables(made_run, tmp_path):
    def change(record):
        protocol = Protocol(points=512)
        record["configuration"]["protocol"]["points"] = 512
        record["protocol"]["hash"] = protocol.hash
        for row in record["rows"]:
            row["score"]["protocol_hash"] = protocol.hash

    a, b = made_run(tmp_path / "a"), made_run(tmp_path / "b", 0, change)
    tables = comparison(read_record(a), read_record(b), METRICS)
    assert [table.protocol.points for table in tables] == [2048, 512]
    assert tables[1].notes[-1] == "The runs do not compare: they are of different protocols."


def test_the_command_prints_both(command, made_run, tmp_path):
    made_run(tmp_path / "a")
    made_run(tmp_path / "b", 1, worse)
    code, shown, _ = command("compare", "a", "b")
    assert code == 0
    assert "  HyperDiffusion, B - A" in shown
    assert command("compare", "a", "c")[0] == 2


# -------------------------------------------------------------------------------------------------------------- export


def mesh(offset=0.0):
    corners = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]) + offset
    return Mesh(corners * 0.1, np.array([[0, 2, 1], [0, 1, 3], [1, 2, 3], [0, 3, 2]]))


@pytest.fixture
def run_with_meshes(made_run, tmp_path):
    """Two shapes and a sequence of three frames of one method, of 60 samples per draw."""
    folder = made_run(tmp_path / "run")
    samples = folder / "samples" / "hyperdiffusion"
    samples.mkdir(parents=True)
    for name, frames in (("0000", [mesh()]), ("0001", [mesh(1.0)]), ("0002", [mesh(0.0), mesh(1.0), mesh(2.0)])):
        (samples / f"{name}.glb").write_bytes(encode_glb(frames))
    return folder


def test_frames_come_back_as_they_were_written_hidden_ones_too(run_with_meshes):
    found = list(frames_of(run_with_meshes / "samples" / "hyperdiffusion" / "0002.glb"))
    assert len(found) == 3
    for got, offset in zip(found, (0.0, 1.0, 2.0)):
        assert np.array_equal(got.vertices, mesh(offset).vertices.astype(np.float32))
        assert np.array_equal(got.faces, mesh().faces)


@pytest.mark.parametrize("form", ["obj", "ply"])
def test_another_program_reads_the_same_triangles(tmp_path, form):
    (tmp_path / f"mesh.{form}").write_bytes(encode(mesh(1 / 3), form))
    read = trimesh.load_mesh(tmp_path / f"mesh.{form}", process=False)
    assert np.array_equal(read.vertices.astype(np.float32), mesh(1 / 3).vertices.astype(np.float32))
    assert np.array_equal(read.faces, mesh().faces)


@pytest.mark.parametrize(("form", "names"), [
    ("glb", {"0000.glb", "0001.glb", "0002.glb"}),
    ("obj", {"0000.obj", "0001.obj", "frame_000.obj", "frame_001.obj", "frame_002.obj"}),
    ("ply", {"0000.ply", "0001.ply", "frame_000.ply", "frame_001.ply", "frame_002.ply"}),
])  # fmt: skip
def test_a_shape_is_a_file_and_a_sequence_is_a_file_per_frame(command, run_with_meshes, tmp_path, form, names):
    code, shown, _ = command("export", "run", "--format", form, "--out", "meshes")
    assert (code, shown) == (0, "HyperDiffusion: 3 samples in meshes/hyperdiffusion; 57 without a surface\n")
    assert {path.name for path in (tmp_path / "meshes").rglob("*.*")} == names


def test_glb_is_copied_byte_by_byte(run_with_meshes, tmp_path):
    export(read_record(run_with_meshes), "glb", tmp_path / "out", "hyperdiffusion")
    first = run_with_meshes / "samples" / "hyperdiffusion" / "0000.glb"
    assert (tmp_path / "out" / "hyperdiffusion" / "0000.glb").read_bytes() == first.read_bytes()


def test_a_row_is_found_by_title_and_by_name_and_the_nearest_is_named(run_with_meshes, tmp_path):
    record = read_record(run_with_meshes)
    assert export(record, "glb", tmp_path / "a", "HyperDiffusion")[0].samples == 3
    with pytest.raises(HdbenchError, match="Did you mean 'HyperDiffusion'"):
        export(record, "glb", tmp_path / "b", "HyperDifusion")
    with pytest.raises(HdbenchError, match=r"holds no meshes of Voxel Baseline.*Run its command again"):
        export(record, "glb", tmp_path / "c", "voxel")


def test_a_damaged_mesh_is_named(run_with_meshes, tmp_path):
    (run_with_meshes / "samples" / "hyperdiffusion" / "0001.glb").write_bytes(b"glTF")
    with pytest.raises(HdbenchError, match=r"0001\.glb' cannot be read"):
        export(read_record(run_with_meshes), "obj", tmp_path / "out")


# ---------------------------------------------------------------------------------------------------------------- show


def test_show_says_how_it_came_about_and_where_things_are(reference_run):
    record = read_record(reference_run)
    assert about(record)[1] == "command    hdbench run --method hyperdiffusion --baseline voxel --reference-rows"
    assert about(record)[2] == "shapes     airplane: 320 train, 20 validation, 60 test"
    assert [line.split("  ", 1)[0] for line in files(record)] == [
        str(reference_run / name) for name in ("gallery.png", "reference.png", "table.md", "run.json")
    ]


def test_the_stages_add_up_and_the_longest_comes_first(reference_run):
    lines = timings(read_record(reference_run))
    content = json.loads((reference_run / "run.json").read_text())
    assert lines[0].startswith("Voxel Baseline: train ")
    assert float(lines[-1].split()[2]) == pytest.approx(sum(stage["cpu_seconds"] for stage in content["stages"]), abs=0.06)


def test_a_stage_that_an_ablation_shares_is_counted_once(made_run, tmp_path):
    stage = {
        "label": "x: train",
        "stage": "train-1",
        "cpu_seconds": 5.0,
        "seconds": 6.0,
        "peak_memory_gib": 1.0,
        "computed": True,
    }

    def change(record):
        record["stages"] = [stage, {**stage, "computed": False}, {**stage, "stage": "train-2", "cpu_seconds": 7.0}]

    lines = timings(read_record(made_run(tmp_path / "a", 0, change)))
    assert lines[0].split() == ["x:", "train", "12.0", "s", "CPU", "12.0", "s", "1.00", "GiB"]


def test_the_command_shows_table_files_and_stages(command, made_run, tmp_path):
    made_run(tmp_path / "run")
    code, shown, _ = command("show", "run")
    assert code == 0
    assert all(part in shown for part in ("run run\n", "1-NNA → 50 %", "\nFiles\n", "\nStages\n", "all stages"))
    assert "JSD" in command("show", "run", "--all-metrics")[1]
