"""The audit for people and for programs: a matrix of verdicts, a table in Markdown, the curves as CSV, everything as JSON."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from hdbench.protocol import Protocol
from hdbench.selftest.base import SOURCE, Size
from hdbench.selftest.curves import STRENGTHS
from hdbench.selftest.perturb import PERTURBATIONS
from hdbench.selftest.vectors import Checked
from hdbench.selftest.verdicts import Verdict

if TYPE_CHECKING:
    from rich.text import Text

LEGEND = (
    "number: it sees the harm from this strength on, beyond what two good generators differ by; ·: blind",
    "!number: it rewards the harm from this strength on; ~: a smaller dose is rewarded; -: not tried",
)
GROUPS = {
    "shapes": "worse shapes", "variety": "less variety", "memory": "memory", "set-up": "best not seen",
}  # fmt: skip
NAME, CELL, NOT_TRIED = 20, 5, "-"  # widths of the matrix in a terminal
STYLES = {"sees": "green", "blind": "dim", "rewards": "bold red", "not tried": "dim"}


@dataclass(frozen=True, slots=True)
class Audit:
    """What was checked and seen, and on what."""

    vectors: Sequence[Checked]
    verdicts: Sequence[Verdict]
    not_tried: dict[str, str]
    size: Size
    protocol: Protocol
    sequences: Size | None = None  # for metrics of motion

    @property
    def failed(self) -> list[Checked]:
        """Cases with an answer that is not the known one."""
        return [checked for checked in self.vectors if not checked.passed]

    def matrix(self) -> dict[str, dict[str, Verdict]]:
        """{metric: {perturbation: verdict}}."""
        found: dict[str, dict[str, Verdict]] = {}
        for verdict in self.verdicts:
            found.setdefault(verdict.metric, {})[verdict.perturbation] = verdict
        return found

    def setting(self) -> str:
        """On what the audit was made, in a sentence."""
        s = self.size
        return (
            f"Generated sets of {s.shapes} {SOURCE}s against {s.shapes} others ({s.training} for training, {s.points} points); "
            f"noise from {s.draws} good sets, curves are means over {s.worse}; protocol {self.protocol.hash}, EMD on "
            f"{self.protocol.emd_points} points.{self._sequences()}"
        )

    def _sequences(self) -> str:
        s = self.sequences
        if s is None:
            return ""
        return f" Motion: {s.shapes} sequences of {s.frames} frames and {s.points} points against as many others."


def cell(verdict: Verdict | None) -> str:
    """Such as ``.4`` (sees it from 0.4 on), ``·`` (blind) or ``!.1`` (rewards it from 0.1 on)."""
    if verdict is None:
        return NOT_TRIED
    since = f"{verdict.since:g}".removeprefix("0")
    shown = {"sees": since, "rewards": f"!{since}", "blind": "·", "not tried": NOT_TRIED}[verdict.word]
    return shown + ("~" if verdict.misled and verdict.word != "rewards" else "")


# ------------------------------------------------------------------------------------------------------------- terminal


def to_rich(audit: Audit) -> list[Text]:
    """Lines for a terminal: failed cases first, then the matrix and how to read it."""
    from rich.text import Text

    lines = [Text(line) for line in vector_lines(audit.vectors)]
    lines += [Text(), *_matrix_lines(audit), Text(), *(Text(line, style="dim") for line in LEGEND)]
    lines += [Text(), Text("At strength 1:", style="bold")]
    lines += [Text.assemble((f"  {p.name:<9}", "cyan"), p.full) for p in PERTURBATIONS.values()]
    lines += [Text(f"  {name}: not tried, {why}", style="yellow") for name, why in audit.not_tried.items()]
    return [*lines, Text(), Text(audit.setting(), style="dim")]


def vector_lines(vectors: Sequence[Checked]) -> list[str]:
    """How many cases there are per metric, and every one that failed."""
    passed = sum(checked.passed for checked in vectors)
    metrics = dict.fromkeys(checked.metric for checked in vectors)
    failed = [f"FAILED  {c.metric}, {c.case}: {c.column} is {c.found:.10g}, expected {c.expected:.10g}"
              for c in vectors if not c.passed]  # fmt: skip
    return [*failed, f"{passed} of {len(vectors)} known answers of {len(metrics)} metrics are right."]


def _matrix_lines(audit: Audit) -> list[Text]:
    """Columns of CELL characters under names on two lines in turn, so that names may be twice as wide as numbers."""
    from rich.text import Text

    heads = [Text(" " * NAME), Text(" " * (NAME + CELL))]
    for index, name in enumerate(PERTURBATIONS):
        heads[index % 2].append(f"{name:>{2 * CELL if index > 1 else CELL}}")
    lines = [_group_line(), *heads]
    for metric, verdicts in audit.matrix().items():
        line = Text(metric)
        for index, name in enumerate(PERTURBATIONS, start=1):
            verdict = verdicts.get(name)
            width = max(NAME + CELL * index - len(line), 2)  # a long name takes from the first cells
            line.append(f"{cell(verdict):>{width}}", style=STYLES[verdict.word if verdict else "not tried"])
        lines.append(line)
    return lines


def _group_line() -> Text:
    from rich.text import Text

    line = Text(" " * NAME, style="italic cyan")
    for group, title in GROUPS.items():
        width = CELL * sum(p.group == group for p in PERTURBATIONS.values()) - 1
        line.append(f" {title[:width]:─<{width}}")
    return line


# ---------------------------------------------------------------------------------------------------------------- files


def to_markdown(audit: Audit) -> str:
    """The verdicts as a GitHub table, with the cases and how to read it."""
    names = list(PERTURBATIONS)
    lines = ["# What the metrics see", "", *vector_lines(audit.vectors), "", _line(["metric", *names])]
    lines += [_line([":---", *("---:" for _ in names)])]
    lines += [_line([metric, *(cell(found.get(name)) for name in names)]) for metric, found in audit.matrix().items()]
    lines += ["", *(f"{text}  " for text in LEGEND), audit.setting(), ""]
    lines += [_line(["perturbation", "at strength 1", "what it harms"]), _line([":---"] * 3)]
    lines += [_line([p.name, p.full, GROUPS[p.group]]) for p in PERTURBATIONS.values()]
    lines += ["", *(f"- {name} was not tried: {why}" for name, why in audit.not_tried.items())]
    return "\n".join(lines).rstrip() + "\n"


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def to_csv(audit: Audit) -> str:
    """A line per metric, perturbation and strength; strength 0 is the good set."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["metric", "column", "perturbation", "strength", "value", "harm", "verdict", "since", "correlation", "noise"])
    for v in audit.verdicts:
        for strength, value, harm in zip((0.0, *STRENGTHS), (v.start, *v.values), (0.0, *v.harm)):
            fields = [v.metric, v.column, v.perturbation, strength, value, harm, v.word, v.since, v.correlation, v.noise]
            writer.writerow(["" if isinstance(f, float) and math.isnan(f) else f for f in fields])
    return text.getvalue()


def to_json(audit: Audit) -> str:
    """Everything; unknown values are null, infinite ones the strings "inf" and "-inf"."""
    content = {
        "setting": audit.setting(),
        "size": asdict(audit.size),
        "protocol": {"hash": audit.protocol.hash, **asdict(audit.protocol)},
        "strengths": STRENGTHS,
        "perturbations": [{"name": p.name, "full": p.full, "group": p.group} for p in PERTURBATIONS.values()],
        "vectors": [asdict(checked) | {"passed": checked.passed} for checked in audit.vectors],
        "verdicts": [asdict(verdict) for verdict in audit.verdicts],
        "not_tried": audit.not_tried,
    }
    return json.dumps(_plain(content), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    return value
