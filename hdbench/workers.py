"""Worker processes: one task on one core at a time, with progress sent home and no orphan left behind."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from hdbench.errors import HdbenchError
from hdbench.interfaces import Session
from hdbench.store import load_tensors, save_tensors

_messages: Any = None  # in a worker: the queue on which progress travels home


@dataclass(frozen=True, slots=True)
class Task:
    """One part of a stage: ``module:function`` called with a Session and ``arguments``, and the file that its result goes to.

    The function returns ``(tensors, info)``: a flat dict of tensors and a dict of plain values.
    """

    function: str
    arguments: Mapping[str, Any]
    output: Path
    checkpoint: Path
    seed: int
    device: str = "cpu"
    threads: int = 1


@dataclass(frozen=True, slots=True)
class Cost:
    """What a task took."""

    seconds: float
    cpu_seconds: float
    peak_memory_gib: float


class Workers:
    """A pool of processes that are started when first needed. Use as a context manager."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._pool: ProcessPoolExecutor | None = None
        self._lock = threading.Lock()
        self._listeners: dict[str, Callable[[int, int], None]] = {}
        self._hearers: dict[str, Callable[[str], None]] = {}
        self._queue: Any = None  # what tasks say while they run; None ends the thread that listens

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self.stop()
        elif self._pool is not None:
            self._pool.shutdown()
            self._queue.put(None)

    def stop(self) -> None:
        """End all processes now: a task may run for minutes, and what it has checkpointed is kept."""
        if self._pool is None:
            return
        processes = list((self._pool._processes or {}).values())
        self._pool.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            process.terminate()
        self._queue.put(None)

    def _start(self) -> ProcessPoolExecutor:
        with self._lock:
            if self._pool is None:
                context = multiprocessing.get_context("spawn")
                self._queue = context.Queue()
                self._pool = ProcessPoolExecutor(self.count, context, _initialise, (self._queue, os.getpid()))
                threading.Thread(target=self._listen, args=(self._queue,), daemon=True).start()
            return self._pool

    def _listen(self, queue: Any) -> None:
        while (heard := queue.get()) is not None:
            name, *message = heard
            listener: Callable[..., None] | None = (self._hearers if len(message) == 1 else self._listeners).get(name)
            if listener:
                listener(*message)
        queue.close()

    def run(
        self, tasks: list[Task], progress: Callable[[float], None], say: Callable[[str], None] = lambda text: None
    ) -> list[Cost]:
        """Run tasks, at most ``count`` of them in flight so that other stages get their turn; raises the first error. ``say``
        hears what the programs say that tasks run."""
        pool, costs, waiting = self._start(), [], list(reversed(tasks))
        running: dict[Future[Cost], str] = {}
        shares: dict[str, float] = {}

        def report(name: str, share: float) -> None:
            shares[name] = share
            progress(sum(shares.values()))

        while waiting or running:
            while waiting and len(running) < self.count:
                task = waiting.pop()
                name = str(task.output)
                self._hearers[name] = say
                self._listeners[name] = lambda done, total, name=name: report(name, done / max(total, 1))  # type: ignore[misc]
                running[_submit(pool, task)] = name
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                name = running.pop(future)
                self._listeners.pop(name, None)
                self._hearers.pop(name, None)
                costs.append(_result(future))
                report(name, 1.0)
        return costs


@dataclass(slots=True)
class _Throttle:
    """Progress of one task, sent at most five times a second."""

    name: str
    last: float = field(default=0.0)

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if _messages is not None and (now - self.last > 0.2 or done == total):
            self.last = now
            _messages.put((self.name, done, total))


def _submit(pool: ProcessPoolExecutor, task: Task) -> Future[Cost]:
    try:
        return pool.submit(run_task, task)
    except (BrokenProcessPool, RuntimeError) as error:
        raise _killed() from error


def _result(future: Future[Cost]) -> Cost:
    try:
        return future.result()
    except BrokenProcessPool as error:
        raise _killed() from error


def _killed() -> HdbenchError:
    return HdbenchError(
        "A worker process was killed (perhaps the machine ran out of memory). What is finished is kept: "
        "run the same command again, with fewer processes (--workers 1) if it happens twice."
    )


def _initialise(queue: Any, parent: int) -> None:
    global _messages
    _messages = queue
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
    threading.Thread(target=_leave_with, args=(parent,), daemon=True).start()


def _leave_with(parent: int) -> None:
    """End this worker when its parent is gone, however that happened."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def run_task(task: Task) -> Cost:
    """Do one task in this process and write its part; the number of threads is part of the task, not of the machine."""
    import torch

    torch.set_num_threads(task.threads)
    torch.set_flush_denormal(True)  # a state of the process: every task must find the same, whatever ran here before
    _forget_peak_memory()
    wall, cpu = time.monotonic(), time.process_time()
    module, _, name = task.function.partition(":")
    tensors, info = getattr(import_module(module), name)(_session(task), **task.arguments)
    save_tensors(task.output, tensors, info)
    task.checkpoint.unlink(missing_ok=True)
    return Cost(time.monotonic() - wall, time.process_time() - cpu, _peak_memory_gib())


def _session(task: Task) -> Session:
    import torch

    def load() -> dict[str, Any] | None:
        return load_tensors(task.checkpoint) if task.checkpoint.exists() else None

    def save(tensors: dict[str, Any]) -> None:
        save_tensors(task.checkpoint, tensors, {})

    def say(text: str) -> None:
        if _messages is not None:
            _messages.put((str(task.output), text))

    report, folder = _Throttle(str(task.output)), task.output.with_suffix("")
    return Session(task.seed, torch.device(task.device), report, load, save, folder=folder, say=say)


def _forget_peak_memory() -> None:
    """Start the peak of this process anew, so that a stage's is its own (Linux; elsewhere it is that of the process so far)."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _peak_memory_gib() -> float:
    """Peak resident memory of this process since it was last forgotten; 0 where it cannot be known."""
    with suppress(OSError, StopIteration):
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        kib = next(line for line in lines if line.startswith("VmHWM:")).split()[1]
        return int(kib) / 2**20
    with suppress(ImportError):
        import resource

        unit = 2**30 if sys.platform == "darwin" else 2**20  # macOS counts bytes, others KiB
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    return 0.0
