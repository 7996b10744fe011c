"""What a result depends on besides its configuration: the code, the libraries, the machine."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import os
import platform
import subprocess
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

LIBRARIES = ("torch", "numpy", "numba", "scipy", "scikit-image", "libigl", "trimesh")


@cache
def library_versions() -> dict[str, str]:
    """Versions of the libraries that decide about numbers."""
    return {"python": f"{sys.version_info[0]}.{sys.version_info[1]}"} | {name: _version(name) for name in LIBRARIES}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def code_digest(*modules: str) -> str:
    """A digest of the source of these modules and of every hdbench module or plugin module that they import.

    Docstrings and comments do not count. Imports are found in the syntax tree, so nothing is executed.
    """
    found: set[str] = set()
    for module in modules:
        _collect(module, found)
    return hashlib.sha256("".join(sorted(f"{m}={_source_digest(m)};" for m in found)).encode()).hexdigest()[:20]


def _collect(module: str, found: set[str]) -> None:
    if module in found or _source(module) is None:
        return
    found.add(module)
    for imported in _imports(module):
        _collect(imported, found)


@cache
def _source(module: str) -> Path | None:
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        return None
    return Path(spec.origin) if spec and spec.origin and spec.origin.endswith(".py") else None


@cache
def _tree(module: str) -> ast.Module:
    path = _source(module)
    assert path is not None
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def _imports(module: str) -> tuple[str, ...]:
    """The modules of hdbench and of the same plugin that this one imports."""
    own = module.partition(".")[0]
    names: set[str] = set()
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return tuple(sorted(n for n in names if n.partition(".")[0] in (own, "hdbench")))


@cache
def _source_digest(module: str) -> str:
    tree = ast.parse(ast.unparse(_tree(module)))  # a copy to strip
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        first = body[0] if isinstance(body, list) and body else None
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
            body[0] = ast.Pass()  # type: ignore[index]
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()


def machine() -> dict[str, Any]:
    """The machine in words and numbers."""
    import torch

    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    gpu = torch.cuda.get_device_name(0) if torch.cuda.is_available() else None
    return {
        "system": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(memory, 1),
        "gpu": gpu,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def git_state() -> dict[str, Any] | None:
    """Commit and cleanliness of the repository that hdbench runs from, or None outside of one."""
    folder = Path(__file__).parent
    try:
        commit = _git(folder, "rev-parse", "HEAD")
        return {"commit": commit, "modified": bool(_git(folder, "status", "--porcelain", "--", "."))}
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=10).stdout.strip()
