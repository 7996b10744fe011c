"""Fixtures that tests of all rooms share."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

torch.set_num_threads(1)  # as in a worker; small products on two busy cores are ten times slower with two


@pytest.fixture
def hdbench(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the command line in a process of its own, in an empty folder."""

    def run(*arguments: str, timeout: float = 240) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "hdbench", *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=timeout, check=False)

    return run


@pytest.fixture(scope="session")
def reference_run() -> Path:
    """The run folder of results/, without its meshes and clouds."""
    return Path(__file__).parents[1] / "results" / "airplane-tiny"


@pytest.fixture
def made_run(reference_run: Path) -> Callable[..., Path]:
    """Make a run folder with the record of the reference run, another seed, and whatever ``change`` does to the record."""

    def make(folder: Path, seed: int = 0, change: Callable[[dict[str, Any]], None] = lambda record: None) -> Path:
        record = json.loads((reference_run / "run.json").read_text(encoding="utf-8"))
        record["configuration"]["run"]["seed"] = seed
        change(record)
        folder.mkdir(parents=True)
        (folder / "run.json").write_text(json.dumps(record), encoding="utf-8")
        return folder

    return make
