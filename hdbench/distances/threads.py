"""The same work on any number of threads: tasks do not depend on who runs them, so neither do results."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_parallel(task: Callable[[int], None], starts: Sequence[int], threads: int) -> None:
    """``task(start)`` for every start; the tasks write to places of their own and let go of the interpreter while they work."""
    if threads <= 1 or len(starts) <= 1:
        for start in starts:
            task(start)
        return
    with ThreadPoolExecutor(min(threads, len(starts))) as pool:
        list(pool.map(task, starts))
