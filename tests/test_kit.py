"""What an author gets: new distributions hold their contract as written, and broken ones are told what is wrong."""

from __future__ import annotations

import importlib
import subprocess
import sys
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from click.testing import CliRunner

from hdbench.__main__ import cli, plugins_first
from hdbench.errors import HdbenchError
from hdbench.hookspecs import API_LEVELS
from hdbench.interfaces import INTERFACES
from hdbench.kit.examine import CONTRACTS, Check, chosen, examine
from hdbench.kit.kinds import KINDS
from hdbench.kit.known import KNOWN, hint, not_installed
from hdbench.kit.scaffold import names_of, write_distribution
from hdbench.registry import Registry
from hdbench.testing.contract import installed

PLUGINS = Path(__file__).parents[1] / "plugins"


def imported(folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Registry, ModuleType]:
    """A registry with the distribution in ``folder``, as if it were installed, and the module of its component."""
    [package] = (folder / "src").iterdir()
    monkeypatch.syspath_prepend(package.parent)
    registry = Registry().load()
    registry.add(importlib.import_module(package.name), package.name, folder.name, "0.1.0")
    [offer] = [r.offer for r in registry.components.values() if r.distribution == folder.name]
    return registry, importlib.import_module(offer.target.partition(":")[0])


def checks(registry: Registry, name: str, *settings: str) -> list[Check]:
    return [check for registered in chosen(registry, name) for check in examine(registry, registered, settings)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_distribution_holds_its_contract_as_it_is_written(kind, tmp_path, monkeypatch):
    folder, _ = write_distribution(f"fresh-{kind}", kind, tmp_path)
    registry, _ = imported(folder, monkeypatch)
    found = checks(registry, folder.name)
    assert len(found) > 5
    assert [check for check in found if not check.holds] == []


def test_a_new_distribution_installs_offline_and_passes_its_own_tests(tmp_path):
    folder, _ = write_distribution("offline", "baseline", tmp_path)
    site = tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-build-isolation", "--no-deps"]
    subprocess.run([*pip, "--target", str(site), "-e", str(folder)], check=True)
    listed = f"import site; site.addsitedir({str(site)!r}); from hdbench.registry import Registry; " \
             "print(Registry().load().find('baseline', 'offline').distribution)"  # fmt: skip
    out = subprocess.run([sys.executable, "-c", listed], check=True, capture_output=True, text=True).stdout
    assert out.strip() == "hdbench-offline"
    tests = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", str(folder / "tests")]
    done = subprocess.run(
        tests, env={"PYTHONPATH": f"{site}:{folder / 'src'}", "PATH": ""}, cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


BROKEN = {
    "baseline.fit": ("fit", lambda self, training, session: {"clouds": 3}, "as a flat dict of tensors"),
    "baseline.sample": ("sample", lambda self, state, count, session: state["clouds"][:1], "give 4 samples when 4 are asked for"),
    "metric.measure": ("measure", lambda self, comparison: {"x": -1.0}, "stay finite and in its range"),
    "shapes.names": ("names", lambda self: ("a", "a"), "name its shapes uniquely"),
    "shapes.shape": ("shape", lambda self, name: 1 / 0, "raised ZeroDivisionError"),
    "encoder.queries": ("queries", lambda self: importlib.import_module("hdbench.interfaces").QuerySpec(), "ask for points"),
    "encoder.encode": ("encode", lambda self, samples, start, session: None, "returns None (is a 'return' missing?)"),
    "encoder.decode": ("decode", lambda self, weights, frames, resolution, level: (), "decode to 1 meshes, one per frame"),
    "denoiser.train": ("train", lambda self, network, weights, schedule, session: {}, "return curves of its training"),
    "sampler.sample": ("sample", lambda self, denoise, schedule, start, noise: start, "end at the one point"),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_method_is_told_what_is_wrong_in_words(case, tmp_path, monkeypatch):
    kind = case.partition(".")[0]
    method, broken, words = BROKEN[case]
    name = f"broken-{kind}-{method}"
    registry, module = imported(write_distribution(name, kind, tmp_path)[0], monkeypatch)
    monkeypatch.setattr(getattr(module, names_of(name, kind).cls), method, broken)
    assert any(words in check.wrong and f"The {kind} '{name}'" in check.wrong for check in checks(registry, name))


def demanded(kind: str) -> list[str]:
    """The methods that an author of this kind has to write."""
    return sorted(INTERFACES[kind].__abstractmethods__)


@pytest.mark.parametrize("kind", KINDS)
def test_a_method_that_forgets_its_return_is_named_and_no_check_stumbles_over_it(kind, tmp_path, monkeypatch):
    registry, module = imported(write_distribution(f"silent-{kind}", kind, tmp_path)[0], monkeypatch)
    cls = getattr(module, names_of(f"silent-{kind}", kind).cls)
    for method in demanded(kind):
        with monkeypatch.context() as patch:
            patch.setattr(cls, method, lambda self, *given: None)
            wrong = [check.wrong for check in checks(registry, f"silent-{kind}") if not check.holds]
        assert any(f"from '{method}', but it returns None (is a 'return' missing?)" in text for text in wrong), wrong
        assert not [text for text in wrong if "raised" in text]


@pytest.mark.parametrize("kind", KINDS)
def test_a_method_that_takes_other_arguments_is_named_with_those_of_the_interface(kind, tmp_path, monkeypatch):
    registry, module = imported(write_distribution(f"other-{kind}", kind, tmp_path)[0], monkeypatch)
    cls = getattr(module, names_of(f"other-{kind}", kind).cls)
    for method in demanded(kind):
        with monkeypatch.context() as patch:
            patch.setattr(cls, method, lambda self, one, two, three, four, five, six: None)
            wrong = {check.wrong for check in checks(registry, f"other-{kind}") if not check.holds}
        assert len(wrong) == 1
        assert f"must take the arguments of the interface, {method}(" in wrong.pop()


def test_a_method_that_is_not_written_is_named(tmp_path, monkeypatch):
    registry, module = imported(write_distribution("half", "baseline", tmp_path)[0], monkeypatch)
    monkeypatch.delattr(module.HalfBaseline, "sample")
    monkeypatch.setattr(module.HalfBaseline, "__abstractmethods__", frozenset({"sample"}))
    wrong = {check.wrong for check in checks(registry, "half") if not check.holds}
    assert wrong == {"The baseline 'half' must have the method 'sample' of its interface, but its class has none."}


def test_an_error_is_told_with_the_authors_own_line(tmp_path, monkeypatch):
    folder, _ = write_distribution("far", "baseline", tmp_path)
    code = folder / "src/hdbench_far/baseline.py"
    code.write_text(code.read_text().replace("return torch.stack([", "return torch.linalg.inv(state['clouds']), torch.stack(["))
    line = next(k for k, text in enumerate(code.read_text().splitlines(), 1) if "linalg.inv" in text)
    registry, _ = imported(folder, monkeypatch)
    assert any(f"(hdbench_far/baseline.py:{line} in sample)" in check.wrong for check in checks(registry, "far"))


def test_a_metric_that_changes_what_it_is_given_is_found_whatever_was_checked_before(tmp_path, monkeypatch):
    registry, module = imported(write_distribution("untidy", "metric", tmp_path)[0], monkeypatch)

    def measure(self, comparison):
        comparison.between.sort(axis=0)
        return {"Untidy": float(comparison.between[0].mean())}

    monkeypatch.setattr(module.UntidyMetric, "measure", measure)
    assert any("must leave the comparison alone" in check.wrong for check in checks(registry, "untidy"))


def test_a_ratio_that_empty_samples_make_infinite_is_no_better_for_it(tmp_path, monkeypatch):
    def nearest(distances):
        return float((distances + np.diag(np.full(len(distances), np.inf))).min(1).mean())

    def measure(self, comparison):
        return {"Ratio": nearest(comparison.within_generated) / nearest(comparison.within_reference)}

    registry, module = imported(write_distribution("ratio", "metric", tmp_path)[0], monkeypatch)
    for name, value in {"direction": "target", "target": 1.0, "unit": "ratio", "measure": measure}.items():
        monkeypatch.setattr(module.RatioMetric, name, value)
    assert [check for check in checks(registry, "ratio") if not check.holds] == []


def test_a_cause_is_told_once(tmp_path, monkeypatch):
    from hdbench_sphere.baseline import Resample

    monkeypatch.setattr(Resample, "fit", lambda self, training, session: None)
    told = CliRunner().invoke(cli, ["plugins", "check", "resample"]).output
    assert told.count("is a 'return' missing?") == 1
    assert "4 rules do not hold, for one reason." in told


def test_the_command_says_what_is_wrong_and_ends_in_1(monkeypatch):
    from hdbench_sphere.baseline import Resample

    assert CliRunner().invoke(cli, ["plugins", "check", "resample"]).exit_code == 0
    monkeypatch.setattr(Resample, "sample", lambda self, state, count, session: state["clouds"][:1])
    told = CliRunner().invoke(cli, ["plugins", "check", "baseline/resample"])
    assert told.exit_code == 1
    assert "WRONG it gives as many samples as were asked for" in told.output
    assert "it gives 1." in told.output


def test_the_command_writes_a_distribution_and_says_what_comes_next(tmp_path):
    told = CliRunner().invoke(cli, ["plugins", "new", "my-method", "--kind", "baseline", "--out", str(tmp_path)])
    assert told.exit_code == 0
    assert "hdbench run --method my-method" in told.output
    assert (tmp_path / "hdbench-my-method/src/hdbench_my_method/baseline.py").is_file()


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("My Method", "baseline", "cannot be the name of a plugin"),
        ("../up", "baseline", "cannot be the name of a plugin"),
        ("mine", "basline", "Did you mean 'baseline'"),
        ("taken", "baseline", "exists already"),
    ],
)
def test_what_cannot_be_written_is_refused(name, kind, message, tmp_path):
    (tmp_path / "hdbench-taken").mkdir()
    with pytest.raises(HdbenchError, match=message):
        write_distribution(name, kind, tmp_path)


def test_a_component_that_does_not_exist_is_named_with_its_nearest():
    with pytest.raises(HdbenchError, match="Did you mean 'resample'"):
        chosen(installed(), "resampel")


def test_every_interface_has_a_level_a_contract_and_a_template_or_is_made_of_others():
    assert set(CONTRACTS) == set(API_LEVELS) == {*INTERFACES, "recipe"}
    assert set(KINDS) == set(INTERFACES) - {"features", "logger"}
    assert all(INTERFACES[kind].__name__ == about.interface for kind, about in KINDS.items())
    assert all(CONTRACTS[kind].__name__ == about.contract for kind, about in KINDS.items())


# ----------------------------------------------------------------------------------------------------- plugins of one file


def one_file(folder: Path) -> Path:
    """A metric of one file, its offer included."""
    written, _ = write_distribution("quick", "metric", folder)
    source = (written / "src/hdbench_quick/metric.py").read_text()
    offer = (written / "src/hdbench_quick/__init__.py").read_text().partition("\n")[2]
    file = folder / "quick_try.py"
    head, future, body = source.partition("from __future__ import annotations\n")
    file.write_text(head + future + body + offer.replace("hdbench_quick.metric", "quick_try"))
    return file


def test_a_plugin_of_one_file_is_used_before_and_after_the_command(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    file = str(one_file(tmp_path))
    for arguments in (["--plugin", file, "metrics"], ["metrics", "--plugin", file]):
        told = CliRunner().invoke(cli, plugins_first(arguments))
        assert told.exit_code == 0, told.output
        assert "median over reference shapes" in told.output.replace("\n", " ")


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("no-module.py", "", "no Python file with the name of a module"),
        ("absent.py", None, "no Python file"),
        ("json.py", "", "called like the module"),
        ("raises_it.py", "1 / 0", "ZeroDivisionError"),
        ("offers_none.py", "x = 1", "offers nothing"),
        (
            "half_done.py",
            "from hdbench.interfaces import Baseline\nclass Blob(Baseline):\n    name = 'blob'",
            r'Offer\(kind="baseline", name="blob", target="half_done:Blob"',
        ),
    ],
)
def test_a_file_that_cannot_be_a_plugin_is_refused(file, text, message, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    if text is not None:
        (tmp_path / file).write_text(text)
    with pytest.raises(HdbenchError, match=message):
        Registry().add_file(tmp_path / file)


# ---------------------------------------------------------------------------------------------------- what is not installed


def test_known_plugins_are_those_of_the_repository():
    ours = {tomllib.loads(file.read_text())["project"]["name"] for file in PLUGINS.glob("*/pyproject.toml")}
    assert {plugin.distribution for plugin in KNOWN} >= ours


def test_names_that_users_ask_for_are_offered():
    offered = {(found.distribution, name) for (_, name), found in installed().components.items()}
    absent = {plugin.distribution for plugin in not_installed(installed())}
    asked = {(plugin.distribution, name) for plugin in KNOWN for name in plugin.names if plugin.distribution not in absent}
    assert asked <= offered


def test_what_is_known_but_not_installed_comes_with_its_install_line():
    bare = Registry().load(points=())
    assert not_installed(bare) == list(KNOWN)
    assert "pip install hdbench-voxel" in hint(bare, "voxel")
    with pytest.raises(HdbenchError, match="pip install hdbench-samplers"):
        bare.find("sampler", "ddim")
    assert hint(installed(), "ddim") == ""


def test_a_plugin_in_quarantine_is_told_why(monkeypatch):
    registry = Registry().load([EntryPoint("torn", "no_such_module_here", "hdbench.plugins")])
    with pytest.raises(HdbenchError, match="no_such_module_here"):
        chosen(registry, "torn")
