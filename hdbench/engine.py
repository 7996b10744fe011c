"""Stages run through the store and the workers: computed once, in parts, and gone on with after a kill."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any

from hdbench.config import as_dict
from hdbench.progress import Reporter
from hdbench.provenance import code_digest, library_versions
from hdbench.refs import Ref
from hdbench.store import Stage, Store, file_digest, load_info, read_json, write_json
from hdbench.workers import Cost, Task, Workers


@dataclass(slots=True)
class Engine:
    """Where and with what the stages of one run are computed."""

    store: Store
    workers: Workers
    reporter: Reporter
    seed: int
    device: str = "cpu"
    threads: int = 1
    records: list[dict[str, Any]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def stage(
        self, label: str, function: str, calls: Sequence[Mapping[str, Any]], seed: int | None = None, **common: Any
    ) -> Stage:
        """The stage in which ``function`` (module:name) is called once per part, with ``common`` and that part's arguments.

        Parts that exist are not computed again. ``label`` is for people: ``method: verb``. ``seed``: another than the run's,
        for what all seeds share.
        """
        seed, arguments = self.seed if seed is None else seed, [{**common, **call} for call in calls]
        identity = self._identity(function, arguments, seed)
        stage = self.store.stage(function.partition(":")[2], identity, len(calls))
        with self.store.alone(stage):
            missing = [i for i in range(len(calls)) if not stage.part(i).exists()]
            if stage.record is None or missing:
                tasks = [
                    Task(function, arguments[i], stage.part(i), stage.checkpoint(i), seed, self.device, self.threads)
                    for i in missing
                ]  # fmt: skip
                self._compute(stage, label, identity, tasks)
        with self._lock:
            self.records.append({"label": label, "stage": stage.path.name, **(stage.record or {}), "computed": bool(missing)})
        return stage

    def one(self, label: str, function: str, seed: int | None = None, **arguments: Any) -> Path:
        """A stage of a single part; returns that part."""
        return self.stage(label, function, [arguments], seed).part(0)

    def info(self, part: Path) -> dict[str, Any] | None:
        """The plain values of a part that this engine has computed."""
        return load_info(part)

    def took(self, part: Path) -> str:
        """How long the stage of this part took, all its parts together, in words."""
        seconds = (read_json(part.parent / "done.json") or {}).get("seconds", 0.0)
        return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"

    def _compute(self, stage: Stage, label: str, identity: Mapping[str, Any], tasks: list[Task]) -> None:
        """Do the tasks that are missing in a stage, and close it."""
        if not (stage.path / "key.json").exists():
            write_json(stage.path / "key.json", identity)
        with self.reporter.stage(label, stage.count, stage.count - len(tasks)) as progress:
            costs = self.workers.run(tasks, progress, progress.say)
        write_json(stage.path / "done.json", _record(stage, costs, resumed=0 < len(tasks) < stage.count))

    def _identity(self, function: str, arguments: list[dict[str, Any]], seed: int) -> dict[str, Any]:
        modules = {function.partition(":")[0]} | {ref.module for call in arguments for ref in _refs(call)}
        return {
            "function": function,
            "arguments": [{k: self._plain(v) for k, v in call.items()} for call in arguments],
            "code": code_digest(*sorted(modules)),
            "libraries": library_versions(),
            "seed": seed,
            "threads": self.threads,
            "device": self.device,
        }

    def _plain(self, value: Any) -> Any:
        """Arguments as JSON; a path in the store is named by its stage, whose name holds the hash of all it depends on."""
        if isinstance(value, Path):
            return value.relative_to(self.store.root).as_posix()
        if isinstance(value, Ref):
            content = {"content": value.build().fingerprint()} if value.kind in ("shapes", "baseline") else {}
            return {"component": value.target, "config": as_dict(value.config), **content}
        if is_dataclass(value) and not isinstance(value, type):
            return {f.name: self._plain(getattr(value, f.name)) for f in fields(value)}
        if isinstance(value, (list, tuple)):
            return [self._plain(v) for v in value]
        return value


def _refs(call: Mapping[str, Any]) -> list[Ref]:
    flat = [v for value in call.values() for v in (value if isinstance(value, (list, tuple)) else [value])]
    return [v for v in flat if isinstance(v, Ref)]


def _record(stage: Stage, costs: list[Cost], resumed: bool) -> dict[str, Any]:
    return {
        "parts": len(stage.parts()),
        "digest": file_digest(stage.parts()),
        "seconds": round(sum(c.seconds for c in costs), 2),
        "cpu_seconds": round(sum(c.cpu_seconds for c in costs), 2),
        "peak_memory_gib": round(max((c.peak_memory_gib for c in costs), default=0.0), 2),
        "resumed": resumed,
    }


def infos(stage: Stage) -> list[dict[str, Any]]:
    """The info of every part."""
    return [load_info(path) for path in stage.parts()]
