"""The tables of HyperDiffusion (Erkoç et al., ICCV 2023) as rows that stand beside ours; the numbers are data, not code.

Tables 1 (three categories, five methods), 2 (4D animals), 3 (initialisation) and 4 (positional encoding). MMD is times
100, COV and 1-NNA are in percent; they were made on ShapeNet and DeformingThings4D with the authors' own protocol.
"""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files

from hdbench.errors import unknown
from hdbench.tables.rows import Column, Row

DATA_SETS = {1: "ShapeNet", 2: "DeformingThings4D", 3: "ShapeNet", 4: "ShapeNet"}

METHODS = {  # the paper's titles -> the names by which plugins offer the methods
    "Voxel Baseline": "voxel",
    "PVD": "pvd",
    "DPC": "dpc",
    "ShapeGAN": "shapegan",
    "HyperDiffusion": "hyperdiffusion",
}

COLUMNS = (
    Column(name="MMD", unit="x100"),
    Column(name="COV", unit="%", direction="higher"),
    Column(name="1-NNA", unit="%", direction="target", target=50.0),
    Column(name="FPD", definition="PointNet++ features, trained on ModelNet40 by the paper's authors"),
)

ABLATIONS = {"init": 3, "pe": 4, "octaves": 4}  # setting -> the table that ablates it


@cache
def paper_rows(category: str, table: int = 1) -> tuple[Row, ...]:
    """The paper's rows of one category, such as ``airplane``, in its order. Empty if the table does not have that category.

    Raises HdbenchError for a table that the paper does not have.
    """
    if table not in DATA_SETS:
        raise unknown("table of the paper", str(table), map(str, DATA_SETS))
    return tuple(_row(r, table) for r in _records() if int(r["table"]) == table and r["category"] == category)


def rows_beside(category: str) -> tuple[Row, ...]:
    """What stands beside a run on these shapes: the rows of Table 1, or of Table 2 for sequences of animals."""
    return paper_rows("animals-4d", 2) if category in ("animals", "anime") else paper_rows(category)


def paper_categories(table: int = 1) -> tuple[str, ...]:
    """The categories of one of the paper's tables."""
    return tuple(dict.fromkeys(r["category"] for r in _records() if int(r["table"]) == table))


@cache
def _records() -> tuple[dict[str, str], ...]:
    text = files("hdbench").joinpath("data/paper_tables.csv").read_text(encoding="utf-8")
    return tuple(csv.DictReader(text.splitlines()))


def _row(record: dict[str, str], table: int) -> Row:
    head = ("table", "category", "method")
    values = {name: (float(text), float("nan")) for name, text in record.items() if name not in head and text}
    return Row(
        title=record["method"],
        category=f"{DATA_SETS[table]} {record['category']} (Table {table})",
        values=values,
        origin="paper",
    )
