"""The scored rows of run folders, told apart by data, protocol, method and settings; seeds of one configuration are merged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hdbench.config import digest, leaves
from hdbench.errors import HdbenchError
from hdbench.protocol import Protocol
from hdbench.scoring.merging import merged
from hdbench.scoring.permutation import combined
from hdbench.scoring.score import Score
from hdbench.tables.records import Record

SHOWN_CHANGES = 3  # settings that tell two rows of one method apart, in their titles


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A row of one configuration: its numbers, over all ``seeds`` it was run with; ``score`` is None where it failed."""

    title: str
    method: str
    origin: str
    settings: Mapping[str, Any]
    seeds: tuple[int, ...]
    records: tuple[Record, ...]
    score: Score | None
    provenance: str = ""
    note: str = ""

    @property
    def record(self) -> Record:
        """The newest folder that it is of."""
        return self.records[-1]

    @property
    def identity(self) -> str:
        """Equal for rows that differ in nothing but the seed."""
        draws = self.score.draws / len(self.seeds) if self.score else 0
        return digest(self.record.data.identity, self.record.preset, self.origin, self.title, self.settings, draws)


def entries_of(record: Record) -> list[Entry]:
    """The rows of one run folder; of an ablation its default alone, since its cases are other methods."""
    rows = record.rows if record.kind == "run" else record.rows[:1]
    return [
        Entry(
            title=_title(record, row),
            method=row["method"],
            origin=row["origin"],
            settings=record.settings(row["method"]),
            seeds=record.seeds,
            records=(record,),
            score=record.score(row["title"]),
            provenance=row.get("provenance", ""),
            note=row["failure"] or row["note"],
        )
        for row in rows
    ]


def _title(record: Record, row: Mapping[str, Any]) -> str:
    """The method's own title: rows of an ablation are named after what was changed, their stages after the method."""
    if record.kind == "run":
        return str(row["title"])
    labels = [stage["label"] for stage in record.stages if stage["label"].endswith((": train", ": fit"))]
    return str(labels[0].rpartition(":")[0] if labels else row["method"])


def merge_seeds(entries: Iterable[Entry]) -> list[Entry]:
    """One entry per configuration, in order of first appearance. A seed that was run twice counts once: the newest is taken.

    Where a configuration was run and ablated, the runs stand: they have more draws.
    """
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        groups.setdefault(entry.identity, []).append(entry)
    found = [_merged(group) for group in groups.values()]
    run = {_same_method(entry) for entry in found if entry.record.kind == "run" and entry.score}
    return [entry for entry in found if entry.record.kind == "run" or _same_method(entry) not in run]


def _same_method(entry: Entry) -> str:
    return digest(entry.record.data.identity, entry.record.preset, entry.method, entry.settings)


def _merged(group: Sequence[Entry]) -> Entry:
    ordered = sorted(group, key=lambda entry: str(entry.record.content.get("written", "")))
    by_seed = {seed: entry for entry in ordered if entry.score for seed in entry.seeds}
    chosen = list({id(entry): entry for _, entry in sorted(by_seed.items())}.values())
    if not chosen:
        return ordered[-1]
    seeds = tuple(sorted(by_seed))
    said = f"mean of {len(seeds)} seeds ({', '.join(map(str, seeds))})" if len(seeds) > 1 else ""
    note = "; ".join(dict.fromkeys(filter(None, [said, *(entry.note for entry in chosen)])))
    records = tuple(entry.record for entry in chosen)
    return replace(chosen[-1], seeds=seeds, records=records, note=note, score=mean_score([e.score for e in chosen if e.score]))


def mean_score(scores: Sequence[Score]) -> Score:
    """The mean over seeds, with intervals that cover other trainings; columns that a seed lacks are left out."""
    first = scores[0]
    if len(scores) == 1:
        return first
    if any(score.columns != first.columns for score in scores):
        raise HdbenchError(
            "Seeds of one configuration were scored by different metrics, so they have no mean. Run them with one version."
        )
    shared = [name for name in first.estimates if all(name in score.estimates for score in scores)]
    return replace(
        first,
        estimates={name: merged([score.estimates[name] for score in scores]) for name in shared},
        empties=float(np.mean([score.empties for score in scores])),
        draws=sum(score.draws for score in scores),
        p_value=combined([score.p_value for score in scores]),
    )


# ------------------------------------------------------------------------------------------------- rows of one method


def titles_with_settings(entries: Sequence[Entry]) -> dict[int, str]:
    """{index of an entry: its title}; where a method has several rows on one data set, with the settings in which they differ."""
    found = {}
    for index, entry in enumerate(entries):
        rivals = [other for other in entries if _may_be_confused(entry, other)]
        changes = _changes(entry, rivals)
        more = f", {len(changes) - SHOWN_CHANGES} more" if len(changes) > SHOWN_CHANGES else ""
        found[index] = f"{entry.title} ({', '.join(changes[:SHOWN_CHANGES])}{more})" if changes else entry.title
    return found


def _may_be_confused(a: Entry, b: Entry) -> bool:
    same = (a.record.data.identity, a.record.preset) == (b.record.data.identity, b.record.preset)
    return same and a.title == b.title and a.origin == b.origin


def _changes(entry: Entry, rivals: Sequence[Entry]) -> list[str]:
    """The settings of an entry in which its rivals are not all alike, such as ``init=first``."""
    known = [dict(leaves(rival.settings)) for rival in rivals]
    keys = dict.fromkeys(key for settings in known for key in settings)
    differing = [key for key in keys if len({str(settings.get(key)) for settings in known}) > 1]
    last = [key.rpartition(".")[2] for key in differing]
    short = [name if last.count(name) == 1 else key for key, name in zip(differing, last)]
    return [f"{name}={dict(leaves(entry.settings)).get(key)}" for name, key in zip(short, differing)]


# ------------------------------------------------------------------------------------------------------------ protocols


def one_protocol(records: Sequence[Record], wanted: str | None) -> tuple[Protocol, list[Record]]:
    """The protocol of a table and the folders that are of it. HdbenchError that lists the groups when there is a choice."""
    groups: dict[str, list[Record]] = {}
    for record in records:
        groups.setdefault(record.protocol.hash, []).append(record)
    chosen = [found for hash_, found in groups.items() if wanted in (None, hash_, found[0].protocol.name)]
    if len(chosen) == 1:
        return chosen[0][0].protocol, chosen[0]
    listed = "; ".join(f"{hash_} ({found[0].protocol.name}): {_names(found)}" for hash_, found in groups.items())
    if not chosen:
        raise HdbenchError(f"No run is of the protocol '{wanted}'. There are: {listed}.")
    raise HdbenchError(
        f"These runs are of {len(chosen)} protocols, whose numbers do not compare: {listed}. Choose one with "
        f"'--protocol {chosen[0][0].protocol.hash}', or name the run folders."
    )


def _names(records: Sequence[Record]) -> str:
    names = [record.name for record in records]
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
