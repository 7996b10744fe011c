"""What is odd about the shapes is said, or refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from score_files import QUICK, SMALL, TABLE_1, boxes


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
