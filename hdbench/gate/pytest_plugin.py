"""The pytest plugin: a fixture that fails a test when a run is worse than a reference. Loading it imports nothing of hdbench.

@pytest.mark.hdbench_check(run="runs/airplane-*", against="reference.json")
def test_the_shapes_did_not_get_worse(hdbench_check):
    hdbench_check()
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from hdbench.gate.lines import Verdict

MARKER = "hdbench_check(run, against, **options): what the fixture of this name compares; options as in 'hdbench check'"


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--hdbench-run`` names the run of this session, where a test does not."""
    group = parser.getgroup("hdbench")
    group.addoption(
        "--hdbench-run", metavar="DIR", help="The run folder (or a pattern of several seeds) that hdbench_check takes."
    )
    group.addoption("--hdbench-against", metavar="FILE", help="The reference that hdbench_check takes.")


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", MARKER)


@pytest.fixture
def hdbench_check(request: pytest.FixtureRequest) -> Callable[..., Verdict]:
    """Call it with ``run``, ``against`` and options of ``hdbench check`` (metrics, rows, thresholds, alpha, timings, slower,
    relative_to, calibrate), or give them to the marker or on the command line. Paths and patterns are relative to the root of
    the tests. Returns the verdict; fails the test with one line per metric if the run is worse, and with the reason if the two do
    not compare.
    """
    marker = request.node.get_closest_marker("hdbench_check")
    settings = {
        "run": request.config.getoption("--hdbench-run"),
        "against": request.config.getoption("--hdbench-against"),
        **(marker.kwargs if marker else {}),
    }
    return lambda run=None, against=None, **options: _checked(
        request.config.rootpath,
        **{**settings, **options, **({"run": run} if run else {}), **({"against": against} if against else {})},
    )


def _checked(root: Path, run: Any, against: Any, **options: Any) -> Verdict:
    from hdbench.errors import HdbenchError
    from hdbench.gate.run import gate
    from hdbench.gate.words import to_text

    try:
        verdict = gate(_folders(root, run), _reference(root, against), _options(options))
    except HdbenchError as error:
        pytest.fail(f"hdbench_check: {error}", pytrace=False)
    if not verdict.passed:
        pytest.fail(to_text(verdict), pytrace=False)
    return verdict


def _folders(root: Path, run: Any) -> list[Path]:
    """The run folders that a path, a pattern or a list of them names."""
    from hdbench.errors import HdbenchError

    if run is None:
        raise HdbenchError("Name a run: hdbench_check(run=...), the marker of this name, or --hdbench-run DIR.")
    named = [run] if isinstance(run, (str, Path)) else list(run)
    found = [path for name in named for path in (sorted(root.glob(str(name))) if "*" in str(name) else [root / name])]
    folders = [path for path in found if len(found) == 1 or (path / "run.json").is_file()]
    if not folders:
        raise HdbenchError(f"No run folder is named '{run}' below '{root}'. 'hdbench run' writes run folders.")
    return folders


def _reference(root: Path, against: Any) -> Path:
    from hdbench.errors import HdbenchError

    if against is None:
        raise HdbenchError("Name a reference: hdbench_check(against=...), the marker, or --hdbench-against FILE.")
    return root / against


def _options(given: dict[str, Any]) -> Any:
    from dataclasses import fields

    from hdbench.errors import unknown
    from hdbench.gate.run import Options

    known = [field.name for field in fields(Options)]
    for name in given:
        if name not in known:
            raise unknown("option of hdbench_check", name, ["run", "against", *known])
    thresholds = given.get("thresholds", ())
    if isinstance(thresholds, dict):
        given = {**given, "thresholds": tuple(f"{name}={value}" for name, value in thresholds.items())}
    return Options(**given)
