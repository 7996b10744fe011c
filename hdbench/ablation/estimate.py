"""What a run would compute and how long that takes, from what past runs in the same store took. Nothing is computed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from hdbench.engine import Engine
from hdbench.store import Stage, load_info, read_json
from hdbench.workers import Task


@dataclass(frozen=True, slots=True)
class Planned:
    """A stage that is not in the store: its parts that are missing, and their CPU seconds if something like it was computed."""

    label: str
    parts: int
    cpu_seconds: float | None


def in_words(title: str, stages: Iterable[Planned], workers: int = 0) -> str:
    """What is to be computed and how long that takes, as far as past runs tell; with ``workers`` also by the clock."""
    every = list(stages)
    known = [stage.cpu_seconds / 60 for stage in every if stage.cpu_seconds is not None]
    unknown = list(dict.fromkeys(stage.label for stage in every if stage.cpu_seconds is None))
    said = f"{title}: {len(every)} stages, {sum(stage.parts for stage in every)} parts to compute"
    if not known:
        return said + ("; how long they take is not known: this store holds no past run to judge by" if unknown else "")
    clock = f"; {sum(known) / workers:.1f} minutes with {workers} workers if they are never idle" if workers else ""
    missing = f"; not counted, since no past run tells how long they take: {', '.join(unknown)}" if unknown else ""
    return f"{said}, about {sum(known):.1f} CPU minutes{clock}{missing}"


@dataclass(slots=True)
class DryEngine(Engine):
    """An engine that writes down what it would compute. A stage is named by what it depends on, so that all can be told before
    anything upstream exists. Engines may share ``planned``: a stage that several need is planned once."""

    planned: dict[str, Planned] = field(default_factory=dict)

    def info(self, part: Path) -> dict[str, Any] | None:
        """The plain values of a part, or None where it does not exist yet."""
        return load_info(part) if part.exists() else None

    def _compute(self, stage: Stage, label: str, identity: Mapping[str, Any], tasks: list[Task]) -> None:
        if stage.path.name not in self.planned:
            each = seconds_per_part(self.store.root, identity)
            self.planned[stage.path.name] = Planned(label, len(tasks), None if each is None else each * len(tasks))


def seconds_per_part(root: Path, identity: Mapping[str, Any]) -> float | None:
    """The median CPU seconds of a part of the stages most like this one: with components of the same settings, or else the same
    components, or else the same function. None if there is none."""
    past = [(key, cost) for key, cost in _finished(root, str(identity["function"]).partition(":")[2]) if cost is not None]
    for alike in (_components, _targets, _function):
        costs = [cost for key, cost in past if alike(key) == alike(identity)]
        if costs:
            return median(costs)
    return None


def _finished(root: Path, name: str) -> Iterator[tuple[dict[str, Any], float | None]]:
    """(identity, CPU seconds per part) of every stage of this name that was computed in one go."""
    for folder in root.glob(f"{name}-*"):
        key, record = read_json(folder / "key.json"), read_json(folder / "done.json")
        if key and record and not record["resumed"]:
            yield key, record["cpu_seconds"] / max(record["parts"], 1)


def _components(identity: Mapping[str, Any]) -> str:
    """The components that the stage uses, with their settings."""
    found = [part for part in identity["arguments"][0].values() if isinstance(part, Mapping) and "component" in part]
    return f"{_function(identity)} {json.dumps(found, sort_keys=True)}"


def _targets(identity: Mapping[str, Any]) -> str:
    found = [part["component"] for part in identity["arguments"][0].values() if isinstance(part, Mapping) and "component" in part]
    return f"{_function(identity)} {found}"


def _function(identity: Mapping[str, Any]) -> str:
    return str(identity["function"])
