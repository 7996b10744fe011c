"""A verdict in words: for the terminal, for a comment (Markdown), and for CI (JUnit XML)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from xml.etree import ElementTree

from hdbench.gate.lines import Line, Verdict
from hdbench.tables.markdown import escaped, line_of

SIGNS = {"pass": "pass", "fail": "FAIL", "not gated": "-"}


def headline(verdict: Verdict) -> str:
    """Such as ``FAILED: 2 of 9 are worse than the reference beyond the noise of both``."""
    gated = [line for line in verdict.lines if line.verdict != "not gated"]
    failed = [line for line in gated if line.failed]
    others = len(verdict.lines) - len(gated)
    more = f" ({others} not gated)" if others else ""
    if not failed:
        return f"PASSED: none of {len(gated)} is worse than the reference beyond the noise of both{more}"
    verb = "is" if len(failed) == 1 else "are"
    return f"FAILED: {len(failed)} of {len(gated)} {verb} worse than the reference beyond the noise of both{more}"


def to_text(verdict: Verdict) -> str:
    """One line per metric, aligned, and what a reader should know."""
    cells = [_cells(line) for line in verdict.lines]
    widths = [max(map(len, column)) for column in zip(*cells)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in cells]
    said = [f"Note: {note}" for note in verdict.notes]
    return "\n".join([f"{verdict.run} against {verdict.against}", "", *lines, "", *said, f"{headline(verdict)}."]) + "\n"


def _cells(line: Line) -> list[str]:
    return [SIGNS[line.verdict], f"{line.row}: {line.name}", _value(line), f"reference {_reference(line)}", comment(line)]


def _value(line: Line) -> str:
    return _with_width(line.value, line.half_width, line.unit)


def _reference(line: Line) -> str:
    return _with_width(line.reference, line.reference_half_width, line.unit)


def _with_width(value: float, half_width: float, unit: str) -> str:
    if math.isnan(value):
        return "-"
    digits = 1 if unit in ("%", "s") else 2
    width = f" ±{half_width:.{digits}f}" if math.isfinite(half_width) else ""
    return f"{value:.{digits}f}{width}{f' {unit}' if unit in ('%', 's') else ''}"


def comment(line: Line) -> str:
    """How much worse, how surely, and what would have failed."""
    if line.kind == "time":
        return f"{line.worse:.2f} times the reference's; fails from {line.fails_from:.2f}"
    if line.reason:
        return line.reason
    digits = 1 if line.unit == "%" else 2
    size = f"{abs(line.worse):.{digits}f}"
    way = "equal" if float(size) == 0 else f"{'worse' if line.worse > 0 else 'better'} by {size}"
    tolerated = f", {line.tolerated:.{digits}f} tolerated" if line.tolerated else ""
    limit = f"; fails from {line.fails_from:.{digits}f}" if math.isfinite(line.fails_from) else ""
    return f"{way}{tolerated} (p {_p(line.p_value)}){limit}"


def _p(value: float) -> str:
    return "< 0.0001" if value < 1e-4 else f"{value:.2g}"


# ------------------------------------------------------------------------------------------------------------- markdown


def to_markdown(verdict: Verdict) -> str:
    """A summary for a comment: the headline, a table, and the notes folded away."""
    header = ["", "row", "metric", "run", "reference", ""]
    table = [line_of(header), line_of([":---", ":---", ":---", "---:", "---:", ":---"]), *map(_markdown_line, verdict.lines)]
    notes = [f"- {escaped(note)}" for note in (*_method(verdict), *verdict.notes)]
    folded = ["<details><summary>How to read it</summary>", "", *notes, "", "</details>"]
    title = f"**hdbench check, {headline(verdict)}**"
    return "\n".join([title, "", f"{verdict.run} against {verdict.against}", "", *table, "", *folded]) + "\n"


def _markdown_line(line: Line) -> str:
    cells = [line.row, line.name, _value(line), _reference(line), comment(line)]
    bold = (lambda text: f"**{text}**") if line.failed else str
    return line_of([bold(SIGNS[line.verdict]), *(escaped(cell).replace("<", "&lt;") for cell in cells)])


def _method(verdict: Verdict) -> Sequence[str]:
    return (
        f"One-sided tests with Holm's correction: a re-seed of an equal generator fails with a probability below "
        f"{100 * verdict.alpha:g} %, over all lines.",
        "'fails from' is the worsening from which on a line fails if it is the only one: what the gate can see.",
    )


# ---------------------------------------------------------------------------------------------------------------- JUnit


def to_junit(verdict: Verdict) -> str:
    """JUnit XML: a test case per line; those that are not gated are skipped."""
    found = [line.verdict for line in verdict.lines]
    counts = {"tests": len(found), "failures": found.count("fail"), "skipped": found.count("not gated"), "errors": 0}
    suites = ElementTree.Element("testsuites", {name: str(count) for name, count in counts.items()})
    suite = ElementTree.SubElement(suites, "testsuite", {"name": "hdbench check"} | suites.attrib)
    for line in verdict.lines:
        case = ElementTree.SubElement(suite, "testcase", {"classname": _printable(line.row), "name": _printable(line.name)})
        said = f"{_value(line)}, reference {_reference(line)}: {comment(line)}"
        if line.failed:
            ElementTree.SubElement(case, "failure", {"message": _printable(said), "type": "worse"})
        elif line.verdict == "not gated":
            ElementTree.SubElement(case, "skipped", {"message": _printable(line.reason)})
        ElementTree.SubElement(case, "system-out").text = _printable(said)
    ElementTree.indent(suites)
    return ElementTree.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def _printable(text: str) -> str:
    """XML has no control characters."""
    return "".join(character if character >= " " else " " for character in text)
