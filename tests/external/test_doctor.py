"""The doctor says what is wrong and what to do, for the machine and for a checkout, and its exit code says whether it matters."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from hdbench.commands.doctor import doctor
from hdbench.external import machine
from hdbench.external.findings import Finding
from hdbench.registry import Quarantined, Registry

EXAMPLE = Path(__file__).parents[2] / "plugins" / "hdbench-external" / "example"


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Starting a process takes seconds; one test does it."""
    monkeypatch.setattr(machine, "_workers", lambda: Finding("ok", "workers", "not started"))


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(EXAMPLE, tmp_path / "toy"))


def ask(toy: Path, *words: str, registry: Registry | None = None) -> tuple[int, dict[str, dict]]:
    """(exit code, findings by what they are about)"""
    given = ("--spec", str(toy / "toy.toml"), "-o", f"repo={toy / 'repository'}") if toy else ()
    done = CliRunner().invoke(doctor, [*given, *words, "--json"], obj=registry or Registry().load(), catch_exceptions=False)
    found = {finding["what"]: finding for finding in json.loads(done.output)}
    return done.exit_code, found


def change(toy: Path, old: str, new: str) -> None:
    path = toy / "toy.toml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def test_all_is_well_with_the_example(toy):
    code, found = ask(toy)
    assert code == 0
    assert {f["level"] for f in found.values()} <= {"ok", "warn"}  # the machine may be short of memory
    assert found["script train.py"]["level"] == "ok"
    assert "Python 3" in found["interpreter"]["found"]
    assert found["module numpy"]["found"] == "imports"


def test_a_module_that_is_missing_fails_with_the_line_that_installs_it(toy):
    change(toy, '["numpy"]', '["numpy", "sklearn_is_not_there"]')
    code, found = ask(toy)
    missing = found["module sklearn_is_not_there"]
    assert code == 1
    assert missing["level"] == "fail"
    assert "ModuleNotFoundError" in missing["found"]
    assert missing["step"].endswith("-m pip install sklearn_is_not_there")
    change(toy, 'shims = ["numpy-aliases"]', 'shims = []\nstubs = ["sklearn_is_not_there"]')
    assert ask(toy)[0] == 0


def test_a_script_that_is_missing_fails_with_its_nearest(toy):
    (toy / "repository" / "train.py").rename(toy / "repository" / "trainer.py")
    code, found = ask(toy)
    assert code == 1
    assert found["script train.py"]["found"] == "not there"
    words = ["--spec", str(toy / "toy.toml"), "-o", f"repo={toy / 'repository'}"]
    text = CliRunner().invoke(doctor, words, obj=Registry().load()).output
    assert "fail  script train.py: not there\n      Did you mean 'trainer.py'?" in text


def test_an_interpreter_that_is_none_fails(toy, tmp_path):
    code, found = ask(toy, "-o", "python=/bin/ls")
    assert code == 1
    assert "'/bin/ls' is no Python of 3.8 or later, or is broken" in found["interpreter"]["found"]
    code, found = ask(toy, "-o", "python=/no/such/python")
    assert "There is no interpreter '/no/such/python'" in found["interpreter"]["found"]
    assert code == 1


def test_a_gpu_that_is_needed_and_not_there_fails(toy, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    change(toy, "[environment]", "[environment]\ncuda = true\ncompiler = true")
    code, found = ask(toy)
    assert code == 1
    assert found["its torch"]["level"] == "fail"
    assert "need an NVIDIA GPU" in found["its torch"]["step"]
    assert found["compiler"]["level"] == "warn"


@pytest.mark.parametrize(
    ("words", "what", "said"),
    [
        (("-o", "repo="), "checkout", "Write -o external.repo=DIR"),
        (("-o", "repo=/no/such"), "checkout", "There is no folder '/no/such'"),
        (("-o", "arguments=epoch=1"), "checkout", "Did you mean 'epochs'?"),
        (("-o", "spec=/no/such.toml"), "external", "There is no configuration file '/no/such.toml'"),
        (("-o", "checkpoint=/no/such.pt"), "external", "There is no file or folder '/no/such.pt'"),
    ],
)
def test_what_is_missing_is_a_finding_not_a_crash(toy, words, what, said):
    code, found = ask(toy, *words)
    assert code == 1
    assert said in found[what]["found"]


def test_another_commit_is_a_warning_with_the_command_that_mends_it(toy):
    change(toy, 'commit = ""', 'commit = "abc1234"')
    code, found = ask(toy)
    assert code == 0
    assert found["commit"]["level"] == "warn"
    assert found["commit"]["step"] == "The specification was written for abc1234: git checkout abc1234."


def test_samples_are_looked_at(toy, tmp_path):
    (tmp_path / "x.npy").write_bytes(b"abc")
    code, found = ask(toy, "-o", "mode=samples", "-o", "repo=", "-o", f"samples={tmp_path / 'x.npy'}")
    assert code == 0
    assert "x.npy (sha256 ba7816bf8f01)" in found["samples"]["found"]


def test_a_broken_plugin_is_the_machines_failure():
    registry = Registry().load()
    registry.quarantine.append(Quarantined("bad", "hdbench-bad", "1.0", "no module named torchh"))
    code, found = ask(None, registry=registry)
    assert code == 1
    assert found["plugin bad"] == {
        "level": "fail", "what": "plugin bad", "found": "no module named torchh", "step": "Mend or uninstall hdbench-bad.",
    }  # fmt: skip


def test_a_folder_that_cannot_be_written_to_fails(monkeypatch, tmp_path):
    monkeypatch.setattr("os.access", lambda path, mode: False)
    code, found = ask(None, "--out", str(tmp_path / "deep" / "er"))
    assert code == 1
    assert found["disk"]["found"] == f"'{tmp_path}' cannot be written to"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("dpcc",), "There is no baseline named 'dpcc'. Did you mean 'dpc'?"),
        (("hyperdiffusion",), "'hyperdiffusion' is a recipe: it needs no checkout"),
        (("-o", "repo=x"), "Name it: hdbench doctor NAME -o KEY=VALUE"),
        (("dpc", "-o", "rep=x"), "There is no setting named 'rep'"),
    ],
)
def test_a_wrong_question_is_refused(words, message):
    from hdbench.errors import HdbenchError

    with pytest.raises(HdbenchError) as error:
        CliRunner().invoke(doctor, list(words), obj=Registry().load(), catch_exceptions=False)
    assert message in str(error.value)


def test_worker_processes_start(hdbench):
    done = hdbench("doctor", "--json")
    found = {finding["what"]: finding for finding in json.loads(done.stdout)}
    assert found["workers"]["found"] == "processes start"
