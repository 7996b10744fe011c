"""LaTeX that a document takes in as it is, and HTML that stands alone: on a table whose names are as nasty as they come."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
from click.testing import CliRunner

from hdbench.__main__ import cli
from hdbench.protocol import preset
from hdbench.tables.latex import escaped
from hdbench.tables.paper import paper_rows
from hdbench.tables.table import Column, Row, Table, to_html, to_latex

_SPEC = spec_from_file_location("latex_check", Path(__file__).with_name("latex_check.py"))
latex_check = module_from_spec(_SPEC)
_SPEC.loader.exec_module(latex_check)

RESULTS = Path(__file__).parents[1] / "results"
STRICT = preset("strict")
NASTY = "[x] 50 % & <b>$1_000#^~\\{y}|\"`' ≈ ± Erkoç \N{EN DASH} 形"


def row(title, value, **more):
    about = {"protocol_hash": STRICT.hash, "category": f"toy {NASTY}", "empties": 0.125, "count": 60, "draws": 3, **more}
    return Row(title=title, values={"MMD": value, "a_t": (71.0, 1.0), "a_f": (66.0, 1.0)}, **about)


ROWS = (
    row(NASTY, (3.1, 0.2), note=NASTY),
    row("B", (3.2, 0.2)),
    row("C", (9.0, float("nan"))),
    Row(title="D", values={}, origin="not run", note="hdbench run --method d_e"),
)
TABLE = Table(
    title=NASTY,
    columns=(Column(name="MMD", unit="x100", details=("a_t", "a_f")),),
    rows=(*ROWS, *paper_rows("airplane")[:2]),
    protocol=STRICT,
)


def test_latex_has_nothing_that_an_engine_stops_at():
    assert latex_check.complaints(to_latex(TABLE)) == []


@pytest.mark.parametrize(("broken", "complaint"), [
    (r"\textbf{x", "braces are open"), ("a_b", "bare _"), ("50 %", "bare %"), (r"x \pm y", "pm outside maths"),
    ("$x", "not closed"),
    (r"\begin{table}", "table is open"), (r"\hrulefil", "unknown command"), ("→", "neither ASCII"),
    (r"\begin{tabular}{@{}lr@{}}a & b & c \\" "\n" r"\end{tabular}", "3 cells in 2 columns"),
    (r"\begin{tabular}{@{}l@{}}a \\" "\n" r"[x] \\" "\n" r"\end{tabular}", "begins with a bracket"),
])  # fmt: skip
def test_the_check_of_latex_can_fail(broken, complaint):
    assert any(complaint in said for said in latex_check.complaints(broken))


def test_latex_prints_every_character_as_it_stands():
    assert escaped("50 % & a_b #1 $2 {c}") == r"50 \% \& a\_b \#1 \$2 \{c\}"
    assert escaped("\\ ^ ~ < > |") == (
        r"\textbackslash{} \textasciicircum{} \textasciitilde{} \textless{} \textgreater{} \textbar{}"
    )
    assert escaped("3.1 ±0.2≈ ↓") == r"3.1 $\pm$0.2$\approx$ $\downarrow$"
    assert escaped("Erkoç 形") == "Erkoç ?"


def test_options_of_a_command_are_not_set_as_dashes():
    assert escaped("run --method") == "run -{}-method"


def test_the_best_is_bold_and_a_tie_is_marked():
    source = to_latex(TABLE)
    assert r"\textbf{3.10 $\pm$0.20}" in source
    assert r"B & 3.20 $\pm$0.20$\approx$ & 71/66" in source


def typeset(source: str, folder: Path) -> str:
    """What pdflatex says of a document that takes the table in; it stops at the first error."""
    (folder / "table.tex").write_text(source)
    (folder / "page.tex").write_text(
        r"\documentclass{article}\usepackage[T1]{fontenc}\usepackage{booktabs,graphicx}"
        r"\begin{document}\input{table}\end{document}"
    )
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=120)
    assert (folder / "page.pdf").is_file()
    return (folder / "page.log").read_text(encoding="latin-1")


needs_pdflatex = pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
WIDE = replace(TABLE, title="wide", columns=tuple(Column(name="MMD", unit=f"u{k}") for k in range(9)), rows=ROWS[1:])


@needs_pdflatex
@pytest.mark.parametrize("table", [TABLE, WIDE], ids=["nasty", "wide"])
def test_pdflatex_sets_a_table_and_nothing_runs_off_the_page(table, tmp_path):
    log = typeset(to_latex(table), tmp_path)
    assert [word for word in ("Overfull", "too large", "Missing character") if word in log] == []


@needs_pdflatex
@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_pdflatex_sets_the_papers_tables_as_they_are_printed(number, tmp_path):
    told = CliRunner().invoke(cli, ["table", str(number), "--runs", str(RESULTS), "--format", "latex"])
    assert told.exit_code == 0, told.output
    log = typeset(told.stdout, tmp_path)
    assert [word for word in ("Overfull", "too large", "Missing character") if word in log] == []


class Outline(HTMLParser):
    """Tags that are open, texts, and what would be fetched."""

    def __init__(self):
        super().__init__()
        self.open, self.texts, self.fetched = [], [], []

    def handle_starttag(self, tag, attributes):
        self.open.append(tag)
        self.fetched += [value for name, value in attributes if name in ("src", "href")]
        assert tag not in ("script", "link", "iframe", "img")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def outline(source):
    found = Outline()
    found.feed(source)
    found.close()
    return found


def test_html_is_well_formed_says_names_as_they_are_and_fetches_nothing():
    found = outline(to_html(TABLE))
    assert (found.open, found.fetched) == ([], [])
    assert found.texts.count(NASTY) == 2  # the caption and the row
    assert "url(" not in to_html(TABLE)
    assert "@import" not in to_html(TABLE)


def test_html_marks_the_best_the_ties_and_what_was_not_run():
    source = to_html(TABLE)
    assert '<td class="value best">3.10 <span class="width">±0.20</span></td>' in source
    assert '<td class="value tied">3.20 ' in source
    assert source.count('<tr class="not-run">') == 1
    assert source.count('<tr class="section">') == len(list(TABLE.sections()))


def test_the_style_is_written_once_where_a_page_has_several_tables():
    assert "<style>" in to_html(TABLE)
    assert "<style>" not in to_html(TABLE, style=False)
