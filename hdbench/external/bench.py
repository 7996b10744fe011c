"""The workbench of a foreign repository: a copy of the checkout, data in its layout, its commands one after the other."""

from __future__ import annotations

import glob
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from hdbench.errors import HdbenchError
from hdbench.external import checkout
from hdbench.external.layouts import WRITERS, Material
from hdbench.external.layouts.material import SYNSETS
from hdbench.external.running import INSIDE, Ended, Job, environment, refuse, run
from hdbench.external.specification import Command, filled
from hdbench.interfaces import Session
from hdbench.seeds import seed_of

if TYPE_CHECKING:
    from hdbench.external.driving import Driven

AUTO = "auto"
SHARES = 1000  # of a command, in which its progress is told


@dataclass(slots=True, eq=False)
class Bench:
    """``work`` holds the copy of the checkout, ``data``, ``out`` and the logs; ``values`` fill the placeholders."""

    driven: Driven
    session: Session
    work: Path
    stage: str
    seed: int
    values: dict[str, str] = field(default_factory=dict)

    @property
    def repo(self) -> Path:
        """The copy of the checkout."""
        return self.work / "checkout"

    @property
    def category(self) -> str:
        """What the repository calls the shapes: its parameter ``category``."""
        return self.values.get("category", "shapes")

    def settle_category(self, names: tuple[str, ...]) -> None:
        """Where the parameter ``category`` is ``auto``: the category whose name or id is in all names of the shapes.

        HdbenchError when there is none.
        """
        if self.category != AUTO:
            return
        for category, synset in SYNSETS.items():
            if all(category in name.lower() or synset in name for name in names):
                self.values["category"] = category
                return
        raise HdbenchError(
            f"The names of the training shapes do not tell what they are, and the checkout of '{self.driven.name}' must know. "
            f"Write -o {self.driven.name}.arguments=category=chair, or another: {', '.join(SYNSETS)}."
        )

    def write(self, material: Material) -> None:
        """The data, in the layout of the specification."""
        data = self.driven.specification.data
        self.session.say("writing the data")
        script = WRITERS[data.layout](Path(filled(data.folder, self.values)), material, data)
        if script:
            ended, log = self._start([self.values["python"], str(INSIDE / script[0]), *script[1:]], "data", self.repo, None)
            if ended.code != 0:
                raise self._refused("could not write the data in its layout", ended, log)

    def run_all(self, commands: tuple[Command, ...]) -> Path:
        """Run the commands in turn; returns what the last of them left. HdbenchError when one leaves nothing."""
        found = Path()
        for index, command in enumerate(commands):
            found = self._run(command, index, len(commands))
            self.session.progress((index + 1) * SHARES, len(commands) * SHARES)
        return found

    def _run(self, command: Command, index: int, total: int) -> Path:
        folder = self.repo / filled(command.folder, self.values)
        if not folder.is_dir():
            raise HdbenchError(f"{self.driven.name}: the checkout has no folder '{command.folder}', where a command shall run.")
        before = _stamps(self._matches(command, folder))
        watch = _Progress(command.progress, index, total, self.session)

        def found() -> list[Path]:
            return [path for path, stamp in _stamps(self._matches(command, folder)).items() if before.get(path) != stamp]

        name = self.stage if total == 1 else f"{self.stage}-{index + 1}"
        ended, log = self._start(self._words(command), name, folder, command, found, watch)
        if not (left := found()):
            raise self._refused(f"no new file fits '{filled(command.output, self.values)}'", ended, log)
        if ended.code != 0:
            self.session.say(f"{ended}; its files are there")
        return sorted(left, key=_natural)[-1]

    def _start(self, words, name, folder, command, found=list, hear=None) -> tuple[Ended, Path]:  # type: ignore[no-untyped-def]
        """Run words in a folder; returns how it ended and the log."""
        log = self.work / f"{name}.log"
        spec = self.driven.specification.environment
        minutes = self.driven.timeout_minutes or (command.timeout_minutes if command else 60.0)
        variables = [filled(text, self.values) for text in spec.variables]
        threads = str(self.values["threads"])
        job = Job(
            words=words, folder=folder, log=log, timeout_seconds=60 * minutes, found=found, hear=hear or self.session.say,
            patience_seconds=command.patience_seconds if command else 0.0,
            environment=environment(
                variables, spec.inherit, HDBENCH_SEED=str(self.seed), OMP_NUM_THREADS=threads, MKL_NUM_THREADS=threads
            ),
        )  # fmt: skip
        ended = run(job)
        if ended.code is None and ended.seconds >= job.timeout_seconds and not found():
            raise self._refused(f"is not done after {minutes:g} minutes", ended, log, "timeout_minutes gives it more time. ")
        return ended, log

    def _words(self, command: Command) -> list[str]:
        """The command; a Python script starts through the launcher."""
        words = [filled(word, self.values) for word in command.run]
        if command.run[0] != "{python}":
            return words
        spec = self.driven.specification
        options = {
            "--shims": ",".join(spec.environment.shims), "--stubs": ",".join(spec.environment.stubs),
            "--patches": os.pathsep.join(map(str, spec.patches())),
        }  # fmt: skip
        given = [f"{option}={value}" for option, value in options.items() if value]
        return [words[0], str(INSIDE / "launcher.py"), *given, "--", *words[1:]]

    def _matches(self, command: Command, folder: Path) -> list[Path]:
        """The files that fit the output's pattern; a folder fits when there is something in it."""
        pattern = filled(command.output, {name: glob.escape(value) for name, value in self.values.items()})
        places = [folder / name for name in glob.glob(pattern, root_dir=folder, recursive=True)]
        return [place for place in places if (any(place.iterdir()) if place.is_dir() else place.stat().st_size)]

    def _refused(self, what: str, ended: Ended, log: Path, step: str = "") -> HdbenchError:
        step += f"'hdbench doctor {self.driven.name}', with the same -o, checks the checkout."
        return refuse(f"External {self.driven.name}, {log.stem}", f"{what} ({ended})", log, step)


@contextmanager
def open_bench(driven: Driven, session: Session, stage: str) -> Iterator[Bench]:
    """A bench with a fresh copy of the checkout. When the work is done only the logs are kept; after a failure, everything."""
    work = (session.folder or Path(tempfile.mkdtemp(prefix="hdbench-"))).absolute()
    repo, interpreter, spec = driven.folder(), driven.interpreter(), driven.specification
    shutil.rmtree(work, ignore_errors=True)
    (work / "out").mkdir(parents=True)
    checkout.copy(repo, work / "checkout", spec.environment.leave_out)
    seed = seed_of(session.seed, "external", stage) % 2**31
    values = {
        "python": str(interpreter), "repo": str(work / "checkout"), "here": str(spec.folder), "data": str(work / "data"),
        "out": str(work / "out"), "count": "0", "seed": str(seed), "device": session.device.type, "checkpoint": "",
        "threads": str(torch.get_num_threads()), "points": str(spec.data.points), **spec.values(driven.arguments),
    }  # fmt: skip
    yield Bench(driven, session, work, stage, seed, values)
    for part in work.iterdir() if session.folder else (work,):
        if part.is_dir():
            shutil.rmtree(part, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class _Progress:
    """Hears the lines of a log: shows them, and finds in them how far the command is."""

    pattern: str
    index: int
    total: int
    session: Session

    def __call__(self, line: str) -> None:
        self.session.say(line)
        found = re.search(self.pattern, line) if self.pattern else None
        if found and all(_is_number(text) for text in found.groups()):
            parts = [float(text) for text in found.groups()]
            share = min(1.0, parts[0] / max(parts[1] if len(parts) > 1 else 100.0, 1e-9))
            self.session.progress(int((self.index + share) * SHARES), self.total * SHARES)


def _is_number(text: str | None) -> bool:
    return text is not None and text.replace(".", "", 1).isdigit()


def _stamps(paths: list[Path]) -> dict[Path, tuple[int, int]]:
    return {path: (path.stat().st_size, path.stat().st_mtime_ns) for path in paths}


def _natural(path: Path) -> list[tuple[int, str]]:
    """A key that sorts ``epoch_9`` before ``epoch_10``."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", str(path))]
