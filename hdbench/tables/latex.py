r"""A table as LaTeX: a ``table`` environment of booktabs rules that a document takes in with ``\input``, for any engine.

Everything that is not ASCII or a letter of Latin-1 is written as a command, so that pdflatex needs no further package.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from hdbench.tables.cells import Cell, Grid, grid
from hdbench.tables.rows import BEST, Table

_WRITTEN = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}",
    '"': r"\textquotedbl{}", "`": r"\textasciigrave{}",
    "±": r"$\pm$", "≈": r"$\approx$", "∞": r"$\infty$", "↓": r"$\downarrow$", "↑": r"$\uparrow$", "→": r"$\rightarrow$",
    "°": r"$^\circ$", "²": r"$^2$", "³": r"$^3$", "µ": r"$\mu$", "…": r"\ldots{}", "·": r"$\cdot$",
    "\N{MULTIPLICATION SIGN}": r"$\times$", "\N{MINUS SIGN}": r"$-$", "\N{EN DASH}": "--", "\N{EM DASH}": "---",
    "\N{LEFT SINGLE QUOTATION MARK}": "`", "\N{RIGHT SINGLE QUOTATION MARK}": "'",
    "\N{LEFT DOUBLE QUOTATION MARK}": "``", "\N{RIGHT DOUBLE QUOTATION MARK}": "''",
}  # fmt: skip
_UNKNOWN = "?"


def to_latex(table: Table) -> str:
    r"""The ``table`` environment; needs ``\usepackage{booktabs,graphicx}`` (and ``[T1]{fontenc}`` for quotation marks).

    A table that is wider than the text is scaled down to it, one that is not keeps its size.
    """
    words = grid(table)
    kinds = f"l{'r' * (len(words.headings) - 2)}l"
    lines = [
        r"% \usepackage[T1]{fontenc} \usepackage{booktabs,graphicx}",
        r"\begin{table}[tbp]", r"\centering", rf"\caption{{{escaped(table.title)}}}", r"\small",
        rf"\sbox0{{\begin{{tabular}}{{@{{}}{kinds}@{{}}}}", r"\toprule",
        _line(cell.text for cell in words.headings),
        *_sections(words),
        r"\bottomrule", r"\end{tabular}}",
        r"\ifdim\wd0>\linewidth \resizebox{\linewidth}{!}{\usebox0}\else \usebox0\fi",
        *_footer([*words.notes, *words.footer]),
        r"\end{table}",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def escaped(text: str) -> str:
    """Text that LaTeX prints as it stands; a character that it has no name for becomes a question mark."""
    written = (_WRITTEN.get(character, character if _is_plain(character) else _UNKNOWN) for character in text)
    return "".join(f"{{}}{part}" if part == "-" == before else part for part, before in _with_one_before(written))


def _with_one_before(parts: Iterable[str]) -> Iterable[tuple[str, str]]:
    """Two hyphens in a row would be set as a dash, and a command could not be copied."""
    before = ""
    for part in parts:
        yield part, before
        before = part


def _is_plain(character: str) -> bool:
    """Whether pdflatex prints it as it is: ASCII, and the letters of Latin-1."""
    return " " <= character <= "~" or ("À" <= character <= "ÿ" and character.isalpha())


def _sections(words: Grid) -> Iterable[str]:
    width = len(words.headings)
    for heading, lines in words.sections:
        yield r"\midrule"
        yield rf"\multicolumn{{{width}}}{{@{{}}l}}{{\textit{{{escaped(heading)}}}}} \\"
        for line in lines:
            yield _cells_line(line)


def _cells_line(cells: list[Cell]) -> str:
    return " & ".join(map(_cell, cells)) + r" \\"


def _cell(cell: Cell) -> str:
    """A value that begins a line with a bracket would be read as an argument of the line before, hence the braces."""
    text = escaped(cell.text) + (escaped(cell.mark) if cell.mark and cell.mark != BEST else "")
    return rf"\textbf{{{text}}}" if cell.mark == BEST else re.sub(r"^\[", "{[}", text)


def _line(texts: Iterable[str]) -> str:
    return " & ".join(map(escaped, texts)) + r" \\"


def _footer(lines: list[str]) -> list[str]:
    r"""Under the table, a paragraph each, in small print; bold stands for the mark of the best."""
    said = [rf"{escaped(line)}\par" for line in lines]
    return [r"\par\smallskip", r"\begin{minipage}{\linewidth}", r"\scriptsize\raggedright", *said, r"\end{minipage}"]
