"""The contract of a logger, on a made run."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import ClassVar

import numpy as np

from hdbench.interfaces import Logged
from hdbench.testing.contract import ComponentContract


class LoggerContract(ComponentContract):
    """It says where the run went, takes runs without curves or pictures, and leaves the run folder alone."""

    kind: ClassVar[str] = "logger"

    def _run(self, folder: Path, whole: bool = True) -> Logged:
        folder.mkdir(exist_ok=True)
        (folder / "run.json").write_text('{"kind": "run"}')
        (folder / "config.toml").write_text("[run]\nseed = 0\n")
        curves = {"A method": {"loss": np.geomspace(1.0, 0.01, 7)}} if whole else {}
        settings = {"run.seed": 0, "a.names": ("x", "y")}
        return Logged(
            name=folder.name, folder=folder, command="hdbench run --method a-method", settings=settings,
            values={"A method": {"MMD": 1.5, "1-NNA": 61.0}}, curves=curves, pictures=(),
        )  # fmt: skip

    def _log(self, place: Path, whole: bool = True) -> tuple[str, Path]:
        run, out = self._run(place / "a-run", whole), place / "logs"
        return self.build().log(run, out), out

    def test_it_says_where_the_run_went(self) -> None:
        with tempfile.TemporaryDirectory() as place:
            said, _ = self._log(Path(place))
            one_line = isinstance(said, str) and said.strip() and "\n" not in said
            self.must(one_line, "say in one line where the run went", f"it says {said!r}")

    def test_it_leaves_the_run_folder_alone(self) -> None:
        with tempfile.TemporaryDirectory() as place:
            before = _digests(self._run(Path(place) / "a-run").folder)
            self._log(Path(place))
            after = _digests(Path(place) / "a-run")
            self.must(before == after, "leave the run folder alone", f"its files were {sorted(before)}, now {sorted(after)}")

    def test_it_takes_a_run_without_curves(self) -> None:
        with tempfile.TemporaryDirectory() as place:
            self._log(Path(place), whole=False)

    def test_it_takes_the_same_run_twice(self) -> None:
        with tempfile.TemporaryDirectory() as place:
            self._log(Path(place))
            self._log(Path(place))


def _digests(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
