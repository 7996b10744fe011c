"""A user's mistake is answered in one line that names the thing, the nearest match and the next step."""

from __future__ import annotations

import json

import pytest

MISTAKES = {
    "unknown command": (("rum",), "There is no command named 'rum'. Did you mean 'run'?"),
    "unknown method": (
        ("run", "--method", "hyperdifusion"),
        "There is no method named 'hyperdifusion'. Did you mean 'hyperdiffusion'?",
    ),
    "unknown shapes": (
        ("run", "--method", "sphere", "--data", "airplan"),
        "There is no shapes named 'airplan'. Did you mean 'airplane'?",
    ),
    "unknown preset": (
        ("run", "--method", "hyperdiffusion", "--preset", "tinny"),
        "There is no preset named 'tinny'. Did you mean 'tiny'?",
    ),
    "unknown protocol": (
        ("run", "--method", "hyperdiffusion", "--protocol", "strikt"),
        "There is no protocol named 'strikt'. Did you mean 'strict'?",
    ),
    "unknown setting": (("run", "--method", "hyperdiffusion", "-o", "ini=random"), "There is no setting named 'ini'."),
    "unknown choice": (("run", "--method", "hyperdiffusion", "-o", "init=rnadom"), "Did you mean 'random'?"),
    "no value": (("run", "--method", "hyperdiffusion", "-o", "init"), "'init' is not of the form KEY=VALUE."),
    "out of range": (
        ("run", "--method", "hyperdiffusion", "-o", "draws=0"),
        "The setting 'run.draws' must be in 1..100, but it is 0.",
    ),
    "unknown sampler": (
        ("run", "--method", "hyperdiffusion", "-o", "sampler=dimm"),
        "There is no sampler named 'dimm'. Did you mean 'ddim'?",
    ),
    "no method": (("run",), "Name a method to run"),
    "unknown device": (("run", "--device", "gpu"), "There is no device named 'gpu'."),
    "missing folder": (("run", "--method", "hyperdiffusion", "--data", "meshes:nowhere"), "nowhere"),
    "no folder given": (("run", "--method", "hyperdiffusion", "--data", "meshes"), "Write --data meshes:DIR."),
    "a path too many": (("run", "--method", "hyperdiffusion", "--data", "airplane:here"), "take no path"),
    "too few shapes": (("run", "--method", "sphere", "--data", "spheres", "-o", "count=3"), "3 usable shapes are too few"),
    "unknown metric": (("run", "--method", "sphere", "-o", "metrics=mmd-dc"), "Did you mean 'mmd-cd'?"),
    "settings of others": (("run", "--method", "sphere", "-o", "data.source=spheres"), "Choose it with '--data spheres'."),
    "missing configuration": (
        ("run", "--method", "sphere", "--config", "nowhere.toml"),
        "There is no configuration file 'nowhere.toml'.",
    ),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_answered_in_one_line(hdbench, case):
    arguments, message = MISTAKES[case]
    done = hdbench(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert sum(line.startswith("Error:") for line in done.stderr.splitlines()) == 1
    assert done.stderr.splitlines()[-1].startswith("Error:")
    assert done.stdout == ""


def test_an_empty_folder_of_meshes_is_said(hdbench, tmp_path):
    (tmp_path / "empty").mkdir()
    done = hdbench("run", "--method", "voxel", "--data", "meshes:empty")
    assert done.returncode == 2
    assert "empty" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_run_folder_of_another_version_is_refused(hdbench, tmp_path):
    (tmp_path / "runs" / "store").mkdir(parents=True)
    (tmp_path / "runs" / "store" / "format.json").write_text('{"format": 99}')
    done = hdbench("run", "--method", "sphere", "--data", "spheres")
    assert done.returncode == 2
    assert "has format 99" in done.stderr


def test_show_config_prints_every_setting_and_can_be_read_back(hdbench, tmp_path):
    shown = hdbench("run", "--method", "hyperdiffusion", "--show-config", "-o", "init=random")
    assert 'init = "random"' in shown.stdout
    (tmp_path / "again.toml").write_text(shown.stdout)
    assert hdbench("run", "--method", "hyperdiffusion", "--show-config", "--config", "again.toml").stdout == shown.stdout


def test_plugins_lists_what_is_installed(hdbench):
    listed = json.loads(hdbench("plugins", "--json").stdout)
    assert listed["quarantine"] == []
    names = {(c["kind"], c["name"]) for c in listed["components"]}
    assert {
        ("encoder", "mlp"),
        ("denoiser", "transformer"),
        ("sampler", "ddim"),
        ("recipe", "voxel"),
        ("shapes", "airplane"),
    } <= names
    assert all(c["summary"] and c["source"] for c in listed["components"])
    assert hdbench("plugins", "--broken").returncode == 0


@pytest.fixture
def broken_plugin(tmp_path, monkeypatch):
    """A distribution whose plugin raises when it is imported."""
    info = tmp_path / "site" / "hdbench_warp-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: hdbench-warp\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[hdbench.plugins]\nwarp = hdbench_warp\n")
    (tmp_path / "site" / "hdbench_warp.py").write_text("import warp_drive\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))


def test_a_broken_plugin_is_named_and_all_else_works(hdbench, broken_plugin):
    listed = hdbench("plugins", "--json")
    [left_out] = json.loads(listed.stdout)["quarantine"]
    assert (left_out["plugin"], left_out["distribution"], left_out["version"]) == ("warp", "hdbench-warp", "1.0")
    assert "No module named 'warp_drive'" in left_out["reason"]
    assert "Warning: The plugin 'warp' (hdbench-warp 1.0) is left out" in listed.stderr
    assert hdbench("run", "--method", "sphere", "--show-config").returncode == 0
    assert hdbench("plugins", "--broken").returncode == 1


def test_strict_makes_a_broken_plugin_an_error(hdbench, broken_plugin):
    done = hdbench("--strict", "plugins")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == "Error: 1 of the installed plugins cannot be loaded (--strict)."


def test_strict_refuses_a_mesh_that_cannot_be_used_and_names_it(hdbench, tmp_path):
    folder = tmp_path / "meshes"
    folder.mkdir()
    (folder / "good.off").write_text("OFF\n4 4 0\n0 0 0\n1 0 0\n0 1 0\n0 0 1\n3 0 2 1\n3 0 1 3\n3 1 2 3\n3 0 3 2\n")
    (folder / "points.ply").write_text("ply\nformat ascii 1.0\nelement vertex 1\nproperty float x\nend_header\n0\n")
    (folder / "empty.obj").write_text("")
    done = hdbench("run", "--method", "voxel", "--data", "meshes:meshes", "--strict")
    assert done.returncode == 2
    assert "2 of 3 shapes cannot be used (--strict). The first: The file 'empty.obj' cannot be used" in done.stderr
    assert "Traceback" not in done.stderr
