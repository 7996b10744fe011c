"""Why a run cannot be held against a reference, and what a reader should know where it can."""

from __future__ import annotations

from collections.abc import Sequence

from hdbench.config import leaves
from hdbench.errors import HdbenchError, unknown
from hdbench.gate.measured import Measured, Shapes
from hdbench.tables.rows import Column


def refuse_unlike(run: Measured, reference: Measured) -> None:
    """Raises HdbenchError with the reason: another protocol, other shapes, or other definitions of metrics."""
    if run.protocol.hash != reference.protocol.hash:
        raise HdbenchError(
            f"The run was scored by protocol {run.protocol.hash} ({run.protocol.name}), the reference by "
            f"{reference.protocol.hash} ({reference.protocol.name}): their numbers do not compare. "
            f"{_protocol_changes(run, reference)}"
        )
    reason = _other_shapes(run.shapes, reference.shapes)
    if reason:
        raise HdbenchError(f"The run and the reference are not of the same shapes: {reason}. Run it as: {reference.commands[0]}")


def _protocol_changes(run: Measured, reference: Measured) -> str:
    theirs = dict(leaves(reference.protocol))
    changed = [f"{k} is {v}, not {theirs[k]}" for k, v in leaves(run.protocol) if k != "name" and theirs[k] != v]
    return f"In the run {'; '.join(changed)}."


def _other_shapes(run: Shapes, reference: Shapes) -> str:
    if (run.source, run.frames) != (reference.source, reference.frames):
        return f"{run.source} with {run.frames} frames, and {reference.source} with {reference.frames}"
    keys = dict.fromkeys([*run.settings, *reference.settings])
    changed = [
        f"{k}={run.settings.get(k)}, not {reference.settings.get(k)}"
        for k in keys
        if run.settings.get(k) != reference.settings.get(k)
    ]
    if changed:
        return "; ".join(changed)
    if run.counts != reference.counts:
        return f"{'/'.join(map(str, run.counts))} train/validation/test shapes, not {'/'.join(map(str, reference.counts))}"
    if run.test_names != reference.test_names:
        return "the test shapes have other names, or stand in another order"
    return ""


def gated_columns(run: Measured, reference: Measured, wanted: Sequence[str]) -> list[Column]:
    """The columns of these metrics (or of columns of these names). Raises HdbenchError for names that do not exist, for metrics
    that one side lacks, and for those that are defined differently."""
    found = []
    for name in wanted:
        ours, theirs = _column(run, name), _column(reference, name)
        if ours is None and theirs is None:
            known = [column.metric for column in reference.columns]
            raise unknown("metric of the reference", name, known, "'hdbench metrics' describes them.")
        if ours is None or theirs is None:
            lacking = "run" if ours is None else "reference"
            raise HdbenchError(f"The {lacking} has no numbers of the metric '{name}', so it cannot be gated. Run both with it.")
        if _meaning(ours) != _meaning(theirs):
            raise HdbenchError(
                f"The metric '{name}' is defined in another way than in the reference ('{ours.definition}', not "
                f"'{theirs.definition}'): their numbers do not compare. Write the reference again with --save."
            )
        found.append(ours)
    return found


def _column(measured: Measured, name: str) -> Column | None:
    return next((column for column in measured.columns if name in (column.metric, column.name)), None)


def _meaning(column: Column) -> tuple[object, ...]:
    return column.name, column.unit, column.direction, column.target, column.definition


def same_bits(run: Measured, reference: Measured) -> bool:
    """Whether the shapes that were read are the same to the last bit."""
    return run.shapes.digest == reference.shapes.digest != ""


def remarks(run: Measured, reference: Measured) -> list[str]:
    """What differs and does not forbid the comparison."""
    said = [
        f"{row.title} has other settings: {', '.join(changes)}."
        for row in run.rows
        if (theirs := reference.row(row.title)) and (changes := _settings(row.settings, theirs.settings))
    ]
    if not same_bits(run, reference):
        said.append(
            "The shapes have other bits than the reference's (another machine, or other files), so the noise of two sets of test "
            "shapes is counted, which sees less: save the reference where it is checked."
        )
    if len(reference.seeds) == 1:
        said.append(
            "The reference is of one training, so how much trainings differ is not known: save it from several seeds to have it."
        )
    newer = [f"{k} {v}, not {reference.libraries[k]}" for k, v in run.libraries.items() if reference.libraries.get(k, v) != v]
    return [*said, *([f"Other libraries than the reference's: {', '.join(newer)}."] if newer else [])]


def _settings(ours: object, theirs: object) -> list[str]:
    before, after = dict(leaves(theirs)), dict(leaves(ours))
    return [
        f"{k}={after.get(k)} (was {before.get(k)})" for k in dict.fromkeys([*before, *after]) if before.get(k) != after.get(k)
    ]
