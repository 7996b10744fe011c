"""Ablations: one setting changed at a time, everything else equal, over several seeds.

A *case* is a set of changed settings; the first is the default. Every case is run with the same seeds on the same test shapes,
and its draws, one per seed, are scored together, so that an interval covers the training as well. What does not depend on the
change is computed once: the store sees to that. Cases are compared part by part with the default (``score.difference``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from hdbench.config import override, resolve_key, value_of
from hdbench.engine import Engine
from hdbench.errors import HdbenchError
from hdbench.flow import Data, Outcome, method_rows, references, score, shared_distances, side_by_side, survey
from hdbench.plan import Plan
from hdbench.preflight import preflight
from hdbench.workers import Workers

DEFAULT = "default"
SHARED = ("run", "data", "shapes", "protocol")


@dataclass(frozen=True, slots=True)
class Case:
    """What is changed against the default, ``KEY=VALUE`` each; nothing for the default itself."""

    changes: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """Such as ``init=random``."""
        return ", ".join(self.changes) or DEFAULT


@dataclass(frozen=True, slots=True)
class Ablation:
    """The outcome of every case, the default first, and the data they were made on."""

    data: Data
    outcomes: dict[str, Outcome]


def cases(settings: Any, assignments: Sequence[str], grid: bool = False) -> list[Case]:
    """The default, then a case per value: ``init=first,random`` makes two. With ``grid``, all combinations of all keys.

    Values of a setting that is a list itself are parted by semicolons: ``sigmas=0.01,0.03;0.01``. A value that is the default's
    is left out. HdbenchError for keys that do not exist, and when nothing is left to compare.
    """
    choices = [_choices(settings, assignment) for assignment in assignments]
    changed = [tuple(parts) for parts in product(*choices)] if grid else [(one,) for values in choices for one in values]
    new = [Case(c) for c in dict.fromkeys(changed) if not all(_is_default(settings, part) for part in c)]
    if not new:
        raise HdbenchError("All of these values are the default's, so there is nothing to compare. Give another value.")
    return [Case(), *new]


def _choices(settings: Any, assignment: str) -> list[str]:
    key, equals, text = assignment.partition("=")
    if not equals or not text.strip():
        raise HdbenchError(
            f"'{assignment}' is not of the form KEY=VALUE or KEY=VALUE,VALUE. Write for example 'init=first,random'."
        )
    full = resolve_key(settings, key.strip())
    if full.partition(".")[0] in SHARED:
        raise HdbenchError(
            f"'{full}' belongs to what all cases share: with other test shapes or another protocol their numbers do not compare. "
            f"Set it for all with '-o {full}=VALUE', or make runs of their own with 'hdbench run'."
        )
    mark = ";" if isinstance(value_of(settings, full), tuple) else ","
    return [f"{key.strip()}={value.strip()}" for value in text.split(mark) if value.strip()]


def _is_default(settings: Any, assignment: str) -> bool:
    full = resolve_key(settings, assignment.partition("=")[0].strip())
    return bool(value_of(override(settings, (assignment,)), full) == value_of(settings, full))


def run_ablation(
    plans: dict[str, list[Plan]], engine_for: Callable[[Plan, str], Engine], method: str, workers: Workers
) -> Ablation:
    """Every case with every seed: ``plans`` {title of the case: a plan per seed}. A case that fails says why in its row."""
    first = next(iter(plans.values()))[0]
    data = survey(first, engine_for(first, DEFAULT))
    for title, seeds in plans.items():
        preflight(seeds[0], engine_for(seeds[0], title), data)
    jobs = [(title, plan) for title, seeds in plans.items() for plan in seeds]
    runs = side_by_side(jobs, lambda job: method_rows(job[1], engine_for(job[1], job[0]), data, method, False)[0], workers)
    made = {title: [run for (of, _), run in zip(jobs, runs) if of == title] for title in plans}
    outcomes = {title: _joined(title, method, made[title]) for title in plans}
    scored = side_by_side(
        list(outcomes.values()), lambda o: _scored(plans[o.title][0], engine_for(plans[o.title][0], o.title), data, o), workers
    )  # fmt: skip
    return Ablation(data, {outcome.title: outcome for outcome in scored})


def _joined(title: str, method: str, runs: list[Outcome]) -> Outcome:
    """One outcome whose draws are those of all seeds."""
    failures = [run.failure for run in runs if run.failure]
    return Outcome(
        title, method, "ours",
        draws=[draw for run in runs for draw in run.draws],
        meshes=[path for run in runs for path in run.meshes],
        requested=sum(run.requested for run in runs),
        note=" ".join(dict.fromkeys(run.note for run in runs if run.note)),
        failure=failures[0] if failures else None,
    )  # fmt: skip


def _scored(plan: Plan, engine: Engine, data: Data, outcome: Outcome) -> Outcome:
    """Draws of all seeds against the test shapes; their fields are of different trainings, so weights are not compared."""
    against = references(plan, data)
    draws = [replace(draw, weights=None) for draw in outcome.draws]
    return score(engine, replace(outcome, draws=draws), against, shared_distances(plan, engine, against))
