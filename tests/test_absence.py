"""What must not be there, each with a proof that the check can fail."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = {"torch", "numpy", "pandas", "trimesh", "numba", "matplotlib"}


def imported_by(*arguments: str) -> set[str]:
    """Top-level modules that a command line leaves in sys.modules."""
    code = (
        "import sys\nfrom hdbench.__main__ import main\n"
        f"try:\n    main({list(arguments)!r})\nexcept SystemExit:\n    pass\n"
        "print('MODULES', *sorted({m.partition('.')[0] for m in sys.modules}))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    return set(out.rpartition("MODULES ")[2].split())


def test_the_help_of_no_command_imports_anything_heavy():
    """Every command that is installed, one after the other in one process: the first that does is named."""
    code = (
        "import sys\nfrom hdbench.__main__ import main\nfrom hdbench.registry import Registry, builtin_commands\n"
        "for name in sorted(builtin_commands(Registry()).load().commands):\n"
        "    try:\n        main([name, '--help'])\n    except SystemExit:\n        pass\n"
        f"    print('\\nHEAVY', name, *({HEAVY} & sys.modules.keys()))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    lines = [line.split()[1:] for line in out.splitlines() if line.startswith("HEAVY")]
    assert {"score", "metrics", "run", "ablate", "plugins", "weights"} <= {name for name, *_ in lines}
    assert [line for line in lines if len(line) > 1] == []


@pytest.mark.parametrize(
    "arguments",
    [("--help",), ("plugins",), ("plugins", "--json"), ("score", "--help"), ("data", "check", "--help"), ("--version",)],
)
def test_looking_around_imports_nothing_heavy(arguments):
    assert not imported_by(*arguments) & HEAVY


def test_the_check_for_heavy_imports_can_fail():
    assert "torch" in imported_by("run", "--method", "no-such-method")


def plugin_imports(file: Path) -> list[str]:
    """Imports of plugins in a source file."""
    tree = ast.parse(file.read_text())
    names = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    return [name for name in names if name.startswith("hdbench_")]


def test_the_core_imports_no_plugin():
    assert [str(file) for file in (ROOT / "hdbench").rglob("*.py") if plugin_imports(file)] == []


def test_no_plugin_imports_another():
    found = {}
    for source in (ROOT / "plugins").glob("*/src/*"):
        for file in source.rglob("*.py"):
            others = [name for name in plugin_imports(file) if name.partition(".")[0] != source.name]
            if others:
                found[str(file)] = others
    assert found == {}


def test_the_check_for_plugin_imports_can_fail(tmp_path):
    guilty = tmp_path / "guilty.py"
    guilty.write_text("def late():\n    from hdbench_voxel.unet import UNet3D\n")
    assert plugin_imports(guilty) == ["hdbench_voxel.unet"]
