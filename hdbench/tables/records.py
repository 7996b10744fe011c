"""What run folders say of themselves: shapes, protocol, seeds, settings, rows. Of runs (``hdbench run``) and of ablations."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hdbench.config import digest
from hdbench.data.taxonomy import category_of
from hdbench.errors import HdbenchError, unknown
from hdbench.protocol import Protocol
from hdbench.scoring.score import Score, score_from
from hdbench.store import FORMAT, load_info, read_json

SHARED = ("run", "data", "shapes", "protocol")  # the parts of a configuration that are not methods


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSet:
    """Shapes and their split. Two runs with one ``identity`` were given the same; ``counts`` are of train, val and test."""

    source: str
    path: str
    frames: int
    counts: tuple[int, int, int]
    identity: str

    @property
    def label(self) -> str:
        """Such as ``airplane`` or ``meshes:chairs``."""
        return f"{self.source}:{Path(self.path).name}" if self.path else self.source

    @property
    def category(self) -> str:
        """The paper's name for it, if it has one."""
        return category_of(self.path, "animals-4d" if self.frames > 1 else self.source)

    @property
    def option(self) -> str:
        """As ``--data`` takes it."""
        return f"{self.source}:{self.path}" if self.path else self.source


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A run folder and the content of its ``run.json``."""

    folder: Path
    content: Mapping[str, Any]

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def kind(self) -> str:
        """``run`` or ``ablation``."""
        return str(self.content["kind"])

    @property
    def configuration(self) -> dict[str, Any]:
        return dict(self.content["configuration"])

    @property
    def preset(self) -> str:
        return str(self.content.get("preset", "?"))

    @property
    def protocol(self) -> Protocol:
        """Raises HdbenchError where this version of hdbench reads the recorded protocol in another way."""
        recorded, said = self.configuration["protocol"], self.content["protocol"]["hash"]
        try:
            protocol = Protocol(**recorded)
        except TypeError:
            protocol = None  # type: ignore[assignment]
        if protocol is None or protocol.hash != said:
            raise HdbenchError(
                f"'{self.folder}' was scored by another version of hdbench (its protocol has the hash {said}). "
                f"Run its command again: {self.command}"
            )
        return protocol

    @property
    def data(self) -> DataSet:
        shapes, counts = self.configuration["shapes"], self.content["data"]
        sizes = (counts["train"], counts["val"], counts["test"])
        return DataSet(
            source=str(self.configuration["data"]["source"]),
            path=str(shapes.get("path", "")),
            frames=int(counts.get("frames", shapes.get("frames", 1))),
            counts=sizes,
            identity=digest(self.configuration["data"], shapes, sizes)[:12],
        )

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seed of a run, or those of an ablation."""
        return tuple(self.content["seeds"]) if "seeds" in self.content else (int(self.configuration["run"]["seed"]),)

    @property
    def rows(self) -> list[dict[str, Any]]:
        return list(self.content["rows"])

    @property
    def stages(self) -> list[dict[str, Any]]:
        return list(self.content.get("stages", ()))

    @property
    def command(self) -> str:
        return str(self.content.get("command", "hdbench run"))

    def settings(self, method: str) -> dict[str, Any]:
        """The configuration of a method, or nothing for a row that no method made."""
        return dict(self.configuration.get(method, {}))

    def score(self, title: str) -> Score | None:
        """The numbers of a row, with the replicates that its intervals come from where the store beside the folder has them."""
        [row] = [row for row in self.rows if row["title"] == title]
        if row["score"] is None:
            return None
        estimates = {name: {"replicates": (), **_numbers(e)} for name, e in row["score"]["estimates"].items()}
        found = score_from({**_numbers(row["score"]), "estimates": estimates})
        return _with_replicates(found, self._stored(title))

    def _stored(self, title: str) -> Score | None:
        """The row's numbers as the stage of its scoring has left them in the store, if it is still there."""
        names = [stage["stage"] for stage in self.stages if stage["label"] == f"{title}: score"]
        part = self.folder.parent / "store" / (names[-1] if names else "none") / "part-00000.safetensors"
        return score_from(load_info(part)) if part.is_file() else None


def note_of(row: Mapping[str, Any]) -> str:
    """How a row was obtained, and what was odd about it."""
    return " ".join(filter(None, (row.get("provenance", ""), row["note"])))


def _numbers(values: Mapping[str, Any]) -> dict[str, Any]:
    """JSON has no nan and no infinity: a null is nan, ``inf`` a string."""
    return {k: math.nan if v is None else float(v) if v in ("inf", "-inf") else v for k, v in values.items()}


def _with_replicates(score: Score, stored: Score | None) -> Score:
    """Only where the store's value is the recorded one: the folder may have been moved beside another store."""
    known = {} if stored is None else stored.estimates
    estimates = {
        name: replace(e, replicates=known[name].replicates) if name in known and known[name].value == e.value else e
        for name, e in score.estimates.items()
    }
    return replace(score, estimates=estimates)


# -------------------------------------------------------------------------------------------------------------- reading


def read_record(folder: Path) -> Record:
    """The record of a run folder (or of its ``run.json``). Raises HdbenchError for what is none, with the nearest that is."""
    place = folder.parent if folder.name == "run.json" else folder
    if not (place / "run.json").is_file():
        raise _not_a_run(place)
    content = read_json(place / "run.json")
    if not isinstance(content, dict) or content.get("kind") not in ("run", "ablation"):
        raise HdbenchError(f"'{place / 'run.json'}' was not written by 'hdbench run' or 'hdbench ablate'.")
    if content.get("format") != FORMAT:
        raise HdbenchError(
            f"The run folder '{place}' has format {content.get('format')}, this hdbench reads format {FORMAT}. "
            f"Run its command again: {content.get('command', 'hdbench run')}"
        )
    return Record(folder=place, content=content)


def _not_a_run(folder: Path) -> HdbenchError:
    """The error for a folder that is no run folder: the nearest that is, or how to make one."""
    beside = [place.name for place in run_folders(folder.parent)]
    if not folder.exists() and beside:
        return unknown("run folder", str(folder), [str(folder.parent / name) for name in beside])
    inside = ", ".join(place.name for place in run_folders(folder))
    found = f"; it holds the run folders {inside}" if inside else ""
    what = "is no run folder: it has no run.json" if folder.exists() else "does not exist"
    return HdbenchError(f"'{folder}' {what}{found}. 'hdbench run' writes one.")


def run_folders(folder: Path) -> list[Path]:
    """The run folders directly below a folder, by name."""
    return sorted(path.parent for path in folder.glob("*/run.json")) if folder.is_dir() else []


def read_all(folders: Iterable[Path]) -> tuple[list[Record], list[str]]:
    """The records of run folders, and why others were left out."""
    found, left_out = [], []
    for folder in folders:
        try:
            record = read_record(folder)
            record.protocol  # noqa: B018 (raises where it cannot be read)
            found.append(record)
        except HdbenchError as error:
            left_out.append(str(error))
    return found, left_out


# ------------------------------------------------------------------------------------------------------------- commands


def command_for(record: Record, methods: Sequence[str], changes: Sequence[str] = ()) -> str:
    """The command that runs other methods as this folder's were run: same shapes, protocol, preset and shared settings."""
    words, kept = shlex.split(record.command)[2:], []
    for option, value in zip(words, [*words[1:], ""]):
        if option in ("--data", "--preset", "--protocol", "--config", "--seed", "--out"):
            kept += [option, value]
        if option == "-o" and _is_shared(record.configuration, value):
            kept += [option, value]
    named = [word for method in methods for word in ("--method", method)]
    return shlex.join(["hdbench", *(["ablate", *changes] if changes else ["run"]), *named, *kept])


def _is_shared(configuration: Mapping[str, Any], assignment: str) -> bool:
    """Whether a setting belongs to what all methods share."""
    head, _, last = assignment.partition("=")[0].strip().rpartition(".")
    parts = (head.partition(".")[0],) if head else SHARED
    return any(part in SHARED and last in configuration[part] for part in parts)
