"""A table turned on its side."""

from __future__ import annotations

import io

from hdbench.protocol import preset
from hdbench.scoring.long_table import to_long_markdown, to_long_plain, to_long_rich
from hdbench.tables.table import Column, Row, Table

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
