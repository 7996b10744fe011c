"""Rows and draws of one command, and what must not change a number."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from score_files import ON_A_LINE, QUICK, SMALL, TABLE_1, boxes


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
