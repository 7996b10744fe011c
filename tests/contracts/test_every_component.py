"""Every component of this repository's plugins has a contract test."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

from hdbench.testing import Contract
from hdbench.testing.contract import installed

ROOT = Path(__file__).parents[2]

PLUGINS = sorted(path.parent for path in (ROOT / "plugins").glob("*/pyproject.toml"))


def module_at(file: Path) -> ModuleType:
    """The module of a file, under a name of its own."""
    spec = importlib.util.spec_from_file_location(f"contracts_of_{file.parents[1].name.replace('-', '_')}", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def under_contract(files: Iterable[Path]) -> set[tuple[str, str]]:
    """(kind, name) of every component that a test class in these files holds to its contract."""
    classes = [value for file in files for value in vars(module_at(file)).values() if isinstance(value, type)]
    return {(c.kind, c().offer().name) for c in classes if issubclass(c, Contract) and c.__name__.startswith("Test")}


def contract_files() -> list[Path]:
    return [file for plugin in PLUGINS if (file := plugin / "tests" / "test_contract.py").exists()]


def offered() -> set[tuple[str, str]]:
    ours = {plugin.name for plugin in PLUGINS}
    return {key for key, component in installed().components.items() if component.distribution in ours}


def test_every_plugin_of_the_repository_is_installed_and_offers_something():
    assert installed().quarantine == []
    assert {component.distribution for component in installed().components.values()} >= {plugin.name for plugin in PLUGINS}


def test_every_component_has_a_contract_test():
    assert offered() - under_contract(contract_files()) == set()


def test_the_check_for_missing_contracts_can_fail():
    without = [file for file in contract_files() if file.parents[1].name != "hdbench-set-metrics"]
    of_that_plugin = {key for key, found in installed().components.items() if found.distribution == "hdbench-set-metrics"}
    assert offered() - under_contract(without) == of_that_plugin
    assert ("metric", "mmd-cd") in of_that_plugin


def test_contracts_need_no_pytest():
    code = "import sys, hdbench.testing; sys.exit('pytest' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
