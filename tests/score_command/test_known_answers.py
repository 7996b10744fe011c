"""Sets whose scores are known, through the command."""

from __future__ import annotations

import json

import pytest
from score_files import ON_A_LINE, TABLE_1, on_a_line


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
