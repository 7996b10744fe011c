"""The launcher mends what is broken today in memory, in the script's own process, and touches no file."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from hdbench.external.inside import launcher

LAUNCHER = launcher.__file__


def launch(folder: Path, script: str, *options: str, arguments: tuple[str, ...] = (), **variables: str):
    """Run a script of this text in a folder through the launcher, as if the machine had no GPU."""
    (folder / "script.py").write_text(script)
    command = [sys.executable, LAUNCHER, *options, "--", "script.py", *arguments]
    seen = os.environ | {"CUDA_VISIBLE_DEVICES": "", "PYTHONDONTWRITEBYTECODE": "1"} | variables
    return subprocess.run(command, cwd=folder, env=seen, capture_output=True, text=True, timeout=240)


def result(done: subprocess.CompletedProcess[str]):
    """What the script printed last, as JSON."""
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_the_script_sees_its_own_arguments_name_and_neighbours(tmp_path):
    (tmp_path / "neighbour.py").write_text("NAME = 'next door'")
    script = "import json, sys, neighbour; print(json.dumps([__name__, __file__, sys.argv, neighbour.NAME]))"
    found = result(launch(tmp_path, script, arguments=("--lr", "1e-3", "")))
    assert found == ["__main__", "script.py", ["script.py", "--lr", "1e-3", ""], "next door"]


def test_the_exit_code_is_the_scripts(tmp_path):
    assert launch(tmp_path, "raise SystemExit(7)").returncode == 7


TORCH = """
import argparse, json, torch
torch.save({"args": argparse.Namespace(lr=3), "w": torch.ones(2)}, "old.pt")
loaded = torch.load("old.pt")
net = torch.nn.Linear(2, 2).cuda()
x = torch.randn(3, 2, device="cuda").cuda().to("cuda") + torch.zeros_like(torch.ones(2), device=torch.device("cuda:0"))
torch.cuda.synchronize(); torch.cuda.set_device(0)
y = torch.cuda.FloatTensor([1.0]) * net(x).to(device="cuda", dtype=torch.float64).sum(0)
print(json.dumps([loaded["args"].lr, str(y.device), str(y.dtype), y.isfinite().all().item()]))
"""


def test_old_checkpoints_load_and_cuda_is_the_cpu_where_there_is_none(tmp_path):
    assert result(launch(tmp_path, TORCH, "--shims=torch-load,no-cuda")) == [3, "cpu", "torch.float64", True]


@pytest.mark.parametrize(("shims", "complaint"), [("no-cuda", "Weights only load failed"), ("torch-load", "CUDA|NVIDIA")])
def test_without_its_shim_the_script_fails_as_it_does_today(tmp_path, shims, complaint):
    done = launch(tmp_path, TORCH, f"--shims={shims}")
    assert done.returncode != 0
    assert re.search(complaint, done.stderr)


SEEDED = """
import json, random, numpy, torch
print(json.dumps([random.random(), numpy.random.rand(), torch.rand(()).item()]))
"""


def test_a_script_that_seeds_nothing_is_decided_by_the_seed(tmp_path):
    one, same, other = (result(launch(tmp_path, SEEDED, "--shims=seed", HDBENCH_SEED=seed)) for seed in ("5", "5", "6"))
    assert one == same
    assert all(a != b for a, b in zip(one, other))


LIBRARIES = """
import argparse, collections, importlib, inspect, json, time
import numpy as np, skimage.measure
grid = np.linalg.norm(np.mgrid[-1:1:9j, -1:1:9j, -1:1:9j], axis=0) - 0.6
vertices, faces, normals, _ = skimage.measure.marching_cubes_lewiner(grid, level=0, spacing=(0.25, 0.25, 0.25))
radius = np.linalg.norm(vertices - 1, axis=1).mean()
loader = importlib.find_loader("json"), importlib.find_loader("no_such_module")
names = inspect.getargspec(lambda a, b=1: 0)[0]
parser = argparse.ArgumentParser()
for name, default in (("--steps", 1000), ("--rate", 0.5), ("--word", "x"), ("--flag", True)):
    parser.add_argument(name, default=default)
parser.add_argument("--many", default=3, nargs=2)
given = parser.parse_args(["--steps", "50", "--rate", "2", "--many", "a", "b"])
print(json.dumps([bool(abs(radius - 0.6) < 0.02), loader[0] is not None, loader[1], names, np.int(3.7), np.float_ is np.float64,
                  isinstance([], collections.Sequence), time.clock() > 0, vars(given)]))
"""


def test_names_that_libraries_dropped_are_there_again(tmp_path):
    found = result(launch(tmp_path, LIBRARIES, "--shims=marching-cubes,numpy-aliases,old-python,typed-arguments"))
    assert found[:8] == [True, True, None, ["a", "b"], 3, True, True, True]
    assert found[8] == {"steps": 50, "rate": 2.0, "word": "x", "flag": True, "many": ["a", "b"]}


STUBBED = """
import json, importlib
import not_there_1, json.decoder
from not_there_1 import Thing
class Mine(Thing): pass
try:
    Thing(3)
except RuntimeError as error:
    said = str(error)
print(json.dumps([said, importlib.find_loader("not_there_1") is not None, json.loads("[1]")]))
"""


def test_a_stub_can_be_imported_but_not_used_and_what_is_installed_is_left_alone(tmp_path):
    found = result(launch(tmp_path, STUBBED, "--shims=old-python", "--stubs=not_there_1,json"))
    assert found == ["not_there_1.Thing was called, but not_there_1 is not installed", True, [1]]


def test_a_patch_runs_first_and_may_stand_in_for_a_module_of_the_repository(tmp_path):
    (tmp_path / "backend.py").write_text("raise OSError('needs a compiler')")
    patch = tmp_path / "elsewhere" / "patch.py"
    patch.parent.mkdir()
    patch.write_text("import sys, types; sys.modules['backend'] = types.SimpleNamespace(add=lambda a, b: a + b)")
    assert result(launch(tmp_path, "import backend, json; print(json.dumps(backend.add(2, 3)))", f"--patches={patch}")) == 5


def test_flags_that_choose_the_compiler_are_dropped():
    flags = ["-O3", "--compiler-bindir=/usr/bin/gcc-8", "-ccbin", "gcc-8", "-std=c++17", "-ccbin=gcc-8"]
    assert launcher.without_compiler(flags) == ["-O3", "-std=c++17"]


def test_files_for_other_interpreters_are_plain_python_of_3_8_and_import_nothing_of_hdbench():
    import ast

    for path in Path(LAUNCHER).parent.glob("*.py"):
        tree = ast.parse(path.read_text(), feature_version=(3, 8))
        imported = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
        imported |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        assert not any(name.startswith("hdbench") or name == "__future__" for name in imported)
