"""``hdbench metrics``: what is listed, what the self-test writes, and when it fails."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner

from hdbench.commands.metrics import metrics
from hdbench.hookspecs import Offer, hookimpl
from hdbench.interfaces import Comparison, Metric, Vector
from hdbench.registry import Registry
from hdbench.selftest import run
from hdbench.selftest.base import Size

TINY = Size(shapes=10, training=8, draws=3, worse=1, points=24)


@dataclass(frozen=True)
class Nothing:
    """No settings."""


class Wrong(Metric):
    """A metric that misses a known answer."""

    name, source, Config, direction, range, unit, definition = "wrong", "", Nothing, "lower", (0, 9), "", "d"

    def measure(self, comparison):
        return {"C": 5.0}

    @classmethod
    def vectors(cls):
        cloud, distances = np.zeros((1, 1, 1, 3), np.float32), np.zeros((1, 1))
        return (Vector("six", Comparison(cloud, cloud, distances, distances, distances), {"C": 6}),)


@pytest.fixture
def registry(monkeypatch):
    """What is installed, a metric that is wrong, and one whose code cannot be imported."""
    monkeypatch.setattr(run, "QUICK", TINY)
    monkeypatch.setitem(sys.modules, "metrics_of_a_test", SimpleNamespace(Wrong=Wrong))

    class Plugin:
        @hookimpl
        def hdbench_components(self):
            offers = (("wrong", "metrics_of_a_test:Wrong"), ("lost", "nowhere.at.all:Lost"))
            return [Offer("metric", name, target, "a summary", "a source", when="asked") for name, target in offers]

    found = Registry().load()
    found.add(Plugin(), "toys", "hdbench-toys", "1.0")
    return found


@pytest.fixture
def command(registry, tmp_path, monkeypatch):
    """Run the command in this process, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def invoke(*arguments):
        return CliRunner().invoke(metrics, arguments, obj=registry, env={"COLUMNS": "100"})

    return invoke


def test_every_installed_metric_is_listed_under_where_it_is_computed(command, registry):
    lines = command().stdout.splitlines()
    heads = [line.split()[0] for line in lines if line and not line.startswith((" ", "In ", "Only "))]
    assert sorted(heads) == registry.names("metric")
    assert max(map(len, lines)) <= 100
    assert not any(line.endswith(" ") for line in lines)
    asked = heads[heads.index("mmd-cd") :]
    assert asked.index("wrong") > asked.index("zu")  # those of every table and score come first


def test_an_entry_says_how_to_read_the_metric(command):
    lines = command("--metric", "1nna-cd").stdout.splitlines()
    assert lines[0] == "In every table"
    assert lines[2].split() == ["1nna-cd", "→", "50", "is", "ideal", "0", "to", "100", "%"]
    assert lines[3].strip().startswith("leave-one-out accuracy of a nearest-neighbour classifier")
    assert "Lopez-Paz and Oquab 2017" in " ".join(lines[4:])
    assert "hdbench-set-metrics" in " ".join(lines[4:])


def test_ranges_without_an_end_are_infinite(command):
    assert "↓ lower is better  0 to ∞, x100" in command("--metric", "mmd-cd").stdout
    assert "-∞ to ∞, z" in command("--metric", "zu").stdout


def test_a_metric_that_cannot_be_imported_is_listed_with_the_reason(command):
    assert "cannot be imported from 'nowhere.at.all:Lost'" in " ".join(command("--metric", "lost").stdout.split())


def test_json_describes_every_metric(command, registry):
    records = {record["name"]: record for record in json.loads(command("--json").stdout)}
    assert sorted(records) == registry.names("metric")
    mmd = records["mmd-cd"]
    assert (mmd["direction"], mmd["target"], mmd["range"], mmd["unit"], mmd["when"]) == (
        "lower",
        None,
        [0, None],
        "x100",
        "table",
    )
    assert all(record["definition"] and record["cost"] for record in records.values() if "problem" not in record)
    assert [name for name, record in records.items() if "problem" in record] == ["lost"]


def test_the_selftest_writes_table_curves_and_picture_and_prints_the_matrix(command, tmp_path):
    done = command("--selftest", "--quick", "--metric", "mmd-cd", "--out", "here", "--device", "cpu")
    assert done.exit_code == 0, done.output
    assert sorted(path.name for path in (tmp_path / "here").iterdir()) == ["audit.json", "audit.md", "curves.csv", "curves.png"]
    assert done.stdout.splitlines()[0].endswith("known answers of 1 metrics are right.")
    assert [line.split()[0] for line in done.stdout.splitlines() if line.startswith("mmd")] == ["mmd-cd"]
    assert "curves.png" in done.stderr


def test_the_selftest_prints_json_that_is_the_file(command, tmp_path):
    done = command("--selftest", "--quick", "--metric", "mmd-cd", "--json", "--device", "cpu")
    assert json.loads(done.stdout) == json.loads((tmp_path / "metrics-selftest" / "audit.json").read_text())


def test_a_missed_answer_is_exit_code_1(command):
    done = command("--selftest", "--quick", "--metric", "wrong", "--device", "cpu")
    assert done.exit_code == 1
    assert done.stdout.splitlines()[:2] == [
        "FAILED  wrong, six: C is 5, expected 6",
        "0 of 1 known answers of 1 metrics are right.",
    ]  # fmt: skip


def test_what_is_left_out_is_named(registry):
    slow = run.skipped(registry, ["mmd-cd", "1nna-emd", "wrong", "zu"], quick=False)
    assert list(slow) == ["1nna-emd", "wrong"]
    features = [name for name in registry.names("metric") if name.startswith("fpd[")]
    assert set(run.skipped(registry, [*features, "mmd-cd"], quick=True)) == set(features)


def test_a_name_that_does_not_exist_is_refused_before_anything_is_computed(hdbench):
    for arguments in ((), ("--selftest",)):
        done = hdbench("metrics", "--metric", "mmd-dc", *arguments)
        assert done.returncode == 2
        assert "There is no metric named 'mmd-dc'. Did you mean 'mmd-cd'?" in done.stderr


def test_settings_of_the_selftest_without_it_are_refused(hdbench):
    done = hdbench("metrics", "--quick")
    assert done.returncode == 2
    assert "Add --selftest" in done.stderr


def test_help_imports_nothing_heavy():
    code = (
        "import sys\nfrom hdbench.__main__ import main\n"
        "try:\n    main(['metrics', '--help'])\nexcept SystemExit:\n    pass\n"
        "print('HEAVY', {'torch', 'numpy', 'scipy', 'matplotlib'} & set(sys.modules))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "--selftest" in out
    assert out.splitlines()[-1] == "HEAVY set()"
