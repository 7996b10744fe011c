"""The gate itself: one line per method and metric, each with how surely it is worse, and a verdict on all of them.

A run fails when a metric of a method is worse than the reference beyond the noise of both. The question is one-sided and asked of
every gated metric of every method; Holm's correction keeps the chance that a re-seed of an equal generator fails, in any of
them, below ``ALPHA``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hdbench.errors import HdbenchError, unknown
from hdbench.gate.comparable import gated_columns, refuse_unlike, remarks, same_bits
from hdbench.gate.lines import ALPHA, Line, Verdict
from hdbench.gate.measured import Gated, Measured
from hdbench.gate.noise import holm
from hdbench.gate.questions import Question, questions_of
from hdbench.gate.thresholds import EMPTY, thresholds


def check(
    run: Measured, reference: Measured, metrics: Sequence[str], *, tolerate: Sequence[str] = (), alpha: float = ALPHA,
    rows: Sequence[str] = (),
) -> Verdict:  # fmt: skip
    """Hold a run against a reference in these metrics and in its share of empty samples.

    ``tolerate`` is ``METRIC=VALUE`` each (see ``thresholds``); ``rows`` limits the methods. Raises HdbenchError where protocol,
    shapes, metrics or methods are not the same.
    """
    refuse_unlike(run, reference)
    columns = gated_columns(run, reference, metrics)
    known = [EMPTY, *(column.name for column in columns), *(column.metric for column in columns)]
    allowed = thresholds(tolerate, known)
    same_shapes = same_bits(run, reference)
    seeds = len(run.seeds), len(reference.seeds)
    questions = [
        question
        for ours, theirs in _rows(run, reference, rows)
        for question in questions_of(ours, theirs, columns, allowed, same_shapes, seeds)
    ]
    _refuse_to_gate_nothing(questions, metrics)
    return Verdict(
        run=_name(run),
        against=_name(reference),
        lines=tuple(_judged(questions, alpha)),
        notes=tuple(remarks(run, reference)),
        alpha=alpha,
    )


def _refuse_to_gate_nothing(questions: Sequence[Question], metrics: Sequence[str]) -> None:
    """A gate that no metric has to pass would pass everything."""
    lines = [question.line for question in questions if question.line.name != EMPTY]
    if metrics and lines and all(line.verdict == "not gated" for line in lines):
        raise HdbenchError(
            f"None of {len(lines)} metrics can be gated: {lines[0].reason}. Intervals need at least 8 test shapes and samples; "
            "run with more of them, or say with --threshold METRIC=VALUE how much is too much."
        )


def _name(measured: Measured) -> str:
    seeds = f"seed{'s' if len(measured.seeds) > 1 else ''} {', '.join(map(str, measured.seeds))}"
    return f"{measured.name} ({seeds})"


def _rows(run: Measured, reference: Measured, wanted: Sequence[str]) -> list[tuple[Gated, Gated]]:
    """(ours, the reference's) of every method of the reference, or of those that were named."""
    titles = [row.title for row in reference.rows]
    for name in wanted:
        if name not in titles:
            raise unknown("row of the reference", name, titles)
    pairs = []
    for row in reference.rows:
        ours = run.row(row.title)
        if wanted and row.title not in wanted:
            continue
        if ours is None:
            have = ", ".join(r.title for r in run.rows)
            raise HdbenchError(
                f"The run has no row '{row.title}', which the reference has (it has: {have}). "
                f"Gate some rows alone with --row, or run it as: {reference.commands[0]}"
            )
        pairs.append((ours, row))
    return pairs


# -------------------------------------------------------------------------------------------------------------- verdict


def _judged(questions: Sequence[Question], alpha: float) -> list[Line]:
    """Holm over all that are gated."""
    gated = [question for question in questions if question.line.verdict != "not gated"]
    adjusted = dict(zip(map(id, gated), holm([question.p_value for question in gated])))
    return [_answered(q, adjusted[id(q)], alpha, len(gated)) if id(q) in adjusted else q.line for q in questions]


def _answered(question: Question, p_value: float, alpha: float, count: int) -> Line:
    line = replace(question.line, p_value=p_value, verdict="fail" if p_value < alpha else "pass")
    if not question.noise.variance:
        return line
    return replace(line, fails_from=line.tolerated + question.noise.critical(alpha / count))
