"""The command in an empty folder."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from hdbench.__main__ import main

sys.path.insert(0, str(Path(__file__).parent))  # for ``score_files``


@pytest.fixture
def score(tmp_path, monkeypatch, capsys):
    """Run ``hdbench score`` in an empty folder: (exit code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stopped:
            main(["score", *arguments])
        return int(stopped.value.code or 0), *capsys.readouterr()

    return run
