"""Tables: the whole text of one, what may not stand together, and the paper's rows as the paper prints them."""

from __future__ import annotations

import csv
import io
import json
import math

import pytest

from hdbench.errors import HdbenchError
from hdbench.protocol import Protocol, preset
from hdbench.scoring.intervals import Estimate
from hdbench.tables.paper import paper_categories, paper_rows
from hdbench.tables.table import Column, Row, Table, marks, to_csv, to_json, to_markdown, to_plain, to_rich

STRICT = preset("strict")
NAN = math.nan
COLUMNS = (
    Column(name="MMD", unit="x100"),
    Column(name="COV", unit="%", direction="higher"),
    Column(name="1-NNA", unit="%", direction="target", target=50.0, details=("acc_t", "acc_f")),
)


def row(title, mmd, cov, nna, **more):
    values = {"MMD": mmd, "COV": cov, "1-NNA": nna, "acc_t": (71.4, 1.0), "acc_f": (66.2, 1.0)}
    given = {"protocol_hash": STRICT.hash, "category": "toy", "empties": 0.0, "count": 60, "draws": 3}
    return Row(title=title, values=values, **{**given, **more})


ROWS = (
    row("A", (3.1, 0.2), (48.0, 5.0), (69.0, 4.0), note="init=first"),
    row("B", (6.0, 0.2), (50.0, 5.0), (40.0, 4.0), empties=0.05),
    Row(title="C", category="toy", values={}, origin="not run", note="needs a GPU"),
    row("oracle", (2.0, 0.1), (57.0, 5.0), (50.0, 4.0), section="reference"),
    *paper_rows("airplane")[:2],
)
TABLE = Table(title="Toy", columns=COLUMNS, rows=ROWS, protocol=STRICT)


def test_the_whole_table_as_text():
    assert to_plain(TABLE) == (
        "Toy\n"
        "\n"
        "method            MMD ↓ x100    COV ↑ %  1-NNA → 50 %  acc_t/acc_f  empty  source\n"
        "----------------------------------------------------------------------------------------\n"
        "toy, ours\n"
        "  A               3.10 ±0.20* 48.0 ±5.0≈    69.0 ±4.0        71/66    0 %  ours 3x60 [1]\n"
        "  B               6.00 ±0.20  50.0 ±5.0*    40.0 ±4.0*       71/66  5.0 %  ours 3x60\n"
        "  C                         -          -             -                     not run [2]\n"
        "toy, ours: reference rows\n"
        "  oracle          2.00 ±0.10  57.0 ±5.0     50.0 ±4.0        71/66    0 %  ours 3x60\n"
        "ShapeNet airplane (Table 1), paper\n"
        "  Voxel Baseline         6.0         28          94.1                      paper\n"
        "  PVD                    3.4*        39*         76.3*                     paper\n"
        "----------------------------------------------------------------------------------------\n"
        "[1] init=first\n"
        "[2] needs a GPU\n"
        f"protocol {STRICT.hash} (strict): {STRICT.sentence()}\n"
        "* best of its section; ≈ not told apart from the best; ± is 95 %; DxN: D draws of N shapes\n"
        "The paper's rows are of other shapes and another protocol: read them beside ours, not against ours.\n"
    )


@pytest.mark.parametrize("width", [100, 120])
def test_the_terminal_shows_the_same_text_and_prints_the_best_in_bold(width):
    from rich.console import Console

    console = Console(width=width, file=io.StringIO(), force_terminal=True, color_system="standard", record=True)
    console.print(to_rich(TABLE))
    assert "\x1b[1m3.10 ±0.20*\x1b[0m" in console.file.getvalue()
    shown = [line.rstrip() for line in console.export_text().splitlines()]
    expected = to_plain(TABLE).splitlines()
    assert shown[4:13] == expected[4:13]


def test_rows_of_two_protocols_never_share_a_table():
    stray = row("D", (1, 0), (1, 0), (1, 0), protocol_hash="deadbeef")
    with pytest.raises(HdbenchError, match="'D' was made by protocol deadbeef"):
        Table(title="", columns=COLUMNS, rows=(*ROWS, stray), protocol=STRICT)
    with pytest.raises(HdbenchError, match="print a table for each"):
        Table(title="", columns=COLUMNS, rows=ROWS, protocol=Protocol(points=64))


def test_the_best_of_a_target_is_the_nearest_to_it():
    values = [(69.0, 4.0), (40.0, 4.0), (61.0, 4.0)]
    found = marks([row(str(i), v, v, v) for i, v in enumerate(values)], COLUMNS[2])
    assert found == {1: "*", 2: "≈"}  # 61 is 11 away, 40 is 10 away, give or take 4


def test_a_value_on_the_other_side_of_the_target_that_reads_as_well_is_tied():
    found = marks([row("a", (0, 0), (0, 0), (47.0, 2.0)), row("b", (0, 0), (0, 0), (54.0, 2.0))], COLUMNS[2])
    assert found == {0: "*", 1: "≈"}


def test_a_table_says_whose_differences_are_not_paired():
    halves = ((0.1, 0.1), (-0.1, -0.1))
    paired, alone = (Estimate(value=3.0, half_width=0.2, shapes=60, replicates=r) for r in (halves, ()))
    rows = [row(t, (3.0, 0.2), (48.0, 5.0), (60.0, 4.0), estimates={"MMD": e}) for t, e in (("kept", paired), ("copied", alone))]
    rows.append(row("oracle", (2.0, 0.1), (57.0, 5.0), (50.0, 4.0), section="reference", estimates={"MMD": alone}))
    [said] = [
        line for line in Table(title="", columns=COLUMNS, rows=tuple(rows), protocol=STRICT).footer() if "whole intervals" in line
    ]
    assert said.endswith(": copied.")
    assert not any("whole intervals" in line for line in TABLE.footer())


def test_p_values_stand_under_their_category_where_there_are_several():
    def footer(*categories: str) -> str:
        rows = [row("A", (3.0, 0.2), (48.0, 5.0), (60.0, 4.0), p_value=0.5, category=category) for category in categories]
        return "\n".join(Table(title="", columns=COLUMNS, rows=tuple(rows), protocol=STRICT).footer())

    assert "(nearest neighbours): A 0.5." in footer("car")
    assert "(nearest neighbours): car: A 0.5; chair: A 0.5." in footer("car", "chair")


def test_infinite_and_missing_values_do_not_compete():
    rows = [row("a", (math.inf, NAN), (0, 0), (0, 0)), row("b", (2.0, 0.1), (0, 0), (0, 0)), row("c", (3.0, NAN), (0, 0), (0, 0))]
    assert marks(rows, COLUMNS[0]) == {1: "*"}
    assert "∞" in to_plain(Table(title="", columns=COLUMNS, rows=tuple(rows), protocol=STRICT))


def test_a_single_row_is_the_best_of_nothing():
    assert marks([ROWS[0]], COLUMNS[0]) == {}


def test_markdown_has_one_line_per_row_and_escapes_what_it_must():
    lines = to_markdown(TABLE).splitlines()
    assert lines[2].count("|") == lines[3].count("|") == lines[4].count("|") == 9
    assert lines[4] == "| toy, ours | A | **3.10 ±0.20** | 48.0 ±5.0≈ | 69.0 ±4.0 | 71/66 | 0 % | ours 3x60 [1] |"
    assert "\\* best of its section" in to_markdown(TABLE)


def test_csv_and_json_keep_full_precision_and_say_what_is_unknown():
    records = list(csv.DictReader(io.StringIO(to_csv(TABLE))))
    assert len(records) == len(ROWS)
    assert float(records[0]["acc_t"]) == 71.4
    assert records[2]["MMD"] == ""
    content = json.loads(to_json(TABLE))
    assert content["protocol"]["hash"] == STRICT.hash
    assert content["rows"][2]["MMD"] is None
    assert content["rows"][5]["origin"] == "paper"


def test_the_papers_hyperdiffusion_rows():
    found = {c: next(r for r in paper_rows(c) if r.title == "HyperDiffusion").values for c in paper_categories()}
    assert {c: (v["MMD"][0], v["COV"][0], v["1-NNA"][0], v["FPD"][0]) for c, v in found.items()} == {
        "airplane": (3.4, 49, 69.3, 3.5),
        "car": (3.4, 36, 73.1, 2.6),
        "chair": (7.1, 53, 54.1, 1.7),
    }


def test_the_papers_tables_have_the_papers_sizes():
    assert [sum(len(paper_rows(c, t)) for c in paper_categories(t)) for t in (1, 2, 3, 4)] == [15, 2, 2, 2]
    assert "FPD" not in paper_rows("animals-4d", 2)[0].values
    assert paper_rows("boat") == ()
    with pytest.raises(HdbenchError, match="table of the paper"):
        paper_rows("airplane", 7)
