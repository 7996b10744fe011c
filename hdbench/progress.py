"""What a user sees while stages run: a bar with the time left per stage on a terminal, nothing elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


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
            console=console,
            disable=not console.is_terminal if quiet is None else quiet,
        )

    def __enter__(self) -> Reporter:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    @contextmanager
    def stage(self, label: str, total: int, done: int) -> Iterator[Callable[[float], None]]:
        """A bar for one stage of ``total`` parts of which ``done`` exist; yields the function that moves it."""
        task = self._bars.add_task(label, total=total, completed=done)
        yield lambda parts: self._bars.update(task, completed=done + parts)
        self._bars.update(task, completed=total)
