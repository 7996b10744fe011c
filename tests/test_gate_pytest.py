"""The fixture and the marker for users' own tests, run by pytest as they are installed."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points

import pytest

pytest_plugins = ["pytester"]


@pytest.fixture
def project(pytester, made_run, reference_run):
    """A user's repository: a reference, a run as good, a run that is worse."""

    def worse(record):
        [row] = [row for row in record["rows"] if row["title"] == "HyperDiffusion"]
        row["score"]["estimates"]["MMD"]["value"] = 9.0

    made_run(pytester.path / "runs" / "good-1", 1)
    made_run(pytester.path / "bad" / "run-1", 1, worse)
    text = (reference_run.parent / "reference" / "airplane-tiny.json").read_text()
    (pytester.path / "reference.json").write_text(text)
    return pytester


def outcomes(project, source, *arguments):
    project.makepyfile(source)
    result = project.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:xdist", "--strict-markers", *arguments)
    return result.parseoutcomes(), result.stdout.str()


def test_the_marker_names_run_and_reference(project):
    found, _ = outcomes(project, """
        import pytest

        @pytest.mark.hdbench_check(run="runs/good-*", against="reference.json")
        def test_shapes(hdbench_check):
            assert hdbench_check().passed
    """)  # fmt: skip
    assert found == {"passed": 1}


def test_a_run_that_is_worse_fails_with_one_line_per_metric_and_no_traceback(project):
    found, shown = outcomes(project, """
        def test_shapes(hdbench_check):
            hdbench_check("bad/run-1", "reference.json")
    """)  # fmt: skip
    assert found == {"failed": 1}
    assert "FAIL  HyperDiffusion: MMD" in shown
    assert "Traceback" not in shown
    assert "gate/run.py" not in shown


def test_options_are_those_of_the_command(project):
    found, shown = outcomes(project, """
        def test_tolerated(hdbench_check):
            hdbench_check("bad/run-1", "reference.json", thresholds={"MMD": "off"})

        def test_other_metrics(hdbench_check):
            hdbench_check("bad/run-1", "reference.json", metrics=["cov-cd"])

        def test_misspelt(hdbench_check):
            hdbench_check("bad/run-1", "reference.json", threshold={"MMD": 1})
    """)  # fmt: skip
    assert found == {"passed": 2, "failed": 1}
    assert "Did you mean 'thresholds'?" in shown


def test_the_command_line_names_them_where_the_test_does_not(project):
    source = """
        def test_shapes(hdbench_check):
            hdbench_check()
    """
    assert outcomes(project, source, "--hdbench-run", "runs/good-1", "--hdbench-against", "reference.json")[0] == {"passed": 1}
    found, shown = outcomes(project, source)
    assert found == {"failed": 1}
    assert "hdbench_check: Name a run" in shown


def test_what_does_not_exist_is_said(project):
    found, shown = outcomes(project, """
        def test_run(hdbench_check):
            hdbench_check("nowhere/*", "reference.json")

        def test_reference(hdbench_check):
            hdbench_check("runs/good-1", "nowhere.json")
    """)  # fmt: skip
    assert found == {"failed": 2}
    assert "No run folder is named 'nowhere/*'" in shown
    assert "There is no reference file" in shown


def test_loading_it_imports_nothing_heavy():
    assert [point.value for point in entry_points(group="pytest11", name="hdbench")] == ["hdbench.gate.pytest_plugin"]
    code = "import sys, hdbench.gate.pytest_plugin; print(sorted({m.partition('.')[0] for m in sys.modules}))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not {"torch", "numpy", "scipy", "click", "pluggy_hdbench"} & set(eval(shown))
    assert "pytest" in shown
