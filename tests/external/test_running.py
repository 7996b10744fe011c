"""Foreign commands: under a limit, to a log, and never left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hdbench.external.running import Job, environment, last_lines, run

ENVIRONMENT = environment((), ())


def job(folder: Path, code: str, **settings) -> Job:
    """A Python script in a folder."""
    defaults = {"timeout_seconds": 60.0, "environment": ENVIRONMENT, "log": folder / "log"}
    return Job(words=[sys.executable, "-S", "-c", code], folder=folder, **{**defaults, **settings})


def is_alive(pid: int) -> bool:
    """Whether a process runs (a dead one that nobody has waited for yet does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def waits(holds, seconds: float = 20.0) -> bool:
    """Whether it holds before long."""
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.05)
    return bool(holds())


CHILD = "import subprocess, sys, time; p = subprocess.Popen([sys.executable, '-S', '-c', 'import time; time.sleep(600)']); "


def test_the_exit_code_and_every_line_arrive(tmp_path):
    heard: list[str] = []
    ended = run(job(tmp_path, "import sys; print('one'); print('two', file=sys.stderr); sys.exit(3)", hear=heard.append))
    assert ended.code == 3
    assert {"one", "two"} <= set(heard)
    assert "one\n" in (tmp_path / "log").read_text()


def test_a_progress_bar_is_heard_while_it_moves(tmp_path):
    heard: list[tuple[float, str]] = []
    code = "import sys, time\nfor k in range(3): sys.stdout.write(f'\\r{k}/3'); sys.stdout.flush(); time.sleep(0.5)"
    run(job(tmp_path, code, hear=lambda line: heard.append((time.monotonic(), line))))
    times = [when for when, line in heard if "/3" in line]
    assert len(times) >= 2
    assert times[-1] - times[0] > 0.2


def test_ten_megabytes_of_words_neither_block_nor_fill_the_error(tmp_path):
    ended = run(job(tmp_path, "for k in range(100_000): print('x' * 100)\nprint('the end')"))
    assert ended.code == 0
    said = last_lines(tmp_path / "log")
    assert said.endswith("the end")
    assert len(said) < 5000


def test_after_the_time_is_over_the_command_and_its_children_are_gone(tmp_path):
    code = CHILD + "print(p.pid, flush=True); time.sleep(600)"
    ended = run(job(tmp_path, code, timeout_seconds=1.5))
    assert ended.code is None
    assert 1.5 <= ended.seconds < 30
    child = int((tmp_path / "log").read_text().splitlines()[-1])
    assert waits(lambda: not is_alive(child))


def test_a_command_that_ends_leaves_no_children(tmp_path):
    run(job(tmp_path, CHILD + "print(p.pid, flush=True)"))
    assert waits(lambda: not is_alive(int((tmp_path / "log").read_text().splitlines()[-1])))


def test_a_command_that_ignores_the_request_to_end_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr("hdbench.external.running.GRACE_SECONDS", 0.5)
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
    assert run(job(tmp_path, code, timeout_seconds=1.0)).seconds < 20


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_when_the_worker_is_ended_so_is_the_command(tmp_path, how):
    """Workers are terminated on Ctrl-C, and killed when memory runs out: in both cases they cannot clean up."""
    script = tmp_path / "worker.py"
    script.write_text(
        "import sys; from pathlib import Path; from hdbench.external.running import *\n"
        f"code = {CHILD + 'print(os.getpid(), p.pid, flush=True); time.sleep(600)'!r}\n"
        "words = [sys.executable, '-S', '-c', 'import os; ' + code]\n"
        f"run(Job(words=words, folder=Path({str(tmp_path)!r}), environment=environment((), ()), log=Path('log'), "
        "timeout_seconds=600))\n"
    )
    worker = subprocess.Popen([sys.executable, str(script)], cwd=tmp_path)
    log = tmp_path / "log"
    assert waits(lambda: log.exists() and len(log.read_text().splitlines()) > 1, 60)
    pids = [int(word) for word in log.read_text().splitlines()[-1].split()]
    assert all(map(is_alive, pids))
    os.kill(worker.pid, how)
    worker.wait()
    assert waits(lambda: not any(map(is_alive, pids)))


def test_a_command_may_be_stopped_once_its_file_has_settled(tmp_path):
    code = "import time; open('out', 'w').write('x'); time.sleep(600)"
    ended = run(job(tmp_path, code, found=lambda: list(tmp_path.glob("out")), patience_seconds=0.5))
    assert ended.code is None
    assert ended.seconds < 30


def test_of_the_variables_only_the_usual_and_the_named_are_seen(tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET_TOKEN", "x")
    monkeypatch.setenv("MY_DATA", "y")
    seen = environment(("COLOUR=blue",), ("MY_DATA",), HDBENCH_SEED="3")
    assert "SECRET_TOKEN" not in seen
    assert "PYTHONPATH" not in seen
    assert (seen["COLOUR"], seen["MY_DATA"], seen["HDBENCH_SEED"]) == ("blue", "y", "3")
    run(job(tmp_path, "import os; print('SECRET_TOKEN' in os.environ)"))
    assert last_lines(tmp_path / "log").strip().endswith("False")


def test_a_program_that_does_not_exist_is_told_in_the_log(tmp_path):
    ended = run(
        Job(words=["/no/such/program"], folder=tmp_path, environment=ENVIRONMENT, log=tmp_path / "log", timeout_seconds=9)
    )
    assert ended.code == 127
    assert "/no/such/program: No such file" in last_lines(tmp_path / "log")
