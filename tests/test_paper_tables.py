"""``hdbench table``: rows that were run, rows that were not, seeds that are merged, and what may not stand together."""

from __future__ import annotations

import json
import shlex

import pytest
from click.testing import CliRunner

from hdbench.__main__ import cli
from hdbench.errors import HdbenchError
from hdbench.protocol import PRESETS, Protocol
from hdbench.registry import Registry, builtin_commands
from hdbench.tables.collect import paper_table
from hdbench.tables.paper import paper_rows


@pytest.fixture(scope="module")
def registry():
    return builtin_commands(Registry()).load()


@pytest.fixture
def table(tmp_path, registry):
    return lambda number, *folders, **more: paper_table(number, folders, tmp_path / "runs", registry, **more)


def estimate_of(record, title, column):
    """The stored estimate of a row's column, to be changed in place."""
    [row] = [row for row in record["rows"] if row["title"] == title]
    return row["score"]["estimates"][column]


def named(found, title, origin="ours"):
    [row] = [row for row in found.rows if row.title == title and row.origin == origin]
    return row


def test_the_reference_run_is_table_1_of_airplanes(table, reference_run):
    found = table(1, reference_run)
    ours = [row for row in found.rows if row.category == "airplane (tiny)"]
    assert [row.title for row in ours if row.section == "methods"] == [row.title for row in paper_rows("airplane")]
    assert named(found, "HyperDiffusion").values["1-NNA"][0] == pytest.approx(66.94, abs=0.01)  # as table.txt beside it has it
    assert [row.title for row in ours if row.section == "reference"] == ["training shapes (oracle)"]
    assert sum(row.origin == "paper" for row in found.rows) == 15
    assert [column.name for column in found.columns] == ["MMD", "COV", "1-NNA", "FPD[procedural]", "FPD"]


def test_the_papers_rows_follow_those_of_their_category(table, reference_run):
    headings = [heading for heading, _ in table(1, reference_run).sections()]
    assert headings == [
        "airplane (tiny), ours", "airplane (tiny), ours: reference rows", "ShapeNet airplane (Table 1), paper",
        "car, ours", "ShapeNet car (Table 1), paper", "chair, ours", "ShapeNet chair (Table 1), paper",
    ]  # fmt: skip


def test_what_was_not_run_stands_with_a_command_that_hdbench_takes(table):
    missing = [row for row in table(1).rows if row.origin == "not run" and row.note.startswith("hdbench ")]
    assert {row.category for row in missing} == {"airplane", "car", "chair"}
    for note in {row.note for row in missing}:
        words = shlex.split(note)[1:]
        parsed = builtin_commands(Registry()).commands[words[0]].make_context(words[0], words[1:])
        assert {"voxel", "hyperdiffusion"} <= set(parsed.params["methods"])


def test_the_command_for_a_missing_row_keeps_what_all_methods_share(table, tmp_path, made_run):
    def change(record):
        record["command"] = "hdbench run --method voxel --data airplane --seed 3 -o count=80 -o voxel.denoiser.channels=8"
        record["rows"] = [row for row in record["rows"] if row["method"] == "voxel"]

    found = table(1, made_run(tmp_path / "runs" / "a", 3, change))
    note = next(row.note for row in found.rows if row.title == "HyperDiffusion" and row.category == "airplane (tiny)")
    assert " --method hyperdiffusion " in note
    assert "voxel" not in note
    assert note.endswith("--data airplane --seed 3 -o count=80")


def test_seeds_of_one_configuration_are_one_row(table, tmp_path, made_run):
    def change(record):
        estimate_of(record, "HyperDiffusion", "1-NNA")["value"] = 70.0

    made_run(tmp_path / "runs" / "a")
    made_run(tmp_path / "runs" / "b", 1, change)
    row = named(table(1), "HyperDiffusion")
    assert row.values["1-NNA"][0] == pytest.approx((66.9444444 + 70) / 2)
    assert (row.draws, row.count) == (6, 60)
    assert row.note == "mean of 2 seeds (0, 1)"


def test_a_seed_that_was_run_twice_counts_once_and_the_newest_stands(table, tmp_path, made_run):
    def change(record):
        record["written"] = "2030-01-01T00:00:00+00:00"
        estimate_of(record, "HyperDiffusion", "1-NNA")["value"] = 51.0

    made_run(tmp_path / "runs" / "z")
    made_run(tmp_path / "runs" / "a", 0, change)
    assert named(table(1), "HyperDiffusion").values["1-NNA"][0] == 51.0


def test_another_setting_is_another_row_named_after_it(table, tmp_path, made_run):
    def change(record):
        record["configuration"]["hyperdiffusion"]["encoder"]["init"] = "first"

    made_run(tmp_path / "runs" / "a")
    made_run(tmp_path / "runs" / "b", 0, change)
    titles = {row.title for row in table(1).rows if row.origin == "ours" and row.section == "methods"}
    assert titles == {"HyperDiffusion (init=mean)", "HyperDiffusion (init=first)", "Voxel Baseline"}


def test_other_shapes_are_another_section(table, tmp_path, made_run):
    def change(record):
        record["configuration"]["shapes"]["seed"] = 7

    made_run(tmp_path / "runs" / "a")
    made_run(tmp_path / "runs" / "b", 0, change)
    categories = {row.category for row in table(1).rows if row.origin == "ours"}
    assert len(categories) == 2
    assert all(category.startswith("airplane (tiny, shapes ") for category in categories)


def other_protocol(record):
    protocol = Protocol(**{**record["configuration"]["protocol"], "name": "mine", "points": 1024})
    record["configuration"]["protocol"] |= {"name": "mine", "points": 1024}
    record["protocol"] = {"name": "mine", "hash": protocol.hash, "sentence": protocol.sentence()}
    for row in record["rows"]:
        row["score"]["protocol_hash"] = protocol.hash


def test_two_protocols_are_refused_listed_and_can_be_chosen_from(table, tmp_path, made_run):
    made_run(tmp_path / "runs" / "a")
    made_run(tmp_path / "runs" / "b", 0, other_protocol)
    strict = PRESETS["strict"].hash
    with pytest.raises(HdbenchError, match=rf"2 protocols.*{strict} \(strict\): a; [0-9a-f]{{8}} \(mine\): b.*--protocol"):
        table(1)
    assert table(1, protocol="mine").protocol.points == 1024
    assert table(1, protocol=strict).protocol.points == 2048
    with pytest.raises(HdbenchError, match="No run is of the protocol 'yours'"):
        table(1, protocol="yours")


def test_a_folder_of_another_version_is_left_out_and_said_but_refused_when_named(table, tmp_path, made_run):
    def change(record):
        record["format"] = 99

    made_run(tmp_path / "runs" / "good")
    bad = made_run(tmp_path / "runs" / "old", 0, change)
    assert any(note.startswith("Left out: ") and "format 99" in note for note in table(1).notes)
    with pytest.raises(HdbenchError, match="format 99"):
        table(1, bad)


def test_a_metric_can_be_added_and_one_that_no_run_has_is_refused(table, made_ablation, made_run, reference_run):
    assert "JSD" in [column.name for column in table(1, reference_run, metrics=["jsd"]).columns]
    with pytest.raises(HdbenchError, match="'mmd-emd'"):
        table(1, reference_run, metrics=["mmd-emd"])


# ----------------------------------------------------------------------------------------------------------- ablations


@pytest.fixture
def made_ablation(made_run):
    """An ablation whose rows are those of the reference run, renamed; as many cases as are named."""

    def make(folder, cases):
        def change(record):
            rows = [
                row for row in record["rows"] if row["title"] in ("HyperDiffusion", "Voxel Baseline", "training shapes (oracle)")
            ]
            titles = ["default", *cases]
            record |= {"kind": "ablation", "seeds": [0, 1, 2]}
            record["rows"] = [
                {**row, "title": title, "origin": "ours", "method": "hyperdiffusion"} for row, title in zip(rows[::-1], titles)
            ]
            record["cases"] = [{"title": title, "changes": title.split(", ") if title != "default" else []} for title in titles]

        return made_run(folder, 0, change)

    return make


def test_table_3_takes_the_cases_of_init_and_says_what_is_missing(table, tmp_path, made_ablation):
    made_ablation(tmp_path / "runs" / "a", ["init=first"])
    titles = [(row.title, row.origin) for row in table(3).rows]
    assert titles == [
        ("HyperDiffusion (init=mean, default)", "ours"),
        ("HyperDiffusion (init=first)", "ours"),
        ("HyperDiffusion (init=random)", "not run"),
        ("HyperDiffusion (init: Random)", "paper"),
        ("HyperDiffusion (init: 1st MLP)", "paper"),
    ]
    note = next(row.note for row in table(3).rows if row.origin == "not run")
    assert note == "hdbench ablate init=random --method hyperdiffusion"


def test_ablations_of_one_default_are_put_together(table, tmp_path, made_ablation):
    made_ablation(tmp_path / "runs" / "a", ["init=first"])
    made_ablation(tmp_path / "runs" / "b", ["init=random"])
    assert [row.origin for row in table(3).rows].count("ours") == 3
    assert not any(row.origin == "not run" for row in table(3).rows)


def test_octaves_0_is_the_papers_no_positional_encoding(table, tmp_path, made_ablation):
    made_ablation(tmp_path / "runs" / "a", ["octaves=0"])
    found = table(4)
    assert [row.title for row in found.rows if row.origin == "ours"] == [
        "HyperDiffusion (pe=4, default)",
        "HyperDiffusion (octaves=0)",
    ]
    assert not any(row.origin == "not run" for row in found.rows)


def test_a_grid_of_two_settings_is_in_neither_table(table, tmp_path, made_ablation):
    made_ablation(tmp_path / "runs" / "a", ["init=first, pe=none"])
    assert not any(row.origin == "ours" for row in (*table(3).rows, *table(4).rows))


def test_differences_are_those_that_the_ablation_found(table, tmp_path, made_ablation):
    folder = made_ablation(tmp_path / "runs" / "a", ["init=first"])
    row = {"title": "init=first - default", "section": "difference", "protocol_hash": PRESETS["strict"].hash,
           "MMD": 1.25, "MMD_half_width": 0.5, "COV": None, "COV_half_width": None}  # fmt: skip
    (folder / "table.json").write_text(json.dumps({"rows": [row]}))
    assert named(table(3), "init=first - default").values["MMD"] == (1.25, 0.5)


def test_table_1_takes_the_default_of_an_ablation_where_there_is_no_run(table, tmp_path, made_ablation, made_run):
    made_ablation(tmp_path / "runs" / "a", ["init=first"])
    assert named(table(1), "HyperDiffusion").category == "airplane (tiny)"
    made_run(tmp_path / "runs" / "b")
    assert named(table(1), "HyperDiffusion").values["1-NNA"][0] == pytest.approx(66.94, abs=0.01)


# ------------------------------------------------------------------------------------------------------------- command


BEGINS = {
    "text": "Table 1: ", "md": "**Table 1: ", "latex": "% \\usepackage", "csv": "title,category", "html": "<style>", "json": "{",
}  # fmt: skip


@pytest.mark.parametrize("form", BEGINS)
def test_the_command_writes_every_format(reference_run, tmp_path, form):
    done = CliRunner().invoke(cli, ["table", "1", str(reference_run), "--format", form, "--out", str(tmp_path / "table.out")])
    assert (done.exit_code, done.stdout) == (0, "")
    assert (tmp_path / "table.out").read_text().startswith(BEGINS[form])


def test_a_folder_that_is_no_run_is_answered_with_the_nearest(hdbench, made_run, tmp_path):
    made_run(tmp_path / "runs" / "airplane-tiny-1")
    done = hdbench("table", "1", "runs/airplane-tiny")
    assert done.returncode == 2
    assert done.stderr.startswith("Error: There is no run folder named 'runs/airplane-tiny'. ")
    assert "Did you mean 'runs/airplane-tiny-1'?" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("seeds", [(0,), (0, 1)])
def test_how_a_row_was_obtained_stands_under_it_once(table, made_run, tmp_path, seeds):
    def change(record):
        for row in record["rows"]:
            if row["method"] == "hyperdiffusion" and row["origin"] == "ours":
                row |= {"provenance": "Native: from our shapes.", "note": "Here it took 2 min."}

    folders = [made_run(tmp_path / str(seed), seed, change) for seed in seeds]
    [row] = [row for row in table(1, *folders).rows if row.title == "HyperDiffusion" and row.origin == "ours"]
    assert row.note.startswith("Native: from our shapes. ")
    assert row.note.endswith("Here it took 2 min.")
    assert row.note.count("Native") == 1
