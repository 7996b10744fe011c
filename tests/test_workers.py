"""A task gives the same bits whatever its process did before, and no worker outlives its parent."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import torch

from hdbench.errors import HdbenchError
from hdbench.store import load_info, load_tensors
from hdbench.workers import Task, Workers, run_task

TOY = """
import os, time
import torch
from hdbench.errors import HdbenchError

def halve(session, value):
    return {"half": torch.tensor([value]) * 0.5}, {"pid": os.getpid()}

def refuse(session):
    raise HdbenchError("This toy does not work. Try another.")

def die(session):
    os.kill(os.getpid(), 9)

def wait(session, mark):
    open(mark, "w").write(str(os.getpid()))
    time.sleep(60)
"""


@pytest.fixture
def toy(tmp_path: Path, monkeypatch) -> Path:
    (tmp_path / "toy_tasks.py").write_text(TOY)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return tmp_path


def task(folder: Path, function: str, name: str = "part", **arguments) -> Task:
    return Task(f"toy_tasks:{function}", arguments, folder / f"{name}.safetensors", folder / "checkpoint", seed=0)


def test_denormals_do_not_depend_on_what_ran_in_the_process_before(toy):
    found = []
    for before in (False, True):
        torch.set_flush_denormal(before)
        run_task(task(toy, "halve", value=1.2e-38))
        found.append(load_tensors(toy / "part.safetensors")["half"].view(torch.int32).item())
    torch.set_flush_denormal(False)
    assert found[0] == found[1]


def test_tasks_run_in_other_processes_and_report(toy):
    shares: list[float] = []
    with Workers(2) as workers:
        costs = workers.run([task(toy, "halve", f"p{i}", value=float(i)) for i in range(5)], shares.append)
    assert [load_tensors(toy / f"p{i}.safetensors")["half"].item() for i in range(5)] == [0, 0.5, 1, 1.5, 2]
    assert load_info(toy / "p0.safetensors")["pid"] != os.getpid()
    assert len(costs) == 5
    assert shares[-1] == pytest.approx(5)


def test_a_user_s_mistake_in_a_worker_arrives_as_one(toy):
    with pytest.raises(HdbenchError, match=r"This toy does not work\. Try another\."), Workers(1) as workers:
        workers.run([task(toy, "refuse")], lambda _: None)


def test_a_worker_that_is_killed_is_said_in_words(toy):
    with pytest.raises(HdbenchError, match="A worker process was killed"), Workers(1) as workers:
        workers.run([task(toy, "die")], lambda _: None)


def test_no_worker_outlives_a_parent_that_is_killed(toy):
    code = f"""
from pathlib import Path
from hdbench.workers import Task, Workers
if __name__ == "__main__":
    with Workers(1) as workers:
        folder = Path({str(toy)!r})
        task = Task("toy_tasks:wait", {{"mark": str(folder / "mark")}}, folder / "x", folder / "y", seed=0)
        workers.run([task], lambda _: None)
"""
    (toy / "parent.py").write_text(code)
    parent = subprocess.Popen([sys.executable, str(toy / "parent.py")])
    mark, deadline = toy / "mark", time.monotonic() + 60
    while not (mark.exists() and mark.read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)
    worker = int(mark.read_text())
    parent.kill()
    parent.wait()
    while time.monotonic() < deadline and Path(f"/proc/{worker}").exists():
        time.sleep(0.1)
    assert not Path(f"/proc/{worker}").exists()


def test_no_thread_stays_behind(toy):
    before = set(threading.enumerate())
    with Workers(1) as workers:
        workers.run([task(toy, "halve", value=3.0)], lambda share: None)
    for thread in set(threading.enumerate()) - before:
        thread.join(timeout=10)
    assert set(threading.enumerate()) <= before
