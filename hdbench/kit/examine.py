"""A component's contract, run without pytest: every check, what it found, in the author's words."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hdbench import testing
from hdbench.config import from_dict, override
from hdbench.errors import HdbenchError, unknown
from hdbench.registry import Registered, Registry
from hdbench.testing.contract import Contract

CONTRACTS: dict[str, type[Contract]] = {
    contract.kind: contract for name in testing.__all__ if (contract := getattr(testing, name)).__dict__.get("kind")
}


@dataclass(frozen=True, slots=True)
class Check:
    """One rule of a contract: its ``rule`` in words, and what is wrong, or the empty string."""

    rule: str
    wrong: str

    @property
    def holds(self) -> bool:
        return not self.wrong


def chosen(registry: Registry, name: str) -> list[Registered]:
    """The components that ``name`` means: ``my-method``, ``baseline/my-method``, or all of ``hdbench-my-method``."""
    kind, _, rest = name.rpartition("/")
    found = [r for (k, n), r in registry.components.items() if n == rest and kind in ("", k)]
    found = found or [r for r in registry.components.values() if r.distribution == name]
    if found:
        return found
    for plugin in registry.quarantine:
        if name in (plugin.plugin, plugin.distribution):
            raise HdbenchError(str(plugin))
    known = {n for _, n in registry.components} | {r.distribution for r in registry.components.values()}
    raise unknown("component or plugin", name, known, "Is it installed? 'hdbench plugins' lists what is.")


def examine(registry: Registry, registered: Registered, settings: tuple[str, ...]) -> Iterator[Check]:
    """Every rule of the contract of the component's kind, in order; ``settings`` (KEY=VALUE) make its checks fast."""
    contract = _contract(registry, registered, settings)
    for name, _ in inspect.getmembers(type(contract), inspect.isfunction):
        if name.startswith("test_"):
            yield Check(name.removeprefix("test_").replace("_", " "), _wrong(contract, name))


def _contract(registry: Registry, registered: Registered, settings: tuple[str, ...]) -> Contract:
    """The contract of its kind, for this component."""
    kind, name = registered.offer.kind, registered.offer.name
    target = registry.resolve(kind, name)
    attributes: dict[str, Any] = {"component": name, "plugins": registry}
    if settings:
        attributes["small"] = override(from_dict(target.Config(), target.small), settings)
    cls = type(f"Check{name.title().replace('-', '')}", (CONTRACTS[kind],), attributes)
    instance: Contract = cls()
    return instance


def _wrong(contract: Contract, name: str) -> str:
    """What is wrong with one rule. An exception of the component's own code is told with the line that raised it."""
    try:
        getattr(contract, name)()
    except AssertionError as breach:
        return str(breach) or _place(breach)
    except HdbenchError as error:
        return f"{contract.title} raised an error: {error}"
    except Exception as error:
        return f"{contract.title} raised {type(error).__name__}: {error} ({_place(error)})"
    return ""


def _place(error: BaseException) -> str:
    """The innermost line outside the libraries, as file:line."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if "site-packages" not in f.filename]
    own = [f for f in frames if Path(f.filename).parent.name not in ("kit", "testing")] or frames
    return f"{Path(own[-1].filename).name}:{own[-1].lineno} in {own[-1].name}"
