"""What a user sees while stages run: a bar with the time left per stage on a terminal, nothing elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

SAID = 60  # characters of a line that another program says


@dataclass(frozen=True, slots=True)
class Bar:
    """The bar of one stage: called with how many of its parts are done; ``say`` shows a line beside it."""

    bars: Progress
    task: TaskID
    done: int

    def __call__(self, parts: float) -> None:
        self.bars.update(self.task, completed=self.done + parts)

    def say(self, text: str) -> None:
        self.bars.update(self.task, said=escape(text[:SAID]))


class Reporter:
    """Bars on stderr; a context manager. Quiet when stderr is not a terminal."""

    def __init__(self, quiet: bool | None = None) -> None:
        console = Console(stderr=True)
        self._bars = Progress(
            TextColumn("{task.description:<34}"),
            BarColumn(bar_width=30),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("[dim]{task.fields[said]}"),
            console=console,
            disable=not console.is_terminal if quiet is None else quiet,
        )

    def __enter__(self) -> Reporter:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    @contextmanager
    def stage(self, label: str, total: int, done: int) -> Iterator[Bar]:
        """A bar for one stage of ``total`` parts of which ``done`` exist; yields the bar, which is called to move it."""
        task = self._bars.add_task(label, total=total, completed=done, said="")
        yield Bar(self._bars, task, done)
        self._bars.update(task, completed=total, said="")
