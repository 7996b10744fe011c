"""Run a foreign command: under a time limit, with its words in a log, judged by the files that it leaves."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hdbench.errors import HdbenchError

INSIDE = Path(__file__).parent / "inside"
PASSED_ON = (
    "PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "TZ", "LD_LIBRARY_PATH", "CUDA_HOME", "CUDA_PATH",
    "CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES", "CC", "CXX", "MAX_JOBS", "TORCH_CUDA_ARCH_LIST", "SYSTEMROOT",
)  # fmt: skip
POLL_SECONDS = 0.1
KILLED = 128 + signal.SIGKILL
GRACE_SECONDS = 5.0  # between the request to end and the end
LAST_LINES = 12
TAIL_BYTES = 2**16
_ENDS = re.compile(r"[\r\n]+")


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended: its exit code, or None when it was stopped, and after how many seconds."""

    code: int | None
    seconds: float

    def __str__(self) -> str:
        how = "was stopped" if self.code is None else f"ended with code {self.code}"
        if self.code == KILLED:
            how = "was killed, perhaps because memory ran out,"
        return f"it {how} after {self.seconds:.0f} s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A command, where and with what it runs, and where its words go.

    ``found`` gives the files that it has left so far; when ``patience_seconds`` is above 0, the command is stopped so long after
    they last changed (it does other things that nobody needs). ``hear`` gets every line of the log.
    """

    words: Sequence[str]
    folder: Path
    environment: Mapping[str, str]
    log: Path
    timeout_seconds: float
    found: Callable[[], list[Path]] = list
    patience_seconds: float = 0.0
    hear: Callable[[str], None] = lambda line: None


def environment(variables: Iterable[str], inherit: Iterable[str], **more: str) -> dict[str, str]:
    """The variables that a command sees: the usual ones of this process, those that are named, and no others."""
    passed = {name: os.environ[name] for name in (*PASSED_ON, *inherit) if name in os.environ}
    given = {name: value for name, _, value in (text.partition("=") for text in variables)}
    return passed | {"PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"} | more | given


def run(job: Job) -> Ended:
    """Run it to its end. It ends with this process, however that goes; after ``timeout_seconds`` it is stopped.

    HdbenchError when the time is over and the files are not there.
    """
    start = time.monotonic()
    job.log.parent.mkdir(parents=True, exist_ok=True)
    with job.log.open("ab") as log:
        log.write(f"$ {' '.join(job.words)}\n".encode())
        log.flush()
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(INSIDE / "supervise.py"), str(os.getpid()), *job.words],
            cwd=job.folder, env=dict(job.environment), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        code = _watch(process, job, start)
    finally:
        _end(process)
    return Ended(code, time.monotonic() - start)


def _watch(process: subprocess.Popen[bytes], job: Job, start: float) -> int | None:
    """The exit code, or None when it was stopped: out of time, or because all that is wanted of it is there."""
    tail, settled = _Tail(job.log), _Settled(job)
    while process.poll() is None:
        for line in tail.lines():
            job.hear(line)
        if time.monotonic() - start > job.timeout_seconds or settled():
            return None
        with suppress(subprocess.TimeoutExpired):
            process.wait(POLL_SECONDS)
    for line in tail.lines():
        job.hear(line)
    return process.returncode


def _end(process: subprocess.Popen[bytes]) -> None:
    """End what is left of the command's process group: ask, wait, and insist."""
    if process.poll() is None:
        _signal(process, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_SECONDS)
    _signal(process, signal.SIGKILL)
    process.wait()


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


class _Tail:
    """The lines that are new in a growing file."""

    def __init__(self, path: Path) -> None:
        self.path, self.place, self.rest = path, path.stat().st_size, b""

    def lines(self) -> list[str]:
        with self.path.open("rb") as file:
            file.seek(max(self.place, self.path.stat().st_size - TAIL_BYTES))
            new = file.read()
            self.place = file.tell()
        whole, end, self.rest = _cut(self.rest + new)
        return [line for line in _ENDS.split(whole.decode("utf-8", "replace")) if line.strip()] if end else []


def _cut(text: bytes) -> tuple[bytes, bool, bytes]:
    """(up to the last end of a line, whether there is one, what follows it)."""
    place = max(text.rfind(b"\n"), text.rfind(b"\r"))
    return text[: place + 1], place >= 0, text[place + 1 :]


class _Settled:
    """Whether the files that are wanted have been there, unchanged, for as long as one has patience."""

    def __init__(self, job: Job) -> None:
        self.job, self.since, self.next = job, 0.0, 0.0
        self.seen: list[tuple[Path, int, int]] = []

    def __call__(self) -> bool:
        now = time.monotonic()
        if not self.job.patience_seconds or now < self.next:
            return False
        self.next = now + min(1.0, self.job.patience_seconds / 4)
        stamps = [(p, p.stat().st_size, p.stat().st_mtime_ns) for p in self.job.found()]
        if stamps != self.seen:
            self.seen, self.since = stamps, now
        return bool(stamps) and now - self.since >= self.job.patience_seconds


def last_lines(log: Path, count: int = LAST_LINES) -> str:
    """The last lines of a log, indented."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - TAIL_BYTES))
        text = file.read().decode("utf-8", "replace")
    return last_words(text, count)


def last_words(text: str, count: int = LAST_LINES) -> str:
    """The last lines of a text, indented."""
    lines = [line.rstrip() for line in _ENDS.split(text) if line.strip()]
    return "\n".join(f"  {line[:300]}" for line in lines[-count:]) or "  (nothing)"


def refuse(name: str, what: str, log: Path, next_step: str) -> HdbenchError:
    """The error of a command that did not do what was wanted of it."""
    return HdbenchError(f"{name}: {what}. Its last words:\n{last_lines(log)}\nThe whole log: {log}. {next_step}")
