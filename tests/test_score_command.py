"""``hdbench score`` as a user meets it: known answers, what it says about odd inputs, and one line for every mistake."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hdbench.__main__ import main
from hdbench.protocol import preset
from hdbench.scoring.long_table import to_long_markdown, to_long_plain, to_long_rich
from hdbench.tables.table import Column, Row, Table

ON_A_LINE = ("-o", "points=1", "-o", "normalisation=none", "-o", "emd_points=1")  # clouds of one point
SMALL = ("-o", "points=64")
TABLE_1 = ("--metric", "mmd-cd", "--metric", "cov-cd", "--metric", "1nna-cd")
QUICK = ("--metric", "mmd-cd")


@pytest.fixture
def score(tmp_path, monkeypatch, capsys):
    """Run ``hdbench score`` in an empty folder: (exit code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stopped:
            main(["score", *arguments])
        return int(stopped.value.code or 0), *capsys.readouterr()

    return run


def on_a_line(name: str, *places: float) -> str:
    """A file of one-point clouds on the x axis."""
    np.save(name, np.array([[[x, 0, 0]] for x in places], np.float32))
    return name


def boxes(name: str, count: int, seed: int = 0, points: int = 64, sides=(1.0, 0.6, 0.3), spread: float = 0.1) -> str:
    """A file of clouds in boxes of about these sides."""
    rng = np.random.default_rng(seed)
    sizes = np.array(sides) * rng.uniform(1 - spread, 1 + spread, (count, 1, 3))
    np.savez(name, clouds=(rng.uniform(-0.5, 0.5, (count, points, 3)) * sizes).astype(np.float32))
    return name


# -------------------------------------------------------------------------------------------------------- known answers


def test_the_whole_output_on_a_known_case(score):
    """R = {0, 10}, G = {1, 1.5}, distances 2 (x - y)^2: a collapse that looks ideal to 1-NNA."""
    code, out, err = score("-g", on_a_line("made.npy", 1, 1.5), "-r", on_a_line("real.npy", 0, 10), *ON_A_LINE, *TABLE_1)
    assert code == 0
    assert err == (
        "reference: real.npy\n"
        "  float32 [2, 1, 3], read as 2 shapes with 1 point each\n"
        "generated 'made': made.npy\n"
        "  float32 [2, 1, 3], read as 2 shapes with 1 point each\n"
    )
    assert out.splitlines()[:7] == [
        "1 row against 2 reference shapes of real.npy",
        "",
        "method  MMD ↓ x100  COV ↑ %  1-NNA → 50 %  acc_t/acc_f  empty  source",
        "-" * 71,
        "ours",
        "  made     7325.00     50.0          50.0        0/100    0 %  ours 1x2",
        "-" * 71,
    ]
    assert "normalised by none; squared Chamfer" in out


@pytest.mark.parametrize(
    ("reference", "generated", "expected"),
    [((0, 1, 5), (0, 1, 5), (0, 100, 0)), ((0, 1), (100, 101), (1980100, 50, 100)), ((0, 10, 20), (4, 14, 24), (3200, 100, 0))],
)
def test_published_definitions_through_the_command(score, reference, generated, expected):
    files = ("-g", on_a_line("g.npy", *generated), "-r", on_a_line("r.npy", *reference))
    code, out, _ = score(*files, *ON_A_LINE, *TABLE_1, "--format", "json")
    [row] = json.loads(out)["rows"]
    assert code == 0
    assert tuple(row[name] for name in ("MMD", "COV", "1-NNA")) == pytest.approx(expected)


# ------------------------------------------------------------------------------------------------------------ rows, draws


def test_titles_make_rows_and_equal_titles_make_draws(score):
    ref = boxes("ref.npz", 8)
    sets = [text for k in range(3) for text in ("-g", f"mine={boxes(f'm{k}.npz', 8, k + 1)}")]
    code, out, _ = score(*sets, "-g", boxes("other.npz", 8, 9), "-r", ref, *SMALL, *TABLE_1, "--format", "csv")
    rows = {row["title"]: row for row in csv.DictReader(io.StringIO(out))}
    assert code == 0
    assert {title: (row["draws"], row["count"]) for title, row in rows.items()} == {"mine": ("3", "8"), "other": ("1", "8")}


def test_two_files_of_one_stem_are_not_taken_for_draws(score, tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
    code, _, err = score("-g", boxes("a/out.npz", 4), "-g", boxes("b/out.npz", 4), "-r", boxes("ref.npz", 4), *SMALL)
    assert code == 2
    assert "Both 'a/out.npz' and 'b/out.npz' would be the row 'out'. Give each a title of its own: " in err
    assert "--generated first=a/out.npz --generated second=b/out.npz" in err


def test_an_array_in_a_file_is_named_behind_a_colon(score):
    np.savez("both.npz", first=np.zeros((2, 1, 3), np.float32), second=np.ones((2, 1, 3), np.float32))
    code, out, _ = score("-g", "x=both.npz:first", "-r", "both.npz:second", *ON_A_LINE, *QUICK, "--format", "json")
    assert code == 0
    assert json.loads(out)["rows"][0]["MMD"] == pytest.approx(600)  # 2 * 3, times 100


def test_a_path_with_signs_in_its_name_is_taken_as_it_is(score):
    code, _, err = score("-g", boxes("lr=1e-3:b.npz", 4), "-r", boxes("ref.npz", 4, 1), *SMALL, *QUICK)
    assert code == 0
    assert "generated 'lr=1e-3:b': lr=1e-3:b.npz" in err


def test_unequal_sets_are_sub_sampled_and_said_so_or_refused(score):
    files = ("-g", boxes("made.npz", 9, 1), "-r", boxes("ref.npz", 6))
    code, out, _ = score(*files, *SMALL, *QUICK)
    assert code == 0
    assert "made: 6 of 9 samples" in out
    code, _, err = score(*files, *SMALL, *QUICK, "--protocol", "pointflow")
    assert code == 2
    assert "'made' has 9 samples; the protocol 'pointflow' compares 6" in err


def test_threads_and_order_of_rows_do_not_change_a_number(score):
    files = [("-g", boxes(f"m{k}.npz", 7, k)) for k in (1, 2)]
    ref = ("-r", boxes("ref.npz", 7), "--train", boxes("train.npz", 9, 5))
    records = []
    for pieces, threads in (((files[0], files[1]), "1"), ((files[1], files[0]), "2")):
        code, _, err = score(*sum(pieces, ()), *ref, *SMALL, "--threads", threads, "--json", "out.json")
        assert code == 0, err
        records.append({row["title"]: row["score"] for row in json.loads(Path("out.json").read_text())["rows"]})
    assert records[0] == records[1]
    assert len(records[0]["m1"]["columns"]) > 8


# ---------------------------------------------------------------------------------------------------------- what is odd


def test_empty_samples_are_counted_in_the_table(score):
    with np.load(boxes("made.npz", 8, 1)) as content:
        clouds = content["clouds"]
    clouds[2], clouds[5, 0, 0] = 0, np.nan
    np.save("broken.npy", clouds)
    code, out, err = score("-g", "broken.npy", "-r", boxes("ref.npz", 8), *SMALL, "--format", "json", *QUICK)
    assert code == 0
    assert json.loads(out)["rows"][0]["empties"] == 0.25
    assert "  not finite, counted as empty samples: 1 of 8 shapes (5)\n" in err
    assert "  all zeros (what stands for an empty mesh), counted as empty samples: 1 of 8 shapes (2)\n" in err


def test_an_empty_reference_shape_is_refused_and_an_empty_training_shape_left_out(score):
    with np.load(boxes("good.npz", 6)) as content:
        clouds = content["clouds"]
    clouds[4] = 0
    np.save("bad.npy", clouds)
    code, _, err = score("-g", "good.npz", "-r", "bad.npy", *SMALL, *QUICK)
    assert code == 2
    assert "1 of 6 reference shapes in 'bad.npy' are empty or cannot be read: 4." in err
    code, _, err = score("-g", "good.npz", "-r", boxes("ref.npz", 6, 1), "--train", "bad.npy", *SMALL, *QUICK)
    assert code == 0
    assert "note: 1 empty training shape left out." in err


def test_an_empty_training_shape_is_nobodys_neighbour(score):
    """Not even of tiny shapes, where a protocol takes empty samples for zeros."""
    with np.load(boxes("train.npz", 8, 2)) as content:
        clouds = content["clouds"]
    np.save("whole.npy", clouds[1:])
    clouds[0] = 0
    np.save("holed.npy", clouds)
    tiny = boxes("made.npz", 6, 1, sides=(0.01, 0.01, 0.01))
    files = ("-g", tiny, "-r", boxes("ref.npz", 6), *SMALL, "--metric", "novelty-cd", "--protocol", "pointflow")
    rows = [json.loads(score(*files, "--train", name, "--format", "json")[1])["rows"] for name in ("whole.npy", "holed.npy")]
    assert rows[0] == rows[1]


def test_copies_between_the_sets_are_said(score):
    ref, train = boxes("ref.npz", 6), boxes("train.npz", 6, 1)
    with np.load(ref) as a, np.load(train) as b:
        np.save("made.npy", np.concatenate([a["clouds"][:2, ::-1], b["clouds"][:3], a["clouds"][2:3] + 1]))
        np.save("leak.npy", np.concatenate([a["clouds"][:1], b["clouds"][1:]]))
    code, out, err = score("-g", "made.npy", "-r", ref, "--train", "leak.npy", *SMALL, *QUICK)
    assert code == 0
    assert "note: 2 of 6 shapes of 'made' are also among the reference shapes, point for point." in err
    assert "note: 3 of 6 shapes of 'made' are also among the training shapes, point for point." in err
    assert "note: 1 of 6 shapes of the reference are also among the training shapes, point for point: the split leaks." in err
    assert "[1] 2 of 6 shapes of 'made' are also among the reference shapes" in out


def test_turned_and_resized_shapes_are_said(score):
    ref = boxes("ref.npz", 8)
    _, _, err = score("-g", boxes("turned.npz", 8, 1, sides=(1.0, 0.3, 0.6)), "-r", ref, *SMALL, *QUICK)
    assert "note: 'turned' looks turned against the reference: its sides over the longest are 1.00 x 0." in err
    assert "its axes xzy fit the reference's xyz better" in err
    _, _, err = score("-g", boxes("large.npz", 8, 1, sides=(3.0, 1.8, 0.9)), "-r", ref, *SMALL, *QUICK)
    assert "note" not in err
    _, _, err = score("-g", "large.npz", "-r", ref, *SMALL, *QUICK, "--protocol", "pointflow")
    assert "note: 'large' is of another size than the reference" in err


def test_draws_that_are_the_same_are_said(score):
    files = ("-g", f"a={boxes('made.npz', 6, 1)}", "-g", "a=made.npz", "-r", boxes("ref.npz", 6))
    _, _, err = score(*files, *SMALL, *QUICK)
    assert "two draws of 'a' are the same shapes, so their spread says nothing" in err


def test_what_was_not_computed_is_said_with_the_reason(score):
    code, out, _ = score("-g", boxes("made.npz", 6, 1), "-r", boxes("ref.npz", 6), *SMALL)
    assert code == 0
    assert "authpct" in out.partition("Not computed: ")[2].partition("--train")[0]
    assert "watertight, one-piece, genus, volume (it needs meshes" in out
    _, out, _ = score("-g", "made.npz", "-r", "ref.npz", "--train", boxes("train.npz", 9, 2), *SMALL)
    assert "authpct" not in out.partition("Not computed: ")[2]


def test_a_row_that_cannot_be_scored_does_not_take_the_others_down(score):
    with np.load(boxes("made.npz", 11, 1)) as content:
        clouds = content["clouds"]
    clouds[:5] = 0
    np.save("hollow.npy", clouds)
    files = ("-g", "hollow.npy", "-g", "made.npz", "-r", boxes("ref.npz", 10))
    code, out, err = score(*files, *SMALL, *QUICK, "--protocol", "hyperdiffusion")
    assert code == 2
    assert "  made " in out
    assert "not run [1]" in out
    assert "Error: 'hollow' has no numbers: Only 6 of 11 generated shapes have a surface" in err.splitlines()[-1]


def test_sequences_are_scored_frame_by_frame_and_their_motion_too(score):
    for name, seed in (("made", 1), ("ref", 2)):
        np.save(f"{name}.npy", np.random.default_rng(seed).normal(size=(6, 4, 64, 3)))
    code, out, err = score("-g", "made.npy", "-r", "ref.npy", *SMALL)
    assert code == 0, err
    assert "read as 6 sequences of 4 frames with 64 points each" in err
    assert "against 6 reference sequences" in out
    assert "motion" not in out.partition("Not computed")[2]


def test_values_without_intervals_are_the_same_values(score):
    files = ("-g", boxes("made.npz", 12, 1), "-r", boxes("ref.npz", 12), *SMALL, *TABLE_1, "--format", "json")
    rows = [json.loads(score(*files, *more)[1])["rows"][0] for more in ((), ("--no-intervals",))]
    for name in ("MMD", "COV", "1-NNA", "acc_t"):
        assert rows[0][name] == rows[1][name]
        assert rows[1][f"{name}_half_width"] is None
        assert rows[0][f"{name}_half_width"] > 0


def test_reference_rows_stand_beside_and_do_not_change_a_number(score):
    ref, train = boxes("ref.npz", 8, points=128, spread=0.9), boxes("train.npz", 9, 5)
    files = ("-g", boxes("made.npz", 9, 1), "-r", ref, "--train", train)
    printed = [score(*files, *SMALL, *TABLE_1, "--format", "json", *more)[1] for more in ((), ("--reference-rows",))]
    alone, *rows = json.loads(printed[0])["rows"][0], *json.loads(printed[1])["rows"]
    assert rows[0] == alone
    by_title = {row["title"]: row for row in rows if row["section"] == "reference"}
    assert len(by_title) == 5
    assert by_title["test shapes, other points"]["COV"] > 80  # each shape's own other points are the nearest
    assert by_title["one training shape, repeated"]["COV"] == pytest.approx(100 / 8)


def test_other_points_that_cannot_be_had_are_said(score):
    code, out, _ = score("-g", boxes("made.npz", 8, 1), "-r", boxes("ref.npz", 8), *SMALL, *QUICK, "--reference-rows")
    assert code == 0
    assert "it needs clouds of at least twice as many points as are scored" in out
    assert "it needs training shapes (--train)" in out


@pytest.mark.parametrize("content", [b"", b"5", b"[]", b"\xff\xfe", b'{"name": "else"}'])
def test_a_folder_with_another_run_json_is_a_folder_like_others(score, content):
    Path("folder").mkdir()
    Path("folder/run.json").write_bytes(content)
    code, _, err = score("-g", "folder", "-r", boxes("ref.npz", 4), *SMALL)
    assert code == 2
    assert "The folder 'folder' holds no mesh and no cloud (found: 1 .json)" in err


def test_a_damaged_run_folder_is_said(score):
    Path("run/clouds").mkdir(parents=True)
    Path("run/run.json").write_text('{"identity": "x"}')
    assert "The run folder 'run' holds no clouds of samples" in score("-g", "run")[2]
    Path("run/clouds/mine.safetensors").write_bytes(b"junk")
    assert "'run/clouds/mine.safetensors' cannot be read: it is damaged" in score("-g", "run", "-r", boxes("ref.npz", 4))[2]


def test_a_name_that_the_system_cannot_look_up_names_nothing(score):
    for name in ("x" * 5000, "a\0b", "~nobody/x"):
        code, _, err = score("-g", name, "-r", boxes("ref.npz", 4))
        assert code == 2
        assert err.startswith("Error: There is no file or folder ")


# ------------------------------------------------------------------------------------------------------------- mistakes

MISTAKES = {
    "nothing to score": (("-r", "ref.npz"), "Name the shapes to score: --generated PATH"),
    "no reference": (("-g", "ref.npz"), "Name the shapes to compare with: --reference PATH"),
    "missing file": (("-g", "rfe.npz", "-r", "ref.npz"), "There is no file or folder 'rfe.npz'. Did you mean 'ref.npz'?"),
    "missing reference": (("-g", "ref.npz", "-r", "no/where"), "There is no file or folder 'no/where'."),
    "missing training": (("-g", "ref.npz", "-r", "ref.npz", "--train", "trian"), "There is no file or folder 'trian'."),
    "unknown protocol": (("--protocol", "strikt"), "There is no protocol named 'strikt'. Did you mean 'strict'?"),
    "unknown setting": (("-o", "pionts=3"), "There is no setting named 'pionts'. Did you mean 'points'?"),
    "bad setting": (("-o", "points=many"), "The setting 'points' must be int, but it is 'many'."),
    "unknown metric": (("--metric", "mmd-dc"), "There is no metric named 'mmd-dc'. Did you mean 'mmd-cd'?"),
    "unknown format": (("--format", "latex"), "There is no format named 'latex'."),
    "unknown device": (("--device", "gpu"), "There is no device named 'gpu'."),
    "missing configuration": (("--config", "x.toml"), "There is no configuration file 'x.toml'."),
    "unwritable record": (("--json", "ref.npz/out.json"), "'ref.npz/out.json' cannot be written: "),
    "too few points": (("-g", "ref.npz", "-r", "ref.npz"), "has clouds of 64 points, fewer than the 2048 that the protocol asks"),
    "frames": (("-g", "seq.npy", "-r", "ref.npz", *SMALL), "'seq' has 5 frames per shape, the reference 1 frame."),
    "wanted frames": (("-g", "ref.npz", "-r", "ref.npz", "--frames", "3", *SMALL), "but shapes of 3 frames are wanted"),
    "draws as reference": (("-g", "ref.npz", "-r", "draws.npy", *SMALL), "holds 2 draws, but the reference shapes are one set"),
    "a pickle": (("-g", "bomb.pkl", "-r", "ref.npz", *SMALL), "'bomb.pkl' is a Python pickle"),
}  # fmt: skip


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_answered_in_one_line(score, case):
    boxes("ref.npz", 6)
    np.save("seq.npy", np.zeros((6, 5, 64, 3), np.float32))
    np.save("draws.npy", np.ones((2, 6, 1, 64, 3), np.float32))
    Path("bomb.pkl").write_bytes(b"\x80\x04N.")
    arguments, message = MISTAKES[case]
    needed = () if {"-g", "-r"} & set(arguments) else ("-g", "ref.npz", "-r", "ref.npz")
    code, out, err = score(*needed, *arguments)
    assert code == 2
    assert message in err
    assert err.splitlines()[-1].startswith("Error: ")
    assert "Traceback" not in err
    assert out == ""


def test_all_that_can_fail_fails_before_anything_is_read(score):
    """An unreadable file is not even opened when a metric's name is wrong."""
    Path("ref.npz").write_bytes(b"garbage")
    _, _, err = score("-g", "ref.npz", "-r", "ref.npz", "--metric", "nonsense")
    assert "There is no metric named 'nonsense'" in err


def test_help_imports_nothing_heavy():
    code = (
        "import sys\nfrom hdbench.__main__ import main\n"
        "try:\n    main(['score', '--help'])\nexcept SystemExit:\n    pass\n"
        "print('HEAVY', *sorted({'torch', 'numpy', 'numba', 'trimesh', 'scipy'} & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.splitlines()[-1].strip() == "HEAVY"
    assert "--generated" in out


# -------------------------------------------------------------------------------------------------------- record, formats


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


STRICT = preset("strict")
COLUMNS = (
    Column(name="MMD", unit="x100"),
    Column(name="1-NNA", unit="%", direction="target", target=50.0, details=("acc_t",)),
    Column(name="JSD", unit="x100"),
)


def long_table() -> Table:
    """Two methods, and one that was not run."""
    about = {"protocol_hash": STRICT.hash, "count": 60, "draws": 3}
    first = {"MMD": (3.1234, 0.0212), "1-NNA": (69.04, 4.04), "acc_t": (71.2, float("nan")), "JSD": (1234.5, float("nan"))}
    second = {"MMD": (6.0, 0.2), "1-NNA": (45.0, 4.0), "acc_t": (float("inf"), 1.0), "JSD": (float("nan"), 1.0)}
    rows = (
        Row(title="A", values=first, empties=0.0, note="copies", **about), Row(title="B", values=second, empties=0.125, **about),
        Row(title="C", values={}, origin="not run", note="too few"),
    )  # fmt: skip
    return Table(title="Toy", columns=COLUMNS, rows=rows, protocol=STRICT)


def test_the_long_table_as_text():
    assert to_long_plain(long_table()).splitlines()[:12] == [
        "Toy",
        "",
        "metric                    A             B        C",
        "---------------------------------------------------",
        "MMD ↓ x100     3.123 ±0.021* 6.000 ±0.200        -",
        "1-NNA → 50 %      69.0 ±4.0     45.0 ±4.0*       -",
        "  acc_t                71.2             ∞        -",
        "JSD ↓ x100           1234.5             -        -",
        "empty samples         0.0 %        12.5 %        -",
        "draws x shapes       3 x 60        3 x 60  not run",
        "---------------------------------------------------",
        "A: copies",
    ]


def test_the_long_table_on_a_terminal_and_in_markdown():
    from rich.console import Console

    console = Console(width=120, file=io.StringIO(), force_terminal=True, color_system="standard")
    console.print(to_long_rich(long_table()))
    assert "\x1b[1m3.123 ±0.021*\x1b[0m" in console.file.getvalue()
    lines = to_long_markdown(long_table()).splitlines()
    assert lines[2:6] == [
        "| metric | A | B | C |",
        "| :--- | ---: | ---: | ---: |",
        "| MMD ↓ x100 | **3.123 ±0.021** | 6.000 ±0.200 | - |",
        "| 1-NNA → 50 % | 69.0 ±4.0 | **45.0 ±4.0** | - |",
    ]
